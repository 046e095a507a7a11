import { expect, test } from 'vitest';
import { cat, stack, tensor, zeros } from '../index.js';

test('cat', () => {
  expect(() => cat([])).toThrowErrorMatchingInlineSnapshot(`[ShapeError: cat: expected at least one tensor, got none]`);
  expect(() => cat(zeros(2) as never)).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: cat: expected an array of tensors, got one tensor]`,
  );
  expect(() => cat([zeros(2, 3), zeros(2, 4)])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: cat: expected tensors of one shape in all axes but 0, got float32[2,3] and float32[2,4]]`,
  );
  expect(() => cat([zeros(2, 3), 1 as never])).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: cat: expected a tensor, got number 1]`,
  );
  expect(() => cat([zeros([]), zeros([])])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: cat: float32[] has no axes to join along. Use stack.]`,
  );
});

test('stack', () => {
  expect(() => stack([zeros(2), zeros(3)])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: stack: expected tensors of one shape, got float32[2] and float32[3]]`,
  );
  expect(() => stack([zeros(2), zeros(2)], 2)).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: stack: axis 2 is out of range for 1 axes (expected -2 to 1)]`,
  );
});

test('repeat', () => {
  expect(() => zeros(2, 3).repeat(2)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: repeat: expected at least 2 counts for float32[2,3], got [2]. Use tile for fewer.]`,
  );
  expect(() => zeros(2, 3).repeat(2, -1)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: repeat: a shape holds whole numbers from 0 up, got [2, -1]]`,
  );
  expect(() => zeros(2).repeatInterleave(tensor([1, 2]) as never)).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: repeatInterleave: counts in a tensor would make the shape depend on data; pass a number]`,
  );
});

test('cat promotes, and leaves empty tensors out', async () => {
  const x = cat([tensor([1], { dtype: 'int32' }), tensor([0.5])]);
  expect(x.dtype).toBe('float32');
  expect(await cat([zeros([0]), tensor([[1, 2]]), zeros(0, 2)]).toArray()).toEqual([[1, 2]]);
  expect(cat([zeros([0]), zeros([0])]).shape).toEqual([0]);
});
