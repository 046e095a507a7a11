import { describe, expect, test } from 'vitest';
import {
  defaultGenerator,
  dropoutKeys,
  flush,
  nn,
  randn,
  referenceDevice,
  stats,
  tensor,
  type Tensor,
} from '../index.js';

class Net extends nn.Module {
  features = new nn.Sequential(new nn.Conv2d(1, 6, 5), new nn.ReLU(), new nn.MaxPool2d(2));
  bn = new nn.BatchNorm2d(6);
  up = new nn.ConvTranspose2d(6, 3, 2, { stride: 2, groups: 3, bias: false });
  drop = new nn.Dropout();
  fc = new nn.Linear(2352, 10);
  head = new nn.Linear(2352, 2);
  override forward(x: Tensor, withHead = false): Tensor {
    x = this.bn(this.features(x));
    x = this.drop(this.up(x).relu()).flatten(1);
    return withHead ? this.head(x) : this.fc(x);
  }
}

test('rows of calls with shapes, parameters and multiply-accumulates, and a table', () => {
  const net = new Net();
  net.head.requiresGrad_(false);
  const s = nn.summary(net, [2, 1, 32, 32]);
  expect(s.toString()).toMatchInlineSnapshot(`
    "Layer                      Output shape  Parameters     MACs
    ------------------------------------------------------------
    Net                        [2,10]
      features: Sequential     [2,6,14,14]
        features.0: Conv2d     [2,6,28,28]          156  235,200
        features.1: ReLU       [2,6,28,28]
        features.2: MaxPool2d  [2,6,14,14]
      bn: BatchNorm2d          [2,6,14,14]           12
      up: ConvTranspose2d      [2,3,28,28]           24    9,408
      drop: Dropout            [2,3,28,28]
      fc: Linear               [2,10]            23,530   47,040
      head: Linear             (not called)       4,706
    ------------------------------------------------------------
    Total                                        28,428  291,648
    23,722 trainable, 4,706 frozen
    Memory: parameters 111 KiB, buffers 52 B, activations 101 KiB in training, 73.5 KiB in inference"
  `);
  expect(s.totals.parameters).toBe(net.parameters().reduce((n, p) => n + p.numel(), 0));
  // 2 images × 6 × 28 × 28 outputs × 25 cells; 2 × 6 × 14 × 14 inputs × 4 cells × 1 channel; 2 × 10 outputs × 2352.
  expect(s.totals.macs).toBe(2 * 6 * 28 * 28 * 25 + 2 * 6 * 14 * 14 * 4 + 2 * 10 * 2352);
});

describe('a summary changes nothing', () => {
  test('nothing is computed, modes and running statistics stay, hooks are not called', async () => {
    const net = new Net();
    net.bn.eval();
    let called = 0;
    net.features.registerForwardHook(() => void called++);
    await flush();
    const before = stats(referenceDevice()).runs;
    nn.summary(net, [2, 1, 32, 32]);
    await flush();
    expect(stats(referenceDevice()).runs).toBe(before);
    expect(called).toBe(0);
    expect([net.training, net.features.at(0).training, net.bn.training]).toEqual([true, true, false]);
    expect(await net.bn.numBatchesTracked!.item()).toBe(0);
  });

  test('nor in training mode, where its memory is counted: buffers, random numbers, gradients that wait', async () => {
    const net = new Net();
    const x = randn([2, 1, 32, 32]);
    net(x).sum().backward();
    const [random, keys, before] = [defaultGenerator.getState(), dropoutKeys.getState(), stats(referenceDevice()).runs];
    nn.summary(net, [2, 1, 32, 32]);
    expect([defaultGenerator.getState(), dropoutKeys.getState()]).toEqual([random, keys]);
    expect(stats(referenceDevice()).runs).toBe(before);
    expect(await net.bn.numBatchesTracked!.item()).toBe(1); // of the call above
    expect(await net.fc.weight.grad!.abs().sum().item()).toBeGreaterThan(0);
  });

  test('a parameter that is made during the call has its value', () => {
    class Makes extends nn.Module {
      override forward(x: Tensor): Tensor {
        return new nn.Linear(3, 2)(x);
      }
    }
    expect(nn.summary(new Makes(), [1, 3]).totals.macs).toBe(6);
  });

  test('a module with two parents keeps a mode that differs from one of theirs', () => {
    const shared = new nn.Dropout();
    const net = new nn.Sequential(new nn.Sequential(shared).eval(), new nn.Sequential(shared));
    shared.eval();
    nn.summary(net, [1, 2]);
    expect([...net.modules()].map((module) => module.training)).toEqual([true, false, false, true]);
  });

  test('modes are restored after an error too', () => {
    const net = new Net();
    expect(() => nn.summary(net, [2, 3, 32, 32])).toThrow(/expected input with 1 channel /);
    expect(net.training).toBe(true);
  });

  test('work that waits on the parameters is not counted', () => {
    const layer = new nn.Linear(3, 3);
    layer.weight.assign(layer.weight.detach().matmul(layer.weight.detach()));
    expect(nn.summary(layer, [1, 3]).totals.macs).toBe(9);
    const x = randn([1, 3]).matmul(randn([3, 3]));
    expect(nn.summary(layer, x).totals.macs).toBe(9);
  });
});

test('operations outside of layers belong to the module that records them', () => {
  class Functional extends nn.Module {
    weight = new nn.Parameter(randn([4, 1, 3, 3]));
    fc = new nn.Linear(4, 2, { bias: false });
    override forward(x: Tensor): Tensor {
      const features = nn.functional.conv2d(x, this.weight).mean([2, 3]);
      return this.fc(features).matmul(randn([2, 2]));
    }
  }
  const { rows } = nn.summary(new Functional(), [1, 1, 4, 4]);
  expect(rows.map(({ name, macs, parameters }) => [name, macs, parameters])).toEqual([
    ['', 4 * 4 * 9 + 4, 36],
    ['fc', 8, 8],
  ]);
});

test('several inputs, several outputs, shared modules', () => {
  class Two extends nn.Module {
    fc = new nn.Linear(3, 2);
    override forward(a: Tensor, b: Tensor): { a: Tensor; b: Tensor } {
      return { a: this.fc(a), b: this.fc(b) };
    }
  }
  const { rows, totals } = nn.summary(new Two(), [[4, 3], tensor([[1, 2, 3]])]);
  expect(rows).toEqual([
    {
      name: '',
      className: 'Two',
      depth: 0,
      inputShapes: [
        [4, 3],
        [1, 3],
      ],
      outputShape: [
        [4, 2],
        [1, 2],
      ],
      outputBytes: 40,
      parameters: 0,
      macs: 0,
    },
    {
      name: 'fc',
      className: 'Linear',
      depth: 1,
      inputShapes: [[4, 3]],
      outputShape: [4, 2],
      outputBytes: 32,
      parameters: 8,
      macs: 24,
    },
    {
      name: 'fc',
      className: 'Linear',
      depth: 1,
      inputShapes: [[1, 3]],
      outputShape: [1, 2],
      outputBytes: 8,
      parameters: 0,
      macs: 6,
    },
  ]);
  expect(totals).toMatchObject({ parameters: 8, trainable: 8, macs: 30, parameterBytes: 32, bufferBytes: 0 });
});

describe('memory of activations', () => {
  test('grows with the batch, unlike that of parameters and buffers', () => {
    const net = new Net();
    const [one, four] = [1, 4].map((n) => nn.summary(net, [n, 1, 32, 32]).totals);
    // The peak is where the first bias, six values, is added.
    expect(four.activations.inference).toBe(4 * (one.activations.inference - 24) + 24);
    // Means and variances of batch normalization: 2 × 6 values, whatever the batch.
    expect(four.activations.training).toBe(4 * (one.activations.training! - 48) + 48);
    expect([four.parameterBytes, four.bufferBytes]).toEqual([one.parameterBytes, one.bufferBytes]);
    expect([one.parameterBytes, one.bufferBytes]).toEqual([4 * 28428, 4 * (6 + 6 + 1)]);
  });

  test('what is frozen keeps nothing', () => {
    const net = new Net().requiresGrad_(false);
    expect(nn.summary(net, [2, 1, 32, 32]).totals.activations.training).toBe(0);
  });

  test('a value that two rules read counts once, and a checkpoint keeps its input only', () => {
    class Twice extends nn.Module {
      a = new nn.Linear(8, 8, { bias: false });
      override forward(x: Tensor): Tensor {
        const y = x.tanh().mul(this.a(x)); // reads tanh, which needs no gradient itself, and what a gives
        return y.matmul(y).add(y.square()); // reads y, three times
      }
    }
    expect(nn.summary(new Twice(), [8, 8]).totals.activations.training).toBe(3 * 8 * 8 * 4);

    class Deep extends nn.Module {
      first = new nn.Linear(8, 8);
      rest = new nn.Sequential(new nn.Tanh(), new nn.Linear(8, 8), new nn.Tanh(), new nn.Linear(8, 8));
      constructor(private readonly saving: boolean) {
        super();
      }
      override forward(x: Tensor): Tensor {
        x = this.first(x);
        return this.saving ? nn.utils.checkpoint(this.rest, x) : this.rest(x);
      }
    }
    const kept = [false, true].map((saving) => nn.summary(new Deep(saving), [4, 8]).totals.activations.training);
    expect(kept).toEqual([2 * 4 * 8 * 4, 4 * 8 * 4]);
  });

  test('null where training mode wants more than one value a channel', () => {
    const net = new nn.Sequential(new nn.Linear(3, 4), new nn.BatchNorm1d(4));
    const s = nn.summary(net, [1, 3]);
    expect(s.totals.activations).toEqual({ training: null, inference: 32 });
    expect(s.toString()).toMatch(/activations 32 B in inference$/);
    expect(nn.summary(net, [2, 3]).totals.activations.training).toBe(2 * 4 * 4 + 2 * 4 * 4);
  });
});

describe('traceCalls', () => {
  test('calls with their operations, and where each value comes from', () => {
    class Block extends nn.Module {
      fc = new nn.Linear(3, 3, { bias: false });
      same = new nn.Identity();
      override forward(x: Tensor): Tensor {
        return this.same(this.fc(x)).add(x).relu();
      }
    }
    const calls = nn.traceCalls(new Block(), [2, 3]);
    expect(calls.map(({ name, depth, start }) => [name, depth, start])).toEqual([
      ['', 0, 0],
      ['fc', 1, 0],
      ['same', 1, 1],
    ]);
    const sources = calls.map(({ operations }) =>
      operations.map((op) => [op.id, op.name, op.inputs.map((v) => v.from), op.outputs[0].shape]),
    );
    expect(sources).toEqual([
      [
        [1, 'add', [0, 'input'], [2, 3]],
        [2, 'relu', [1], [2, 3]],
      ],
      [[0, 'matmul', ['input', 'state'], [2, 3]]],
      [],
    ]);
    expect(calls[2].inputs[0].from).toBe(0);
    expect(calls[2].outputs).toEqual(calls[2].inputs);
    expect(calls[0].outputs[0].from).toBe(2);
  });

  test('constants are told from inputs', () => {
    class Shift extends nn.Module {
      readonly by = tensor([1, 2]);
      override forward(x: Tensor): Tensor {
        return x.add(this.by);
      }
    }
    const [{ operations }] = nn.traceCalls(new Shift(), [2]);
    expect(operations[0].inputs.map((v) => v.from)).toEqual(['input', 'constant']);
  });

  test('errors are its own', () => {
    expect(() => nn.traceCalls(new Net(), 32 as never)).toThrow(/^traceCalls: expected the shape of the input/);
  });
});

test('misuse', () => {
  expect(() => nn.summary(new Net(), 32 as never)).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: summary: expected the shape of the input, such as [1, 1, 32, 32], got number 32]`,
  );
  expect(() => nn.summary((() => 1) as never, [1])).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: summary: expected a module, got function () => 1]`,
  );
});
