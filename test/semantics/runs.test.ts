/** What runs when: design §4, "When things run". Each test states a claim and its count. */
import {
  evaluate,
  flush,
  flushWaiting,
  manualSeed,
  nn,
  noGrad,
  ones,
  onCompile,
  rand,
  randn,
  scope,
  stats,
  tensor,
  zeros,
  type Tensor,
} from '@fakkel/core';
import { Adam, SGD } from '@fakkel/optim';
import { beforeEach, describe, expect, test } from 'vitest';
import { cost, SmallConvNet, TwoLayerNet } from './helpers.js';

beforeEach(() => void manualSeed(0));

const images = (n = 4): Tensor => randn([n, 1, 8, 8]);
const labels = (n = 4): Tensor => tensor(Int32Array.from({ length: n }, (_, i) => i % 4));

describe('a training step', () => {
  test('is one run, and the gradients never leave it', async () => {
    const net = new SmallConvNet();
    const criterion = new nn.CrossEntropyLoss();
    const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
    const step = async (): Promise<void> => {
      optimizer.zeroGrad();
      criterion(net(images()), labels()).backward();
      await optimizer.step();
    };
    await step();
    const { runs, compiles, kernels } = await cost(step);
    expect({ runs, compiles }).toEqual({ runs: 1, compiles: 0 });
    expect(kernels['conv']).toBe(1);
    expect(kernels['convWeightGrad']).toBe(1);
    // The first layer's input needs no gradient.
    expect(kernels['convInputGrad']).toBeUndefined();
  });

  test('computes no gradient for a frozen layer', async () => {
    const net = new SmallConvNet();
    net.conv.requiresGrad_(false);
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });
    const { kernels } = await cost(async () => {
      new nn.CrossEntropyLoss()(net(images()), labels()).backward();
      await optimizer.step();
    });
    expect(kernels['convWeightGrad']).toBeUndefined();
  });

  test('metrics after step() cost no extra run of the network', async () => {
    const net = new SmallConvNet();
    const criterion = new nn.CrossEntropyLoss();
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });
    const y = labels();
    const logits = net(images());
    const loss = criterion(logits, y);
    loss.backward();
    await optimizer.step();
    const { kernels, runs } = await cost(async () => {
      expect(await loss.item()).toBeGreaterThan(0);
      expect(await logits.argmax(1).eq(y).sum().item()).toBeLessThanOrEqual(4);
    });
    expect(kernels['conv']).toBeUndefined();
    expect(runs).toBe(1); // the accuracy itself, on the logits that are there
  });

  test('reading the loss before backward runs the forward pass once', async () => {
    const net = new SmallConvNet();
    const criterion = new nn.CrossEntropyLoss();
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });
    const { kernels, runs } = await cost(async () => {
      const loss = criterion(net(images()), labels());
      await loss.item();
      loss.backward();
      await optimizer.step();
    });
    expect(kernels['conv']).toBe(1);
    expect(kernels['maxPool']).toBe(1);
    expect(runs).toBe(2);
  });

  test('an activation that the budget evicted is computed again', async () => {
    const net = new SmallConvNet();
    const device = net.conv.weight.device;
    const { setMemoryBudget } = await import('@fakkel/core');
    const budget = device.backend.capabilities.memoryBudget;
    setMemoryBudget(0);
    try {
      const loss = new nn.CrossEntropyLoss()(net(images()), labels());
      const before = await loss.item();
      loss.backward();
      const again = await cost(async () => void (await net.conv.weight.grad!.data()));
      expect(again.kernels['conv']).toBe(1);
      expect(before).toBeGreaterThan(0);
    } finally {
      setMemoryBudget(budget);
    }
  });

  test('a gradient norm between backward and step makes two runs and one forward', async () => {
    const net = new SmallConvNet();
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });
    const { kernels, runs } = await cost(async () => {
      new nn.CrossEntropyLoss()(net(images()), labels()).backward();
      const norm = net.conv.weight.grad!.square().sum().sqrt();
      expect(await norm.item()).toBeGreaterThan(0);
      await optimizer.step();
    });
    expect(runs).toBe(2);
    expect(kernels['conv']).toBe(1);
    expect(kernels['convWeightGrad']).toBe(1);
  });
});

describe('sharing', () => {
  test('reads of one tick share a run', async () => {
    const x = tensor([1, 2, 3]);
    const { runs } = await cost(() => Promise.all([x.add(1).data(), x.mul(3).data(), x.sum().item()]));
    expect(runs).toBe(1);
  });

  test('evaluate() computes several in one run', async () => {
    const x = tensor([1, 2, 3]);
    const a = x.exp();
    const b = x.neg();
    expect((await cost(() => evaluate(a, b))).runs).toBe(1);
    expect((await cost(async () => [await a.data(), await b.data()])).runs).toBe(0);
  });

  test('visible values that share un-run work come with the run', async () => {
    const x = tensor([1, 2, 3]);
    const shared = x.exp();
    const a = shared.sum();
    const b = shared.mean();
    await a.item();
    expect((await cost(() => b.item())).runs).toBe(0);
  });

  test('unrelated work is another run', async () => {
    const a = tensor([1, 2]).exp();
    const b = tensor([3, 4]).exp();
    const first = await cost(() => a.data());
    expect(first.kernels['exp']).toBe(1);
    expect((await cost(() => b.data())).runs).toBe(1);
  });

  test('programs do not depend on how two requests interleave', async () => {
    const net = new TwoLayerNet().eval();
    const infer = (): Promise<unknown> =>
      noGrad(() =>
        net(randn([1, 4]))
          .softmax(1)
          .data(),
      );
    await infer();
    const { compiles } = await cost(async () => {
      const a = infer();
      await Promise.resolve();
      const b = infer();
      await Promise.all([a, b]);
    });
    expect(compiles).toBe(0);
  });

  test('what a module makes inside lives and dies in the program', async () => {
    const net = new SmallConvNet().eval();
    const logits = noGrad(() => net(images()));
    const { outputs } = await compileOf(() => logits.data());
    expect(outputs).toBe(1);
  });

  test('what the outermost module returns in arrays and objects is visible', async () => {
    class Two extends nn.Module {
      forward(x: Tensor): { first: Tensor; rest: Tensor[] } {
        const shared = x.exp();
        return { first: shared.sum(), rest: [shared.mean()] };
      }
    }
    const { first, rest } = new Two()(tensor([1, 2]));
    await first.item();
    expect((await cost(() => rest[0].item())).runs).toBe(0);
  });

  test('scope() hides the intermediates of a function', async () => {
    const x = tensor([1, 2, 3]);
    const { outputs } = await compileOf(() => scope(() => x.sub(1).square().mul(2).add(3).mean()).item());
    expect(outputs).toBe(1);
    const open = await compileOf(() => x.sub(1).square().mul(2).add(4).mean().item());
    expect(open.outputs).toBeGreaterThan(1);
  });

  test('a visible value over 1 MiB that other operations read is no output by that alone', async () => {
    const x = ones([600, 600]).mul(2);
    const { outputs } = await compileOf(() => x.sum().item());
    expect(outputs).toBe(1);
  });

  test('keep() makes it one', async () => {
    const x = ones([600, 600]).mul(2).keep();
    const { outputs } = await compileOf(() => x.sum().item());
    expect(outputs).toBe(2);
  });

  test('the loader flushes when a module call waits, and only then', async () => {
    const net = new TwoLayerNet();
    await flush();
    net(randn([2, 4]));
    expect((await cost(() => flushWaiting())).runs).toBe(1);
    expect((await cost(() => flushWaiting())).runs).toBe(0);
  });

  test('un-run work does not pile up: core flushes past its bound', async () => {
    const net = new TwoLayerNet().eval();
    const before = stats().runs;
    for (let i = 0; i < 9000; i++) noGrad(() => net(randn([1, 4])));
    await Promise.resolve();
    await flush();
    expect(stats().runs - before).toBeGreaterThan(1);
  });
});

describe('inputs and attributes', () => {
  const compilesOver = async (fn: (i: number) => Promise<unknown>, times = 5): Promise<number> => {
    await fn(0);
    return (
      await cost(async () => {
        for (let i = 1; i < times; i++) await fn(i);
      })
    ).compiles;
  };

  test('number operands', async () => {
    const x = tensor([1, 2, 3]);
    expect(
      await compilesOver((i) =>
        x
          .mul(i + 0.5)
          .add(i)
          .data(),
      ),
    ).toBe(0);
  });
  test('a number that happens to be 0 or 1 changes no structure', async () => {
    const x = tensor([1, 2, 3]);
    expect(
      await compilesOver((i) =>
        x
          .mul([2, 1, 0][i % 3])
          .add([5, 0, 1][i % 3])
          .data(),
      ),
    ).toBe(0);
    expect(await x.mul(1).add(0).toArray()).toEqual([1, 2, 3]);
  });
  test('clamp bounds', async () => {
    const x = tensor([1, 2, 3]);
    expect(await compilesOver((i) => x.clamp(i, i + 1).data())).toBe(0);
  });
  test('start offsets of narrow, slice, select and roll', async () => {
    const x = tensor([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(await compilesOver((i) => x.narrow(0, i, 2).data())).toBe(0);
    expect(await compilesOver((i) => x.slice(0, i, i + 3).data())).toBe(0);
    expect(await compilesOver((i) => x.select(0, i).data())).toBe(0);
    expect(await compilesOver((i) => x.roll(i, 0).data())).toBe(0);
  });
  test('full and tensor values', async () => {
    const { full } = await import('@fakkel/core');
    expect(
      await compilesOver((i) =>
        full([3], i)
          .add(tensor([i, i, i]))
          .data(),
      ),
    ).toBe(0);
  });
  test('dropout probability and seed', async () => {
    const x = ones([100]);
    expect(await compilesOver((i) => nn.functional.dropout(x, 0.1 * (i + 1)).data())).toBe(0);
  });
  test('learning rate, momentum, weight decay, step count', async () => {
    const net = new TwoLayerNet();
    const sgd = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9, weightDecay: 0.01 });
    const adam = new Adam(net.parameters(), { lr: 0.1 });
    for (const optimizer of [sgd, adam]) {
      const compiles = await compilesOver(async (i) => {
        const [group] = optimizer.paramGroups as unknown as Record<string, number>[];
        group['lr'] = 0.1 / (i + 1);
        if ('momentum' in group) group['momentum'] = 0.9 - 0.1 * i;
        group['weightDecay'] = 0.01 * i;
        optimizer.zeroGrad();
        net(ones([2, 4]))
          .sum()
          .backward();
        await optimizer.step();
      });
      expect(compiles).toBe(0);
    }
  });

  test('a cosine schedule over 100 steps compiles one program', async () => {
    const net = new TwoLayerNet();
    const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
    const { compiles, runs } = await cost(async () => {
      for (let i = 0; i < 100; i++) {
        optimizer.paramGroups[0].lr = 0.05 * (1 + Math.cos((Math.PI * i) / 100));
        optimizer.zeroGrad();
        net(rand([4, 4]))
          .square()
          .mean()
          .backward();
        await optimizer.step();
      }
    });
    expect({ compiles, runs }).toEqual({ compiles: 1, runs: 100 });
  });

  test('a smaller last batch compiles once more, and onCompile says why', async () => {
    const net = new TwoLayerNet();
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });
    const differences: string[] = [];
    const step = async (n: number): Promise<void> => {
      optimizer.zeroGrad();
      net(rand([n, 4]))
        .square()
        .mean()
        .backward();
      await optimizer.step();
    };
    await step(8);
    let text = '';
    const stop = onCompile((report) => {
      differences.push(report.difference.join('\n'));
      text = String(report);
    });
    const { compiles } = await cost(async () => {
      for (const n of [8, 8, 3, 8, 3]) await step(n);
    });
    stop();
    expect(compiles).toBe(1);
    expect(differences).toHaveLength(1);
    expect(differences[0]).toContain('- input 0: data float32[8,4]');
    expect(differences[0]).toContain('+ input 0: data float32[3,4]');
    expect(text).toMatch(
      /^compiled for reference: \d+ nodes from \d+ recorded operations, \d+ inputs, \d+ outputs, lowered in [\d.]+ ms\n {2}- input 0/,
    );
  });

  test('programs simplify: dead nodes go, equal nodes merge, movements that move nothing fold', async () => {
    const x = rand([3, 4]);
    const { nodes } = await compileOf(() =>
      scope(() => {
        const a = x.exp();
        const b = x.exp();
        x.sin();
        return a.reshape([12]).reshape([3, 4]).permute([0, 1]).add(b.transpose(0, 1).transpose(0, 1));
      }).data(),
    );
    expect(nodes).toBe(2); // exp, add
  });
});

test('tensors without elements never reach a backend', async () => {
  const empty = zeros([0, 3]);
  const { kernels } = await cost(async () => {
    expect(await empty.add(1).toArray()).toEqual([]);
    expect(await empty.sum().item()).toBe(0);
    expect(await empty.sum(0).toArray()).toEqual([0, 0, 0]);
    expect(
      await ones([3, 0])
        .matmul(ones([0, 2]))
        .toArray(),
    ).toEqual([
      [0, 0],
      [0, 0],
      [0, 0],
    ]);
  });
  expect(Object.keys(kernels).filter((op) => op === 'sum' || op === 'matmul')).toEqual([]);
});

test('a debugging aid: stats() counts compiles, runs and nodes', async () => {
  const x = tensor([1, 2]);
  await x.add(1).data();
  const { nodes, runs } = await cost(() => x.add(2).mul(3).data());
  expect({ nodes, runs }).toEqual({ nodes: 2, runs: 1 });
});

/** The report of the compile that `fn` causes. */
async function compileOf(fn: () => Promise<unknown>): Promise<{ outputs: number; nodes: number }> {
  const reports: { outputs: number; nodes: number }[] = [];
  const stop = onCompile((report) => reports.push(report));
  await fn();
  stop();
  expect(reports).toHaveLength(1);
  return reports[0];
}
