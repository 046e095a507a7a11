import { describe, expect, test } from 'vitest';
import { arange, eye, stats, tensor, zeros, type Tensor } from '../index.js';

const int = (data: number[] | number[][]): Tensor => tensor(data, { dtype: 'int32' });
const x = zeros(2, 3);

describe('errors', () => {
  test('an index that is not int32', () => {
    expect(() => x.gather(0, zeros(1, 3))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: gather: expected an int32 index, got float32[1,3]. Convert it with index.to('int32').]`,
    );
    expect(() => x.index(x.gt(0))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: index: expected an int32 index, got bool[2,3]. A mask would make the shape depend on data: use where(mask, a, b), x.maskedFill(mask, value) or x.mul(mask).]`,
    );
    expect(() => x.maskedSelect(x.gt(0))).toThrowErrorMatchingInlineSnapshot(
      `[NotInTypeScriptError: maskedSelect: the shape of the result would depend on data, which is computed later. Use where(mask, x, 0), x.maskedFill(mask, value), or read both with await x.toArray() (got float32[2,3]).]`,
    );
  });

  test('an index out of range names the value and its place', () => {
    expect(() =>
      x.gather(
        1,
        int([
          [0, 1],
          [2, 3],
        ]),
      ),
    ).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: gather: index 3 at [1,1] is out of range: expected 0 to 2 (axis 1 of float32[2,3])]`,
    );
    expect(() => x.indexSelect(0, int([0, -1]))).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: indexSelect: index -1 at [1] is out of range: expected 0 to 1 (axis 0 of float32[2,3])]`,
    );
    expect(() => x.scatterAdd(1, int([[5]]), x)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: scatterAdd: index 5 at [0,0] is out of range: expected 0 to 2 (axis 1 of float32[2,3])]`,
    );
    expect(() => x.indexAdd(1, int([3]), zeros(2, 1))).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: indexAdd: index 3 at [0] is out of range: expected 0 to 2 (axis 1 of float32[2,3])]`,
    );
    expect(() => x.index(int([-3]))).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: index: index -3 at [0] is out of range: expected -2 to 1 (axis 0 of float32[2,3])]`,
    );
    expect(() => x.index([int([1]), int([3])])).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: index: index 3 at [0] is out of range: expected -3 to 2 (axis 1 of float32[2,3])]`,
    );
  });

  test('a computed index out of range is found when it is read', async () => {
    await expect(x.indexSelect(1, int([3]).add(1)).data()).rejects.toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: indexSelect: index 4 is out of range for axis 1 of size 3]`,
    );
    await expect(x.index([int([1]), int([3]).add(1)]).data()).rejects.toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: indexSelect: index -1 is out of range for axis 0 of size 6]`,
    );
  });

  test('shapes that do not fit', () => {
    expect(() => x.gather(1, int([0, 1]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: gather: expected an index no larger than the input apart from axis 1, got index int32[2] and input float32[2,3]]`,
    );
    expect(() => x.scatterAdd(0, int([[0, 1, 0]]), zeros(1, 2))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: scatterAdd: expected an index no larger than the source, got index int32[1,3] and source float32[1,2]]`,
    );
    expect(() => x.indexSelect(0, int([[0]]))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: indexSelect: expected an index with one axis, got int32[1,1]. Use gather or x.index(i) for more.]`,
    );
    expect(() => x.indexAdd(0, int([0, 1, 1]), zeros(2, 3))).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: indexAdd: expected a source float32[3,3] for an index of 3 into float32[2,3], got float32[2,3]]`,
    );
    expect(() => x.index([int([0, 1]), int([0, 1, 2])])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: index: cannot broadcast int32[2] with int32[3]: counted from the last axis, sizes must be equal or 1. Use reshape or unsqueeze to line the axes up.]`,
    );
    expect(() => x.index([null, null, int([0])])).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: index: 3 indices for float32[2,3]]`,
    );
    expect(() => x.index(0 as never)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: index: expected a tensor or an array of tensors, got number 0]`,
    );
  });

  test('dtypes that differ', () => {
    expect(() => x.scatterAdd(0, int([[0]]), int([[1]]))).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: scatterAdd: expected tensors of one dtype, got float32[2,3] and int32[1,1]. Convert with x.to(dtype).]`,
    );
  });

  test('picking from nothing', () => {
    expect(() => zeros(0, 3).indexSelect(0, int([1]).sub(1))).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: indexSelect: axis 0 of float32[0,3] has no elements to pick from]`,
    );
  });
});

test('scatter of a number', async () => {
  expect(
    await arange(4)
      .scatter(0, int([1, 1, 3]), 9)
      .toArray(),
  ).toEqual([0, 9, 2, 9]);
});

test('indices are inputs: another batch is the same program', async () => {
  const table = eye(4);
  const before = stats().compiles;
  for (let i = 0; i < 4; i++) await table.index(int([i, 3 - i])).data();
  expect(stats().compiles - before).toBe(1);
});
