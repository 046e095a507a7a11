import { describe, expect, test } from 'vitest';
import { Buffer, manualSeed, onCompile, ones, randn, stats, tensor, zeros, type Tensor } from '../index.js';
import { groupNorm, instanceNorm, layerNorm } from './layer-norm.js';

const float64 = { dtype: 'float64' as const };
const NONE = [null, null, null, null] as const;

async function expectEqual(actual: Tensor, expected: Tensor): Promise<void> {
  expect(actual.shape).toEqual(expected.shape);
  const wanted = await expected.data();
  (await actual.data()).forEach((value: number, i: number) => expect(value).toBeCloseTo(wanted[i], 12));
}

describe('what is averaged over', () => {
  const x = randn([3, 4, 2, 5], float64);

  test('one group is a layer, a group a channel is an instance', async () => {
    await expectEqual(groupNorm(x, 1), layerNorm(x, [4, 2, 5]));
    await expectEqual(groupNorm(x, 4), instanceNorm(x));
  });

  test('the axes of each, against means and variances', async () => {
    const by = (dims: number[], t = x): Tensor =>
      t.sub(t.mean(dims, true)).div(t.var(dims, { correction: 0, keepdim: true }).add(1e-5).sqrt());
    await expectEqual(layerNorm(x, 5), by([3]));
    await expectEqual(layerNorm(x, [2, 5]), by([2, 3]));
    await expectEqual(instanceNorm(x), by([2, 3]));
    const grouped = x.reshape([3, 2, 2, 2, 5]);
    await expectEqual(groupNorm(x, 2), by([2, 3, 4], grouped).reshape([3, 4, 2, 5]));
  });

  test('a sample is normalized alike in every batch', async () => {
    for (const run of [(t: Tensor) => layerNorm(t, [4, 2, 5]), (t: Tensor) => groupNorm(t, 2), instanceNorm])
      await expectEqual(run(x).narrow(0, 1, 1), run(x.narrow(0, 1, 1)));
  });
});

describe('values', () => {
  test('a weight and bias a channel, or an element', async () => {
    const x = tensor([[1, 3, 5, 9]], float64);
    const [weight, bias] = [tensor([1, 2, 3, 4], float64), tensor([10, 20, 30, 40], float64)];
    expect(await groupNorm(x, 2, weight, bias, { eps: 0 }).toArray()).toEqual([[9, 22, 27, 44]]);
    expect(await groupNorm(x, 2, weight, null, { eps: 0 }).toArray()).toEqual([[-1, 2, -3, 4]]);
    expect(await layerNorm(x.reshape([2, 2]), [2], null, tensor([5, 6], float64), { eps: 0 }).toArray()).toEqual([
      [4, 7],
      [4, 7],
    ]);
  });

  test('equal elements become the bias, and a row with NaN stays in its row', async () => {
    const x = tensor([[7, 7], [NaN, 1], [1, 3]]); // prettier-ignore
    expect(await layerNorm(x, 2, null, null, { eps: 1e-12 }).toArray()).toEqual([[0, 0], [NaN, NaN], [-1, 1]]); // prettier-ignore
  });

  test('no elements', () => {
    expect(layerNorm(ones([2, 0]), 0).shape).toEqual([2, 0]);
    expect(layerNorm(ones([0, 2]), 2).shape).toEqual([0, 2]);
    expect(groupNorm(ones([0, 4, 3]), 2).shape).toEqual([0, 4, 3]);
    expect(groupNorm(ones([2, 4, 0]), 2).shape).toEqual([2, 4, 0]);
    expect(instanceNorm(ones([2, 3, 0])).shape).toEqual([2, 3, 0]);
    expect(instanceNorm(ones([2, 0, 4])).shape).toEqual([2, 0, 4]);
  });

  test('a mean a thousand times the deviation costs no digits', async () => {
    const x = randn([4, 100]);
    const shifted = await layerNorm(x.add(1024), 100).data();
    (await layerNorm(x, 100).data()).forEach((value: number, i: number) => expect(shifted[i]).toBeCloseTo(value, 3));
  });
});

describe('running statistics of instance normalization', () => {
  test('the average over the batch, with the unbiased variance', async () => {
    const [mean, variance] = [new Buffer(zeros([1], float64)), new Buffer(ones([1], float64))];
    // Means 2 and 20, unbiased variances 2 and 200.
    instanceNorm(tensor([[[1, 3]], [[10, 30]]], float64), mean, variance, null, null, { momentum: 0.25 });
    expect(await mean.item()).toBe(0.25 * 11);
    expect(await variance.item()).toBe(0.75 + 0.25 * 101);
  });

  test('are used and left alone without useInputStats', async () => {
    const [mean, variance] = [new Buffer(tensor([1], float64)), new Buffer(tensor([4], float64))];
    const y = instanceNorm(tensor([[[5]]], float64), mean, variance, null, null, { useInputStats: false, eps: 0 });
    expect(await y.item()).toBe(2);
    expect(await mean.item()).toBe(1);
  });

  test('an empty batch leaves them alone', async () => {
    const mean = new Buffer(ones([3]));
    instanceNorm(ones([0, 3, 4]), mean, null);
    expect(await mean.toArray()).toEqual([1, 1, 1]);
  });
});

describe('counts', () => {
  test('another eps or momentum compiles nothing', async () => {
    const mean = new Buffer(zeros([2]));
    const run = async (eps: number): Promise<void> => {
      await groupNorm(ones([2, 4, 3]), 2, null, null, { eps })
        .sum()
        .item();
      await instanceNorm(ones([2, 2, 3]), mean, null, null, null, { momentum: eps })
        .sum()
        .item();
    };
    await run(0.1);
    const { compiles } = stats();
    await run(0.2);
    expect(stats().compiles).toBe(compiles);
  });

  test('forward and gradient are one op each', async () => {
    manualSeed(0);
    const x = randn([3, 8]).detach().requiresGrad_();
    let text = '';
    const stop = onCompile((report) => (text += report.text()));
    layerNorm(x, 8, ones([8]), zeros([8]))
      .square()
      .sum()
      .backward();
    await x.grad!.data();
    stop();
    const ops = Array.from(text.matchAll(/= (\w+)\(/g), ([, op]) => op);
    expect(ops.filter((op) => op.startsWith('standardize'))).toEqual(['standardize', 'standardizeGrad']);
    expect(ops).not.toContain('mean');
  });
});

describe('errors', () => {
  const x = ones([2, 6, 3]);
  test.each<[string, () => unknown]>([
    ['layerNorm: other sizes', () => layerNorm(x, [6])],
    ['layerNorm: more axes than there are', () => layerNorm(ones([3]), [3, 3])],
    ['layerNorm: no sizes', () => layerNorm(x, [])],
    ['layerNorm: a weight of another shape', () => layerNorm(x, [6, 3], ones([3]))],
    ['layerNorm: a bias of another dtype', () => layerNorm(x, 3, null, ones([3], float64))],
    ['layerNorm: integers', () => layerNorm(tensor([1, 2], { dtype: 'int32' }), 2)],
    ['layerNorm: eps by position', () => layerNorm(x, 3, null, null, 1e-3 as never)],
    ['groupNorm: groups that do not divide', () => groupNorm(x, 4)],
    ['groupNorm: no groups', () => groupNorm(x, 0)],
    ['groupNorm: one axis', () => groupNorm(ones([4]), 2)],
    ['groupNorm: one value', () => groupNorm(ones([1, 2]), 2)],
    ['groupNorm: a weight an element', () => groupNorm(x, 2, ones([6, 3]))],
    ['instanceNorm: one position', () => instanceNorm(ones([2, 3, 1]))],
    ['instanceNorm: no positions', () => instanceNorm(ones([2, 3]))],
    ['instanceNorm: other channels', () => instanceNorm(x, ...NONE.slice(0, 2), ones([3]))],
    ['instanceNorm: no statistics', () => instanceNorm(x, ...NONE, { useInputStats: false })],
    ['instanceNorm: statistics that are no cell', () => instanceNorm(x, zeros([6]), ones([6]))],
  ])('%s', (_, run) => {
    expect(run).toThrowErrorMatchingSnapshot();
  });
});
