/** Gradient checkpointing: what it saves, and that nothing else differs. */
import {
  checkNumerics,
  evaluate,
  grad,
  manualSeed,
  nn,
  noGrad,
  NonFiniteError,
  onCompile,
  randn,
  referenceDevice,
  setDefaultDevice,
  setMemoryBudget,
  stats,
  tensor,
  type Device,
  Tensor as TensorClass,
  type Tensor,
} from '@fakkel/core';
import { SGD } from '@fakkel/optim';
import { queryObjects } from 'node:v8';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { cost, freshDevice, growth } from './helpers.js';

const { checkpoint, checkpointSequential } = nn.utils;

let device: Device;
beforeEach(async () => {
  device = await freshDevice();
  setDefaultDevice(device);
  manualSeed(0);
});
afterEach(() => {
  setDefaultDevice(referenceDevice());
  checkNumerics(false);
});

class Block extends nn.Module {
  conv = new nn.Conv2d(8, 8, 3, { padding: 1, bias: false });
  norm = new nn.BatchNorm2d(8);
  drop: nn.Dropout;
  constructor(p: number) {
    super();
    this.drop = new nn.Dropout(p);
  }
  forward(x: Tensor): Tensor {
    return this.drop(this.norm(this.conv(x)).relu()).add(x);
  }
}

/** 16 residual blocks; 0 segments: no checkpoints. */
class DeepNet extends nn.Module {
  stem = new nn.Conv2d(1, 8, 3, { padding: 1 });
  blocks: nn.Sequential;
  fc = new nn.Linear(8, 4);
  constructor(
    readonly segments: number,
    p = 0.2,
  ) {
    super();
    this.blocks = new nn.Sequential(...Array.from({ length: 16 }, () => new Block(p)));
  }
  forward(x: Tensor): Tensor {
    x = this.stem(x);
    x = this.segments === 0 ? this.blocks(x) : checkpointSequential(this.blocks, this.segments, x);
    return this.fc(x.mean([2, 3]));
  }
}

const labels = (): Tensor => tensor(Int32Array.from({ length: 8 }, (_, i) => i % 4));

interface Trained {
  readonly numbers: number[][];
  readonly peak: number;
  readonly compiles: number;
  readonly convolutions: number;
}

/** Three steps on a device of its own: losses, weights and running statistics, and what it cost. */
async function train(segments: number, readFirst = false): Promise<Trained> {
  device = await freshDevice();
  setDefaultDevice(device);
  manualSeed(0);
  const net = new DeepNet(segments);
  const criterion = new nn.CrossEntropyLoss();
  const optimizer = new SGD(net.parameters(), { lr: 0.01, momentum: 0.9 });
  const losses: number[] = [];
  for (let step = 0; step < 3; step++) {
    optimizer.zeroGrad();
    const loss = criterion(net(randn([8, 1, 16, 16])), labels());
    if (readFirst) losses.push(await loss.item());
    loss.backward();
    await optimizer.step();
    if (!readFirst) losses.push(await loss.item());
  }
  const { compiles, backend } = stats(device);
  const cells = await Promise.all([...net.stateDict().values()].map(async (t) => Array.from(await t.data())));
  return { numbers: [losses, ...cells], peak: backend.peakBytes, compiles, convolutions: backend.kernels['conv'] / 3 };
}

describe('a network of 16 convolution blocks', () => {
  test('has the same losses, weights and running statistics to the bit, dropout included', async () => {
    const { numbers } = await train(0);
    for (const segments of [1, 2, 5, 16]) expect((await train(segments)).numbers).toEqual(numbers);
    expect((await train(8, true)).numbers).toEqual(numbers);
  });

  test('needs a third of the memory in 8 segments, for a forward pass of all but the last', async () => {
    const plain = await train(0);
    const checkpointed = await train(8);
    expect(plain.convolutions).toBe(17);
    expect(checkpointed.convolutions).toBe(17 + 14);
    expect(plain.compiles).toBe(1);
    expect(checkpointed.compiles).toBe(1);
    expect({ plain: plain.peak, checkpointed: checkpointed.peak }).toMatchInlineSnapshot(`
      {
        "checkpointed": 1075692,
        "plain": 3365868,
      }
    `);
    expect(checkpointed.peak).toBeLessThan(0.35 * plain.peak);
  });

  test('needs less than half where the loss is read before backward(): the forward run keeps nothing of the inside', async () => {
    const plain = await train(0, true);
    const checkpointed = await train(8, true);
    expect({ plain: plain.peak, checkpointed: checkpointed.peak }).toMatchInlineSnapshot(`
      {
        "checkpointed": 1496488,
        "plain": 3468072,
      }
    `);
    expect(checkpointed.peak).toBeLessThan(0.45 * plain.peak);
  });

  test('a segment is computed again only after the gradient of its result is there', async () => {
    const net = new DeepNet(4, 0);
    let text = '';
    const stop = onCompile((report) => (text = report.text()));
    net(randn([8, 1, 16, 16]))
      .square()
      .mean()
      .backward();
    await net.stem.weight.grad!.data();
    stop();
    // 17 convolutions forward; then the last segment backward, and, three times, 4 of them anew and 4 backward.
    const passes = text
      .split('\n')
      .map((line) => / (conv|convWeightGrad)\(/.exec(line)?.[1])
      .filter(Boolean)
      .map((op) => (op === 'conv' ? 'F' : 'B'))
      .join('');
    expect(passes).toBe('F'.repeat(17) + 'BBBB' + 'FFFFBBBB'.repeat(3) + 'B');
  });
});

test.each([false, true])(
  'a checkpointed step holds on to none of the steps before it, nor buffers (loss read first: %j)',
  { timeout: 60_000 },
  async (readFirst) => {
    const net = new nn.Sequential(new nn.Conv2d(1, 4, 3), new nn.BatchNorm2d(4), new nn.Tanh(), new nn.Dropout(0.2));
    const frozen = new nn.BatchNorm2d(4).eval();
    const optimizer = new SGD(net.parameters(), { lr: 0.1, momentum: 0.9 });
    const x = randn([4, 1, 8, 8]);
    const tensors: number[] = [];
    const buffers: number[] = [];
    for (let step = 1; step <= 60; step++) {
      optimizer.zeroGrad();
      const inner = (t: Tensor): Tensor => checkpoint(frozen, net(t));
      const loss = checkpoint(inner, x).square().mean();
      if (readFirst) await loss.item();
      loss.backward();
      await optimizer.step();
      await loss.item();
      // What a turn of the event loop looked at is held to its end.
      await new Promise((resolve) => setImmediate(resolve));
      if (step % 10 > 0) continue;
      tensors.push(queryObjects(TensorClass, { format: 'count' }));
      buffers.push(stats(device).backend.liveBuffers);
    }
    // One a step would be ten.
    expect(growth(tensors)).toBeLessThan(10);
    expect(growth(buffers)).toBe(0);
  },
);

describe('checkpoint(fn, …inputs)', () => {
  test('calls the function once', () => {
    let calls = 0;
    const x = randn([3], { requiresGrad: true });
    const y = checkpoint((t: Tensor) => (calls++, t.sin().cos()), x);
    y.sum().backward();
    expect(calls).toBe(1);
  });

  test('gives gradients to all that the function reads: inputs, parameters, tensors around it', async () => {
    const run = (wrap: boolean) => {
      manualSeed(3);
      const layer = new nn.Linear(4, 4);
      const x = randn([2, 4], { requiresGrad: true });
      const around = x.mul(2).tanh();
      const leaf = randn([4], { requiresGrad: true });
      const fn = (t: Tensor, scale: number): Tensor => layer(t).mul(around).add(leaf).mul(scale).sigmoid();
      const y = wrap ? checkpoint(fn, x, 3) : fn(x, 3);
      y.square().sum().backward();
      return Promise.all([x, leaf, layer.weight, layer.bias!].map((t) => t.grad!.toArray()));
    };
    expect(await run(true)).toEqual(await run(false));
  });

  test('takes and gives several tensors, also nested, and what needs no gradient', async () => {
    const run = (wrap: boolean) => {
      const a = tensor([1, 2], { requiresGrad: true });
      const b = tensor([3, 4]);
      const fn = (p: { a: Tensor }, q: Tensor) => ({
        list: [p.a.mul(q).exp(), p.a.sin()] as const,
        best: p.a.mul(q).argmax(),
        same: q,
        count: 2,
      });
      const { list, best, same, count } = wrap ? checkpoint(fn, { a }, b) : fn({ a }, b);
      expect(same).toBe(b);
      expect(count).toBe(2);
      list[0].sum().add(list[1].mul(same).sum()).backward();
      return Promise.all([a.grad!.toArray(), best.item(), list[1].toArray()]);
    };
    expect(await run(true)).toEqual(await run(false));
  });

  test('a result that no gradient flows to', async () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const [a] = checkpoint((t: Tensor) => [t.exp(), t.log()], x);
    a.sum().backward();
    expect(await x.grad!.toArray()).toEqual(await x.detach().exp().toArray());
  });

  test('under noGrad, and where nothing needs a gradient, is a plain call', async () => {
    const block = new nn.Linear(4, 4);
    const x = randn([2, 4]);
    expect(noGrad(() => checkpoint(block, x)).requiresGrad).toBe(false);
    block.requiresGrad_(false);
    expect(checkpoint(block, x).requiresGrad).toBe(false);
    expect(await checkpoint(block, x).toArray()).toEqual(await block(x).toArray());
  });

  test('nested checkpoints', async () => {
    const run = async (depth: number) => {
      manualSeed(5);
      const layers = Array.from({ length: 8 }, () => new nn.Sequential(new nn.Linear(6, 6), new nn.Dropout(0.3)));
      const through =
        (from: number, to: number, level: number) =>
        (x: Tensor): Tensor => {
          if (level === 0 || to - from < 2) return layers.slice(from, to).reduce((y, layer) => layer(y).tanh(), x);
          const middle = (from + to) / 2;
          const inner = checkpoint(through(from, middle, level - 1), x);
          return checkpoint(through(middle, to, level - 1), inner);
        };
      const x = randn([4, 6], { requiresGrad: true });
      through(0, 8, depth)(x).square().sum().backward();
      const tensors = [x, ...layers.flatMap((layer) => layer.parameters())];
      return Promise.all(tensors.map((t) => t.grad!.toArray()));
    };
    const plain = await run(0);
    for (const depth of [1, 2, 3]) expect(await run(depth)).toEqual(plain);
  });

  test('nested checkpoints hold less still', async () => {
    const peak = async (nested: boolean): Promise<number> => {
      const own = await freshDevice();
      const x = randn([256, 64], { device: own, requiresGrad: true });
      const four = (t: Tensor): Tensor => t.tanh().sin().cos().tanh().sin().cos().tanh().sin();
      const part = (t: Tensor): Tensor => (nested ? checkpoint(four, checkpoint(four, t)) : four(four(t)));
      checkpoint(part, checkpoint(part, x)).sum().backward();
      await x.grad!.data();
      return stats(own).backend.peakBytes;
    };
    expect(await peak(true)).toBeLessThan(0.8 * (await peak(false)));
  });

  test('running statistics move once, those of each call', async () => {
    const stat = async (wrap: boolean) => {
      const norm = new nn.BatchNorm1d(3);
      const x = tensor(
        [
          [1, 2, 3],
          [4, 6, 8],
        ],
        { requiresGrad: true },
      );
      const y = wrap ? checkpoint(norm, x) : norm(x);
      y.square().sum().backward();
      await x.grad!.data();
      return [await norm.runningMean!.toArray(), await norm.numBatchesTracked!.item()];
    };
    const once = await stat(true);
    expect(once).toEqual(await stat(false));
    expect(once).toEqual([[0.25, 0.4, 0.55].map((v) => expect.closeTo(v, 6)), 1]);
  });

  test('state that moves on before the backward pass is read as it was', async () => {
    // A layer in the way of spectral normalization: a buffer that each call reads and replaces.
    const run = async (wrap: boolean, read: boolean): Promise<unknown> => {
      const u = new nn.Buffer(tensor([1, 2, 3]));
      const w = new nn.Parameter(
        tensor([
          [1, 2, 3],
          [3, 2, 1],
          [1, 1, 1],
        ]),
      );
      const layer = (x: Tensor): Tensor => {
        const next = noGrad(() => w.matmul(u).div(w.matmul(u).norm()));
        u.assign(next);
        return x.matmul(w.div(next.mul(w.matmul(next)).sum())).tanh();
      };
      const x = tensor([[1, 0.5, 0.25]]);
      const loss = (wrap ? checkpoint(layer, x) : layer(x)).square().sum();
      if (read) await loss.item();
      loss.backward();
      return [await w.grad!.toArray(), await u.toArray()];
    };
    const plain = await run(false, false);
    expect(await run(false, true)).toEqual(plain);
    for (const read of [false, true]) expect(await run(true, read)).toEqual(plain);
  });

  test('hooks: of modules once each way, of tensors inside, and retainGrad()', async () => {
    const layer = new nn.Linear(2, 2);
    const calls: string[] = [];
    layer.registerForwardHook(() => void calls.push('forward'));
    layer.registerFullBackwardHook((_, gradIn, gradOut) => {
      calls.push('backward');
      expect([gradIn.length, gradOut.length]).toEqual([1, 1]);
    });
    layer.weight.registerHook((g) => g.mul(2));
    let inner!: Tensor;
    const run = (wrap: boolean): Tensor => {
      const x = tensor([[1, 2]], { requiresGrad: true });
      const fn = (t: Tensor): Tensor => {
        inner = layer(t).tanh();
        inner.retainGrad();
        inner.registerHook((g) => g.mul(10));
        return inner.exp();
      };
      (wrap ? checkpoint(fn, x) : fn(x)).sum().backward();
      return x.grad!;
    };
    const numbers = async (wrap: boolean) => {
      layer.zeroGrad();
      const dx = await run(wrap).toArray();
      return [dx, await inner.grad!.toArray(), await layer.weight.grad!.toArray()];
    };
    const plain = await numbers(false);
    calls.length = 0;
    expect(await numbers(true)).toEqual(plain);
    expect(calls).toEqual(['forward', 'backward']);
  });

  test('second derivatives: createGraph goes through', async () => {
    const run = async (wrap: boolean): Promise<number[][]> => {
      manualSeed(7);
      const layer = new nn.Linear(3, 3, { dtype: 'float64' });
      const x = randn([4, 3], { dtype: 'float64', requiresGrad: true });
      const fn = (t: Tensor): Tensor => layer(t).tanh().mul(t).sum(1);
      const before = x.mul(1.5);
      const y = wrap ? checkpoint(fn, before) : fn(before);
      const [dx] = grad(y.square().sum(), [x], { createGraph: true });
      dx!.square().sum().backward();
      return Promise.all([x, layer.weight, layer.bias!].map(async (t) => Array.from(await t.grad!.data())));
    };
    const plain = await run(false);
    // Sums of several terms, in another order.
    expect(await run(true)).toEqual(plain.map((list) => list.map((v) => expect.closeTo(v, 10))));
  });

  test('retainGraph: two backward passes', async () => {
    const x = tensor([1, 2], { requiresGrad: true });
    const y = checkpoint((t: Tensor) => t.exp().square(), x).sum();
    y.backward({ retainGraph: true });
    const once = (await x.grad!.toArray()) as number[];
    y.backward();
    expect(await x.grad!.toArray()).toEqual(once.map((g) => 2 * g));
    expect(() => y.backward()).toThrow(/given up/);
  });

  test('after a read, with nothing kept on the device, the inputs are computed again', async () => {
    setMemoryBudget(0, device);
    const layers = [1, 2, 3].map(() => new nn.Linear(64, 64));
    const x = randn([512, 64]);
    const net = (wrap: boolean): Tensor =>
      layers.reduce((y, layer) => (wrap ? checkpoint((t: Tensor) => layer(t).tanh(), y) : layer(y).tanh()), x);
    const run = async (wrap: boolean): Promise<unknown> => {
      for (const layer of layers) layer.zeroGrad();
      const loss = net(wrap).square().sum();
      await loss.item();
      loss.backward();
      return layers[0].weight.grad!.toArray();
    };
    expect(await run(true)).toEqual(await run(false));
  });

  test('weights that were replaced since the forward pass are an error of backward()', async () => {
    const layer = new nn.Linear(2, 2);
    const y = checkpoint(layer, randn([1, 2])).sum();
    layer.weight.assign(layer.weight.mul(2));
    expect(() => y.backward()).toThrow(/has been replaced since the forward pass read it/);
  });

  test('another batch compiles nothing', async () => {
    const net = new DeepNet(4);
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });
    const step = async (): Promise<void> => {
      optimizer.zeroGrad();
      net(randn([2, 1, 8, 8]))
        .square()
        .mean()
        .backward();
      await optimizer.step();
    };
    await step();
    expect((await cost(async () => (await step(), await step()), device)).compiles).toBe(0);
  });

  test('values inside may be looked at and computed', async () => {
    let inner!: Tensor;
    const x = tensor([1, 2], { requiresGrad: true });
    const y = checkpoint((t: Tensor) => (inner = t.exp().keep()).square(), x);
    await evaluate(y);
    expect((await cost(() => inner.data(), device)).runs).toBe(0);
    y.sum().backward();
    const plain = x.detach().requiresGrad_();
    plain.exp().square().sum().backward();
    expect(await x.grad!.toArray()).toEqual(await plain.grad!.toArray());
  });

  test('the checking mode runs it, and names the op', async () => {
    checkNumerics(true);
    const x = tensor([1, 2], { requiresGrad: true });
    checkpoint((t: Tensor) => t.exp().square(), x)
      .sum()
      .backward();
    expect(await x.grad!.toArray()).toEqual(await x.detach().exp().square().mul(2).toArray());
    const zero = tensor([0], { requiresGrad: true });
    const bad = checkpoint((t: Tensor) => t.sqrt(), zero).sum();
    bad.backward();
    await expect(zero.grad!.data()).rejects.toThrow(NonFiniteError);
  });
});

describe('errors', () => {
  test('teach', async () => {
    const x = tensor([1], { requiresGrad: true });
    expect(() => checkpoint(x as never)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: checkpoint: expected a module or a function, got an object of class Tensor. Write checkpoint(block, x).]`,
    );
    expect(() => checkpoint(() => 3)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: checkpoint: expected the function to return a tensor, or tensors in arrays and plain objects, got number 3]`,
    );
    expect(() => checkpoint(async () => x)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: checkpoint: the function returned a promise. It is synchronous: values are read outside.]`,
    );
    expect(() => checkpointSequential(new nn.Sequential(new nn.ReLU()), 2, x)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: checkpointSequential: segments is a whole number from 1 to the number of modules, 1; got 2]`,
    );
    const other = await freshDevice();
    expect(() => checkpoint((t: Tensor) => t.to(other).mul(2), x)).toThrowErrorMatchingInlineSnapshot(
      `[DeviceError: checkpoint: the function computes on several devices. Checkpoint the part on each one apart.]`,
    );
  });

  test('of the function leave no mode behind', async () => {
    const layer = new nn.Linear(2, 2);
    const fail = (): Tensor => {
      throw new Error('no');
    };
    expect(() => checkpoint(fail)).toThrow('no');
    const loss = layer(randn([2, 2]))
      .tanh()
      .sum();
    await loss.item();
    loss.backward();
    // The activations were kept: the forward pass is not computed again.
    expect((await cost(() => layer.weight.grad!.data(), device)).kernels['tanh']).toBeUndefined();
  });
});
