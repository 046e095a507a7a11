/**
 * What goldens don't show: misuse, modes, state dicts.
 */
import { describe, expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { manualSeed, nn, ones, randn, tensor, zeros, type Tensor } from '../../index.js';

describe('arguments are checked when a layer is made', () => {
  test.each([
    ['channels and groups', () => new nn.Conv2d(4, 6, 3, { groups: 4 })],
    ['no channels', () => new nn.Conv2d(0, 6, 3)],
    ['a kernel of three sizes', () => new nn.Conv2d(1, 6, [3, 3, 3])],
    ["padding 'same' with a stride", () => new nn.Conv2d(1, 6, 3, { stride: 2, padding: 'same' })],
    ['an unknown padding', () => new nn.Conv2d(1, 6, 3, { padding: 'full' as 'same' })],
    ['an unknown padding mode', () => new nn.Conv2d(1, 6, 3, { paddingMode: 'mirror' as 'reflect' })],
    ['the stride by position, as in PyTorch', () => new nn.Conv2d(1, 6, 3, 2 as never)],
    ['an unknown option', () => new nn.Conv2d(1, 6, 3, { strides: 2 } as never)],
    ["'same' for a transposed convolution", () => new nn.ConvTranspose2d(1, 6, 3, { padding: 'same' as never })],
    ['a fraction of features', () => new nn.Linear(2.5, 3)],
    ['an integer dtype', () => new nn.Linear(2, 3, { dtype: 'int32' as never })],
    ['a kernel of nothing', () => new nn.MaxPool2d(undefined as never)],
    ['a dropout probability', () => new nn.Dropout(1.5)],
    ['momentum', () => new nn.BatchNorm2d(3, { momentum: -1 })],
    ['softmax without an axis', () => new nn.Softmax(undefined as never)],
    ['a reduction', () => new nn.MSELoss({ reduction: 'average' as 'mean' })],
    ['label smoothing', () => new nn.CrossEntropyLoss({ labelSmoothing: 2 })],
    ['bounds', () => new nn.Hardtanh(1, 1)],
    ['bounds by name', () => new nn.Hardtanh({ minVal: -2 } as never)],
  ])('%s', (_, make) => {
    expect(make).toThrowErrorMatchingSnapshot();
  });
});

describe('init', () => {
  test.each([
    ['a tensor', () => nn.init.uniform_(zeros([2]) as never)],
    ['a bias for kaiming', () => nn.init.kaimingUniform_(new nn.Parameter(zeros([2])))],
    ['an unknown nonlinearity', () => nn.init.calculateGain('swish' as 'relu')],
    ['an unknown mode', () => nn.init.kaimingNormal_(new nn.Parameter(zeros([2, 2])), { mode: 'fan_in' as 'fanIn' })],
  ])('misuse: %s', (_, run) => {
    expect(run).toThrowErrorMatchingSnapshot();
  });

  test('the generator moves by the call, not by the read', async () => {
    manualSeed(0);
    const first = nn.init.uniform_(new nn.Parameter(zeros([3])));
    const second = nn.init.uniform_(new nn.Parameter(zeros([3])));
    const later = await second.toArray();
    manualSeed(0);
    const both = nn.init.uniform_(new nn.Parameter(zeros([6])));
    expect([...((await first.toArray()) as number[]), ...(later as number[])]).toEqual(await both.toArray());
  });

  test('gradients of a parameter survive initialization, and its new value is what is trained', async () => {
    const p = new nn.Parameter(ones([2]));
    nn.init.constant_(p, 3);
    p.square().sum().backward();
    expect(await p.grad!.toArray()).toEqual([6, 6]);
    expect(p.requiresGrad).toBe(true);
  });
});

describe('Dropout', () => {
  test('drops about p of the elements in training, and keeps the mean', async () => {
    manualSeed(3);
    const layer = new nn.Dropout(0.25);
    const x = ones([10_000]);
    const y = (await layer(x).data()) as Float32Array;
    const dropped = y.filter((v) => v === 0).length;
    expect(dropped / y.length).toBeCloseTo(0.25, 1);
    expect(y.every((v) => v === 0 || Math.abs(v - 4 / 3) < 1e-6)).toBe(true);
    expect(layer.eval()(x)).toBe(x);
  });

  test('the gradient goes where the value went', async () => {
    const x = ones([100], { requiresGrad: true });
    const y = new nn.Dropout(0.5)(x);
    y.sum().backward();
    expect(await x.grad!.toArray()).toEqual(await y.toArray());
  });
});

describe('batch normalization', () => {
  test.each([
    ['two axes for 2d', () => new nn.BatchNorm2d(3)(randn([4, 3]))],
    ['four axes for 1d', () => new nn.BatchNorm1d(3)(randn([4, 3, 2, 2]))],
    ['other channels', () => new nn.BatchNorm2d(3)(randn([2, 4, 2, 2]))],
    ['one value a channel', () => new nn.BatchNorm2d(3)(randn([1, 3, 1, 1]))],
  ])('misuse: %s', (_, run) => {
    expect(run).toThrowErrorMatchingSnapshot();
  });

  test('a failed call counts no batch', async () => {
    const layer = new nn.BatchNorm2d(3);
    expect(() => layer(randn([1, 3, 1, 1]))).toThrow();
    expect(await layer.numBatchesTracked!.item()).toBe(0);
  });

  test('resetParameters', async () => {
    const layer = new nn.BatchNorm2d(2);
    layer(randn([4, 2, 3, 3]));
    layer.resetParameters();
    expect(await layer.runningMean!.toArray()).toEqual([0, 0]);
    expect(await layer.runningVar!.toArray()).toEqual([1, 1]);
    expect(await layer.numBatchesTracked!.item()).toBe(0);
  });

  test("state dicts have PyTorch's names; parameters, then buffers", () => {
    const net = new nn.Sequential({ conv: new nn.Conv2d(1, 2, 3, { bias: false }), bn: new nn.BatchNorm2d(2) });
    expect([...net.stateDict().keys()]).toEqual([
      'conv.weight',
      'bn.weight',
      'bn.bias',
      'bn.running_mean',
      'bn.running_var',
      'bn.num_batches_tracked',
    ]);
    expect(net.namedBuffers().map(([name]) => name)).toEqual([
      'bn.running_mean',
      'bn.running_var',
      'bn.num_batches_tracked',
    ]);
  });
});

test('class weights of a loss are saved with it', async () => {
  const criterion = new nn.CrossEntropyLoss({ weight: tensor([1, 2]) });
  expect([...criterion.stateDict().keys()]).toEqual(['weight']);
  expect(await criterion.stateDict().get('weight')!.toArray()).toEqual([1, 2]);
});

test('a transposed convolution gives the size that is asked for', () => {
  const up = new nn.ConvTranspose2d(2, 2, 3, { stride: 2, padding: 1 });
  const x = randn([1, 2, 6, 6]);
  expect(up(x).shape).toEqual([1, 2, 11, 11]);
  expect(up(x, [12, 11]).shape).toEqual([1, 2, 12, 11]);
  expect(up(x, [1, 2, 12, 12]).shape).toEqual([1, 2, 12, 12]);
  expect(() => up(x, [13, 12])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: ConvTranspose2d: outputSize [13, 12] is not possible for float32[1,2,6,6]: expected from [11, 11] to [12, 12]]`,
  );
  expect(() => up(x, [12])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: ConvTranspose2d: outputSize has 2 or 4 sizes, got [12]]`,
  );
});

test('Identity takes what another layer takes', () => {
  const x = ones([2]);
  expect(new nn.Identity(54, { unused: true })(x)).toBe(x);
});

class Block extends nn.Module {
  conv = new nn.Conv2d(6, 6, 3, { padding: 1, bias: false });
  bn = new nn.BatchNorm2d(6, { momentum: null });
  act = new nn.LeakyReLU(0.2);
  override forward(x: Tensor): Tensor {
    return this.act(this.bn(this.conv(x)));
  }
}

class Net extends nn.Module {
  features = new nn.Sequential(
    new nn.Conv2d(1, 6, [5, 3], { stride: 2 }),
    new nn.ReLU(),
    new nn.MaxPool2d(2),
    new nn.Dropout(0.25),
  );
  named = new nn.Sequential({ block: new Block(), pool: new nn.AdaptiveAvgPool2d([2, null]) });
  heads = new nn.ModuleDict({ digits: new nn.Linear(84, 10), letters: new nn.Linear(84, 26, { bias: false }) });
  blocks = new nn.ModuleList([new Block(), new nn.Identity()]);
  empty = new nn.Sequential();
  loss = new nn.CrossEntropyLoss();
}

test('a net prints as in PyTorch', () => {
  const printed = readFileSync(new URL('../../../test/goldens/nn/printed.txt', import.meta.url), 'utf8');
  expect(`${new Net().toString()}\n`).toBe(printed);
});

test('a field may have another name in state dicts', () => {
  class Branch extends nn.Module {
    static override stateNames = { branch1x1: 'branch_1x1', scale: 'gamma' };
    branch1x1 = new nn.Linear(2, 1, { bias: false });
    scale = new nn.Parameter(ones([1]));
  }
  const branch = new Branch();
  expect([...branch.stateDict().keys()]).toEqual(['gamma', 'branch_1x1.weight']);
  expect(branch.getParameter('branch_1x1.weight')).toBe(branch.branch1x1.weight);
  expect(branch.toString()).toContain('(branch_1x1): Linear(');
  class More extends Branch {
    static override stateNames = { ...super.stateNames, extra: 'extra_1' };
    extra = new nn.Parameter(ones([1]));
  }
  class Own extends nn.BatchNorm2d {
    static override stateNames = { shift: 'beta' };
    shift = new nn.Parameter(ones([1]));
  }
  expect([...new More().stateDict().keys()]).toEqual(['gamma', 'extra_1', 'branch_1x1.weight']);
  expect([...new Own(1).stateDict().keys()]).toEqual([
    'weight',
    'bias',
    'beta',
    'running_mean',
    'running_var',
    'num_batches_tracked',
  ]);
});
