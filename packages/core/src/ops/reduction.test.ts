import { describe, expect, test } from 'vitest';
import { grad, tensor, zeros, type Tensor } from '../index.js';

describe('errors', () => {
  test('an axis out of range, or twice', () => {
    expect(() => zeros(2, 3).sum(2)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: sum: axis 2 is out of range for 2 axes (expected -2 to 1)]`,
    );
    expect(() => zeros(2, 3).mean([0, -2])).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: mean: axis named twice in [0,-2]]`,
    );
  });

  test('the mean of integers', () => {
    expect(() => tensor([1, 2], { dtype: 'int32' }).mean()).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: mean: expected a float tensor, got int32[2]. Convert it with x.to('float32').]`,
    );
  });

  test('the largest of nothing', () => {
    expect(() => zeros(0, 3).max()).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: max: float32[0,3] has no elements along axes 0, 1, so there is no result]`,
    );
    expect(() => zeros(0, 3).amax(0)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: amax: float32[0,3] has no elements along axis 0, so there is no result]`,
    );
    expect(() => zeros(0, 3).argmin(0)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: argmin: float32[0,3] has no elements along axis 0, so there is no result]`,
    );
  });

  test('the largest of bool', () => {
    expect(() => tensor([true]).max()).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: max: expected a tensor of numbers, got bool[1]. Use any() or all(), or convert it with x.to('int32').]`,
    );
  });
});

describe('max', () => {
  const x = tensor([
    [1, 5],
    [5, 3],
  ]);

  test('of all, along an axis, of two tensors', async () => {
    expect(await x.max().item()).toBe(5);
    expect(await x.max(tensor(4)).toArray()).toEqual([
      [4, 5],
      [5, 4],
    ]);
    const { values, indices } = x.max(1, true);
    expect(await values.toArray()).toEqual([[5], [5]]);
    expect(await indices.toArray()).toEqual([[1], [0]]);
  });

  test('of all: those that tie share the gradient; along an axis: it goes to the index', async () => {
    const gradient = async (f: (x: Tensor) => Tensor): Promise<unknown> => {
      const leaf = tensor([2, 1, 2], { requiresGrad: true });
      return grad(f(leaf), [leaf])[0]!.toArray();
    };
    expect(await gradient((x) => x.max())).toEqual([0.5, 0, 0.5]);
    expect(await gradient((x) => x.amax(0))).toEqual([0.5, 0, 0.5]);
    expect(await gradient((x) => x.max(0).values)).toEqual([1, 0, 0]);
  });
});

test('the gradient of a product is right where elements are 0', async () => {
  const gradient = async (data: number[]): Promise<unknown> => {
    const x = tensor(data, { requiresGrad: true });
    return grad(x.prod(), [x])[0]!.toArray();
  };
  expect(await gradient([2, 3, 4])).toEqual([12, 8, 6]);
  expect(await gradient([2, 0, 4])).toEqual([0, 8, 0]);
  expect(await gradient([0, 0, 4])).toEqual([0, 0, 0]);
});

test('sums of bool and int32 are int32', async () => {
  const x = tensor([true, true, false]);
  expect(x.sum().dtype).toBe('int32');
  expect(await x.sum().item()).toBe(2);
  expect(x.cumsum(0).dtype).toBe('int32');
});

test('no axes, all axes and a scalar', async () => {
  const x = tensor([
    [1, 2],
    [3, 4],
  ]);
  expect(await x.sum([]).item()).toBe(10);
  expect(x.sum(null, true).shape).toEqual([1, 1]);
  expect(await tensor(3).sum(-1).item()).toBe(3);
  expect(await tensor(3).max(0).indices.item()).toBe(0);
});

test('logsumexp neither overflows nor loses infinities', async () => {
  const x = tensor([
    [1000, 1000],
    [-Infinity, -Infinity],
    [Infinity, 0],
  ]);
  const [a, b, c] = await x.logsumexp(1).data();
  expect(a).toBeCloseTo(1000 + Math.LN2, 3);
  expect([b, c]).toEqual([-Infinity, Infinity]);
});
