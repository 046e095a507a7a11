import { describe, expect, test } from 'vitest';
import type { Attrs } from '../../program/program.js';
import { type Shape, sizeOf } from '../../shape.js';
import { runKernel } from './index.js';

const f64 = (shape: Shape, data: ArrayLike<number>) => ({
  data: Float64Array.from(data),
  aval: { shape, dtype: 'float64' } as const,
});
const noise = (n: number, seed = 1): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => Math.sin((i + seed) * 12.9898));
const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((total, v, i) => total + v * b[i], 0);

function maxPool(shape: Shape, x: ArrayLike<number>, out: Shape, attrs: Attrs): [number[], number[]] {
  const both = runKernel(
    'maxPool',
    attrs,
    [f64(shape, x)],
    [
      { shape: out, dtype: 'float64' },
      { shape: out, dtype: 'int32' },
    ],
  );
  return [Array.from(both[0]), Array.from(both[1])];
}

describe('maxPool', () => {
  const attrs = {
    kernel: [2, 2],
    stride: [1, 1],
    padding: [
      [0, 0],
      [0, 0],
    ],
    dilation: [1, 1],
  };

  test('ties go to the first in row-major order', () => {
    expect(maxPool([1, 1, 2, 3], [5, 5, 1, 5, 5, 5], [1, 1, 1, 2], attrs)).toEqual([
      [5, 5],
      [0, 1],
    ]);
  });

  test('NaN wins', () => {
    expect(maxPool([1, 1, 2, 3], [9, NaN, 1, 2, 3, 4], [1, 1, 1, 2], attrs)).toEqual([
      [NaN, NaN],
      [1, 1],
    ]);
  });

  test('a window of −∞ points at its first cell', () => {
    const x = new Array<number>(6).fill(-Infinity);
    expect(maxPool([1, 1, 2, 3], x, [1, 1, 1, 2], attrs)).toEqual([
      [-Infinity, -Infinity],
      [0, 1],
    ]);
  });

  test('padding, stride, dilation, a window past the padding (ceil mode), in one axis', () => {
    const attrs = { kernel: [3], stride: [2], padding: [[1, 2]], dilation: [2] };
    // cells −1 1 3 / 1 3 5 / 3 5 7 / 5 7 9 of [4, 3, 2, 1, 0, −1, −2]
    expect(maxPool([1, 1, 7], [4, 3, 2, 1, 0, -1, -2], [1, 1, 4], attrs)).toEqual([
      [3, 3, 1, -1],
      [1, 1, 3, 5],
    ]);
  });

  test('three axes and planes; its gradient is its adjoint', () => {
    const shape = [2, 3, 4, 5, 4];
    const out = [2, 3, 2, 3, 3];
    const x = noise(sizeOf(shape));
    const attrs = {
      kernel: [2, 3, 2],
      stride: [2, 2, 1],
      padding: [
        [0, 0],
        [1, 1],
        [0, 0],
      ],
      dilation: [1, 1, 1],
    };
    const [values, indices] = maxPool(shape, x, out, attrs);
    const cells = 4 * 5 * 4;
    values.forEach((v, i) => expect(v).toBe(x[Math.floor(i / 18) * cells + indices[i]]));
    const first = Math.max(...[0, 1].flatMap((d) => [0, 1].flatMap((h) => [0, 1].map((w) => x[(d * 5 + h) * 4 + w]))));
    expect(values[0]).toBe(first);
    const g = noise(sizeOf(out), 7);
    const [dx] = runKernel(
      'maxPoolGrad',
      { inputSize: [4, 5, 4] },
      [f64(out, g), { data: Int32Array.from(indices), aval: { shape: out, dtype: 'int32' } }],
      [{ shape, dtype: 'float64' }],
    );
    expect(dot(dx, x)).toBeCloseTo(dot(g, values), 12);
  });
});

describe('avgPool', () => {
  const ones = new Array<number>(5).fill(1);
  const average = (attrs: Attrs, out: number): number[] =>
    Array.from(
      runKernel(
        'avgPool',
        { kernel: [3], stride: [2], padding: [[1, 1]], countIncludePad: true, ceilExtra: [0], divisor: null, ...attrs },
        [f64([1, 1, 5], ones)],
        [{ shape: [1, 1, out], dtype: 'float64' }],
      )[0],
    );

  test('the divisor counts padding, or not, or is given', () => {
    const third = 2 / 3;
    const expected = [third, 1, third];
    average({}, 3).forEach((v, i) => expect(v).toBeCloseTo(expected[i], 15));
    expect(average({ countIncludePad: false }, 3)).toEqual([1, 1, 1]);
    expect(average({ divisor: 2 }, 3)).toEqual([1, 1.5, 1]);
  });

  test('what only ceil mode reaches is never counted', () => {
    // Windows at 0 and 3 of five cells: the second holds cells 3, 4 and one past the end.
    const attrs = { stride: [3], padding: [[0, 0]], ceilExtra: [1] };
    expect(average(attrs, 2)).toEqual([1, 1]);
    expect(average({ ...attrs, countIncludePad: false }, 2)).toEqual([1, 1]);
    // With one cell of padding after, that one is counted.
    expect(average({ ...attrs, padding: [[0, 1]], ceilExtra: [0] }, 2)[1]).toBeCloseTo(2 / 3, 15);
  });

  test.each([true, false])('the gradient is the adjoint (countIncludePad %s)', (countIncludePad) => {
    const shape = [2, 3, 7, 6];
    const out = [2, 3, 4, 4];
    const attrs = {
      kernel: [3, 2],
      stride: [2, 2],
      padding: [
        [1, 1],
        [1, 1],
      ],
      countIncludePad,
      ceilExtra: [0, 0],
      divisor: null,
      inputSize: [7, 6],
    };
    const x = f64(shape, noise(sizeOf(shape)));
    const g = f64(out, noise(sizeOf(out), 5));
    const [y] = runKernel('avgPool', attrs, [x], [g.aval]);
    const [dx] = runKernel('avgPoolGrad', attrs, [g], [x.aval]);
    expect(dot(dx, x.data)).toBeCloseTo(dot(y, g.data), 12);
    // The window at (1, 1) of the first plane lies inside: rows 1–3, columns 1–2.
    const inside = [1, 2, 3].flatMap((r) => [1, 2].map((c) => x.data[r * 6 + c]));
    expect(y[5]).toBeCloseTo(inside.reduce((a, b) => a + b) / 6, 14);
  });
});
