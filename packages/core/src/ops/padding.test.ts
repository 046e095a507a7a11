import { expect, test } from 'vitest';
import { grad, tensor, zeros } from '../index.js';

const x = zeros(2, 3);

test('pad', () => {
  expect(() => x.pad([1])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: pad: expected two whole numbers an axis, from the last one backwards ([left, right, top, bottom]), for at most 2 axes of float32[2,3], got [1]]`,
  );
  expect(() => x.pad([1, 1, 1, 1, 1, 1])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: pad: expected two whole numbers an axis, from the last one backwards ([left, right, top, bottom]), for at most 2 axes of float32[2,3], got [1,1,1,1,1,1]]`,
  );
  expect(() => x.pad(1 as never)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: pad: expected two whole numbers an axis, from the last one backwards ([left, right, top, bottom]), for at most 2 axes of float32[2,3], got number 1]`,
  );
  expect(() => x.pad([-2, -2])).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: pad: [-2,-2] cuts more than the 3 elements of axis 1 of float32[2,3]]`,
  );
  expect(() => x.pad([3, 0], { mode: 'reflect' })).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: pad: mode 'reflect' can add at most 2 elements to axis 1 of float32[2,3], got [3,0]]`,
  );
  expect(() => x.pad([1, 1], 'reflect' as never)).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: pad: options come as one object, { mode, value }; got string reflect]`,
  );
  expect(() => x.pad([1, 1], { mode: 'mirror' as never })).toThrowErrorMatchingInlineSnapshot(
    `[TypeError: pad: expected mode 'constant', 'reflect', 'replicate', 'circular', got string mirror]`,
  );
});

test('roll', () => {
  expect(() => x.roll([1, 2])).toThrowErrorMatchingInlineSnapshot(`[ShapeError: roll: expected axes for 2 shifts]`);
  expect(() => x.roll([1, 2], 0)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: roll: expected a whole number for each axis, got shifts [1,2] and axes [0]]`,
  );
  expect(() => x.roll(0.5, 0)).toThrowErrorMatchingInlineSnapshot(
    `[ShapeError: roll: expected a whole number for each axis, got shifts [0.5] and axes [0]]`,
  );
});

test('the value of the padding has a gradient', async () => {
  const value = tensor(2, { requiresGrad: true });
  expect(await grad(x.pad([1, 1], { value }).sum(), [value])[0]!.item()).toBe(4);
});
