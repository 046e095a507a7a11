import { describe, expect, test } from 'vitest';
import { grad, ones, tensor } from '../index.js';
import {
  adaptiveAvgPool2d,
  adaptiveMaxPool2dWithIndices,
  avgPool1d,
  avgPool2d,
  fold,
  maxPool1d,
  maxPool2d,
  maxPool2dWithIndices,
  unfold,
} from './pooling.js';

describe('shapes', () => {
  test('a batch and one sample', () => {
    expect(maxPool2d(ones([8, 6, 28, 28]), 2).shape).toEqual([8, 6, 14, 14]);
    expect(avgPool2d(ones([6, 28, 28]), [2, 4]).shape).toEqual([6, 14, 7]);
    expect(maxPool1d(ones([6, 9]), 3, { stride: 2 }).shape).toEqual([6, 4]);
  });

  test('in ceil mode no window starts past the input and its padding before', () => {
    expect(maxPool2d(ones([1, 1, 5, 6]), 2, { stride: 3, padding: 1 }).shape).toEqual([1, 1, 2, 3]);
    expect(maxPool2d(ones([1, 1, 5, 6]), 2, { stride: 3, padding: 1, ceilMode: true }).shape).toEqual([1, 1, 2, 3]);
    expect(maxPool1d(ones([1, 6]), 3, { stride: 2, ceilMode: true }).shape).toEqual([1, 3]);
    expect(maxPool1d(ones([1, 6]), 1, { stride: 4, ceilMode: true }).shape).toEqual([1, 2]);
    expect(maxPool1d(ones([1, 5]), 2, { stride: 5, ceilMode: true }).shape).toEqual([1, 1]);
  });

  test('an empty batch', () => {
    expect(maxPool2d(ones([0, 6, 28, 28]), 2).shape).toEqual([0, 6, 14, 14]);
  });
});

describe('values', () => {
  test('equal maxima: the first in row-major order has the gradient', async () => {
    const x = ones([1, 3, 3]).detach().requiresGrad_();
    const [dx] = grad(maxPool2d(x, 2, { stride: 1 }).sum(), [x]);
    expect(await dx!.toArray()).toEqual([
      [
        [1, 1, 0],
        [1, 1, 0],
        [0, 0, 0],
      ],
    ]);
  });

  test('indices count in the unpadded plane', async () => {
    const x = tensor([
      [
        [1, 2, 9],
        [4, 5, 6],
        [7, 8, 3],
      ],
    ]);
    const { values, indices } = maxPool2dWithIndices(x, 2, { stride: 2, padding: 1 });
    expect(await values.toArray()).toEqual([
      [
        [1, 9],
        [7, 8],
      ],
    ]);
    expect(await indices.toArray()).toEqual([
      [
        [0, 2],
        [6, 7],
      ],
    ]);
  });

  test('cells that only ceil mode reaches are not counted in the average', async () => {
    const x = ones([1, 4]);
    expect(await avgPool1d(x, 3, { stride: 2, ceilMode: true }).toArray()).toEqual([[1, 1]]);
    expect(await avgPool1d(x, 2, { padding: 1, countIncludePad: false }).toArray()).toEqual([[1, 1, 1]]);
    expect(await avgPool1d(x, 2, { padding: 1 }).toArray()).toEqual([[0.5, 1, 0.5]]);
    expect(await avgPool1d(x, 2, { divisorOverride: 4 }).toArray()).toEqual([[0.5, 0.5]]);
  });

  test('an infinite cell stays in its own adaptive windows', async () => {
    const x = tensor([[[Infinity, 1, 1, 1, 1]]]);
    expect(await adaptiveAvgPool2d(x, [1, 3]).toArray()).toEqual([[[Infinity, 1, 1]]]);
  });

  test('adaptive maxima: the first of equal ones', async () => {
    const { values, indices } = adaptiveMaxPool2dWithIndices(tensor([[[2, 2, 2, 3, 3]]]), [1, 3]);
    expect(await values.toArray()).toEqual([[[2, 3, 3]]]);
    expect(await indices.toArray()).toEqual([[[0, 3, 3]]]);
  });

  test('fold counts how often unfold read a cell', async () => {
    const counts = fold(unfold(ones([1, 3, 3]), 2), 3, 2);
    expect(await counts.toArray()).toEqual([
      [
        [1, 2, 1],
        [2, 4, 2],
        [1, 2, 1],
      ],
    ]);
  });
});

describe('errors', () => {
  const x = ones([8, 6, 28, 28]);
  test("PyTorch's positional arguments", () => {
    expect(() => maxPool2d(x, 3, 2 as any)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: maxPool2d: options come as one object, { stride, padding, dilation, ceilMode }; got 2]`,
    );
    expect(() => unfold(x, 3, 2 as any)).toThrowErrorMatchingInlineSnapshot(
      `[FakkelError: unfold: options come as one object, { stride, padding, dilation }; got 2]`,
    );
  });
  test('sizes', () => {
    expect(() => maxPool2d(x, 0)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: maxPool2d: kernelSize is a whole number of at least 1, or 2 of them in an array; got 0]`,
    );
    expect(() => maxPool2d(x, [2, 2, 2])).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: maxPool2d: kernelSize is a whole number of at least 1, or 2 of them in an array; got [2, 2, 2]]`,
    );
    expect(() => maxPool2d(x, undefined as any)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: maxPool2d: kernelSize is a whole number of at least 1, or 2 of them in an array; got undefined]`,
    );
    expect(() => adaptiveAvgPool2d(x, [0, 1])).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: adaptiveAvgPool2d: the output size is a whole number from 1 up, or 2 of them in an array (null keeps the input's); got [0, 1]]`,
    );
  });
  test('padding of more than half of the kernel', () => {
    expect(() => maxPool2d(x, 3, { padding: 2 })).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: maxPool2d: padding may be at most half of the kernel, got padding 2 for a kernel of 3: a window could lie outside of the input]`,
    );
  });
  test('a kernel larger than the input', () => {
    expect(() => avgPool2d(ones([1, 1, 2, 2]), 3)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: avgPool2d: the kernel spans 3 cells, the input 2 with its padding, in float32[1,1,2,2]. Use a smaller kernel, or less downsampling before it.]`,
    );
  });
  test('ranks', () => {
    expect(() => maxPool2d(ones([28, 28]), 2)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: maxPool2d: expected a batch [N, C, H, W] or one sample [C, H, W], got float32[28,28]. Add axes with x.unsqueeze(dim), or reshape.]`,
    );
  });
  test('integers', () => {
    expect(() => maxPool2d(ones([1, 4, 4], { dtype: 'int32' }), 2)).toThrowErrorMatchingInlineSnapshot(
      `[DTypeError: maxPool2d: expected a float tensor, got int32[1,4,4]. Convert it with x.to('float32').]`,
    );
  });
  test('a divisor of 0', () => {
    expect(() => avgPool2d(x, 2, { divisorOverride: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: avgPool2d: divisorOverride must not be 0]`,
    );
  });
  test('columns that are no windows of the image', () => {
    expect(() => fold(ones([1, 12, 10]), 4, 2)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: fold: expected columns [N, C·4, 9] (3×3 windows of 2×2 in an image of 4×4), got float32[1,12,10]]`,
    );
    expect(() => unfold(ones([1, 2, 2]), 3)).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: unfold: the kernel spans 3 cells, an image of [2, 2] has 2 with its padding along axis -2. Add padding or use a smaller kernel.]`,
    );
  });
});
