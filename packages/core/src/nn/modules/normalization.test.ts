/**
 * Normalization layers: what goldens don't show.
 */
import { describe, expect, test } from 'vitest';
import { nn, ones, randn, stats, tensor } from '../../index.js';

describe('arguments are checked', () => {
  test.each<[string, () => unknown]>([
    ['LayerNorm: no sizes', () => new nn.LayerNorm([])],
    ['LayerNorm: no shape', () => new nn.LayerNorm(undefined as never)],
    ['LayerNorm: half a size', () => new nn.LayerNorm([2.5])],
    ['LayerNorm: a negative eps', () => new nn.LayerNorm(3, { eps: -1 })],
    ['LayerNorm: an unknown option', () => new nn.LayerNorm(3, { affine: false } as never)],
    ['LayerNorm: another input', () => new nn.LayerNorm(3)(ones([2, 4]))],
    ['GroupNorm: the arguments swapped', () => new nn.GroupNorm(6, 3)],
    ['GroupNorm: no groups', () => new nn.GroupNorm(0, 6)],
    ['GroupNorm: other channels', () => new nn.GroupNorm(2, 6)(ones([2, 4, 3]))],
    ['LocalResponseNorm: no window', () => new nn.LocalResponseNorm(0)],
    ['LocalResponseNorm: alpha', () => new nn.LocalResponseNorm(5, { alpha: '1e-4' as never })],
    ['InstanceNorm1d: images', () => new nn.InstanceNorm1d(3)(ones([2, 3, 4, 4]))],
    ['InstanceNorm2d: features', () => new nn.InstanceNorm2d(3)(ones([2, 3]))],
    ['InstanceNorm2d: one position', () => new nn.InstanceNorm2d(3)(ones([2, 3, 1, 1]))],
    ['InstanceNorm2d: one position in evaluation', () => new nn.InstanceNorm2d(3).eval()(ones([2, 3, 1, 1]))],
    ['InstanceNorm2d: other channels', () => new nn.InstanceNorm2d(3, { affine: true })(ones([2, 4, 5, 5]))],
    ['InstanceNorm2d: a cumulative average', () => new nn.InstanceNorm2d(3, { momentum: null as never })],
    ['InstanceNorm2d: no features', () => new nn.InstanceNorm2d(0)],
  ])('%s', (_, run) => {
    expect(run).toThrowErrorMatchingSnapshot();
  });
});

test('without parameters and statistics, instance normalization takes any channels, as in PyTorch', () => {
  expect(new nn.InstanceNorm2d(3)(ones([2, 4, 5, 5])).shape).toEqual([2, 4, 5, 5]);
});

test('one position with running statistics is normalized in evaluation', async () => {
  const layer = new nn.InstanceNorm1d(1, { trackRunningStats: true, eps: 0 }).eval();
  expect(await layer(tensor([[[3]]])).toArray()).toEqual([[[3]]]);
});

test('resetParameters', async () => {
  const layer = new nn.InstanceNorm1d(2, { affine: true, trackRunningStats: true });
  nn.init.constant_(layer.weight!, 3);
  layer(randn([4, 2, 3]));
  layer.resetParameters();
  expect(await layer.runningMean!.toArray()).toEqual([0, 0]);
  expect(await layer.runningVar!.toArray()).toEqual([1, 1]);
  expect(await layer.weight!.toArray()).toEqual([1, 1]);
  const norm = new nn.LayerNorm(2);
  nn.init.constant_(norm.bias!, 3);
  norm.resetParameters();
  expect(await norm.bias!.toArray()).toEqual([0, 0]);
});

test('LayerNorm without a bias', () => {
  const layer = new nn.LayerNorm(4, { bias: false });
  expect([...layer.stateDict().keys()]).toEqual(['weight']);
  expect(layer.bias).toBeNull();
});

test('a batch without samples counts as a batch, and leaves the statistics alone, as in PyTorch', async () => {
  const layer = new nn.BatchNorm1d(3);
  expect(layer(ones([0, 3])).shape).toEqual([0, 3]);
  expect(await layer.runningMean!.toArray()).toEqual([0, 0, 0]);
  expect(await layer.numBatchesTracked!.item()).toBe(1);
});

test('a training loop with every normalization compiles one program', async () => {
  const net = new nn.Sequential(
    new nn.Conv2d(1, 4, 3),
    new nn.BatchNorm2d(4, { momentum: null }),
    new nn.InstanceNorm2d(4, { affine: true, trackRunningStats: true }),
    new nn.GroupNorm(2, 4),
    new nn.LocalResponseNorm(3),
    new nn.Flatten(),
    new nn.LayerNorm(36),
  );
  const { compiles } = stats();
  for (let i = 0; i < 3; i++) {
    net.zeroGrad();
    const loss = net(randn([2, 1, 5, 5]).detach())
      .square()
      .mean();
    loss.backward();
    await loss.item();
  }
  expect(stats().compiles).toBe(compiles + 1);
});
