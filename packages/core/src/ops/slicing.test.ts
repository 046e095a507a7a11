import { describe, expect, test } from 'vitest';
import { arange, stats, tensor, zeros } from '../index.js';

describe('errors', () => {
  const x = zeros(2, 3);

  test('narrow', () => {
    expect(() => x.narrow(1, 2, 2)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: narrow: start 2 and length 2 out of range for axis 1 of float32[2,3], which has 3 elements]`,
    );
    expect(() => x.narrow(1, 0, 4)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: narrow: length 4 out of range for axis 1 of float32[2,3], which has 3 elements]`,
    );
    expect(() => x.narrow(1, tensor(0), 1)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: narrow: expected an int32 tensor without axes as start, got float32[]]`,
    );
    expect(() => zeros([]).narrow(0, 0, 1)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: narrow: float32[] has no axes]`,
    );
  });

  test('slice', () => {
    expect(() => x.slice(1, 0, 3, -1)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: slice: expected a step from 1 up, got -1. Use flip to go backwards.]`,
    );
    expect(() => x.slice(1, 0.5)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: slice: expected whole numbers as bounds, got 0.5 and Infinity]`,
    );
  });

  test('select', () => {
    expect(() => x.select(1, 3)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: select: index 3 out of range for axis 1 of float32[2,3], which has 3 elements]`,
    );
    expect(() => x.select(2, 0)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: select: axis 2 is out of range for 2 axes (expected -2 to 1)]`,
    );
  });

  test('split and chunk', () => {
    expect(() => x.split([1, 1], 1)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: split: the sizes [1,1] must sum to 3, axis 1 of float32[2,3]]`,
    );
    expect(() => x.split(0)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: split: expected a size from 1 up, got 0]`,
    );
    expect(() => x.chunk(0)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: chunk: expected a number of chunks from 1 up, got 0]`,
    );
  });

  test('sliceScatter', () => {
    expect(() => x.sliceScatter(zeros(2, 2), 1, 0, 1)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: sliceScatter: expected a source float32[2,1], got float32[2,2]]`,
    );
  });

  test('diagonal and triangles', () => {
    expect(() => x.diagonal(0, 1, -1)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: diagonal: expected two different axes, got 1 and -1 of float32[2,3]]`,
    );
    expect(() => zeros(3).tril()).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: tril: expected at least two axes, got float32[3]]`,
    );
    expect(() => x.triu(0.5)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: triu: expected a whole number as diagonal, got 0.5]`,
    );
  });
});

test('a diagonal outside the matrix is empty', () => {
  expect(zeros(2, 3).diagonal(3).shape).toEqual([0]);
  expect(zeros(2, 3).diagonal(-2).shape).toEqual([0]);
});

test('a start in a tensor', async () => {
  const start = tensor(1, { dtype: 'int32' });
  expect(await arange(5).narrow(0, start, 2).toArray()).toEqual([1, 2]);
  expect(await arange(5).select(0, start).item()).toBe(1);
});

test('where parts start is an input: all of them are one program', async () => {
  const x = arange(100);
  for (const read of [
    async (i: number) => x.narrow(0, i, 5).data(),
    async (i: number) => x.select(0, i).data(),
    async (i: number) => x.slice(0, i, i + 5, 2).data(),
    async (i: number) => x.roll(i).data(),
    async (i: number) => zeros(4, 4).triu(i).data(),
  ]) {
    const before = stats().compiles;
    for (let i = 0; i < 20; i++) await read(i);
    expect(stats().compiles - before).toBe(1);
  }
});

test('only the result of a composition is computed for reading', async () => {
  const x = arange(6).float();
  const y = x.mul(1).roll(2);
  await y.data();
  const { nodes } = stats();
  await y.data();
  expect(stats().nodes).toBe(nodes);
});
