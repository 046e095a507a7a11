import { expect, test } from 'vitest';
import { tensor, zeros } from '../index.js';

test('errors', () => {
  expect(() => zeros(2, 3).topk(4)).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: topk: expected k from 0 to 3, the size of axis -1 of float32[2,3], got 4]`,
  );
  expect(() => zeros(2, 3).topk(1.5, 0)).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: topk: expected k from 0 to 2, the size of axis 0 of float32[2,3], got 1.5]`,
  );
  expect(() => zeros(2, 3).sort(2)).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: sort: axis 2 is out of range for 2 axes (expected -2 to 1)]`,
  );
});

test('equal elements keep their order, NaN is the largest', async () => {
  const { values, indices } = tensor([2, NaN, 1, 2]).sort();
  expect(await values.toArray()).toEqual([1, 2, 2, NaN]);
  expect(await indices.toArray()).toEqual([2, 0, 3, 1]);
  expect(await tensor([2, NaN, 1, 2]).sort(0, true).indices.toArray()).toEqual([1, 0, 3, 2]);
});

test('a scalar', async () => {
  expect(await tensor(3).topk(1).values.item()).toBe(3);
});
