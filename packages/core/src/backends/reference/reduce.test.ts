import { describe, expect, test } from 'vitest';
import { allocate, type DType } from '../../dtype.js';
import { type Shape, sizeOf, stridesOf } from '../../shape.js';
import { runKernel } from './index.js';

function tensor(shape: Shape, values: ArrayLike<number>, dtype: DType = 'float64') {
  const data = allocate(dtype, sizeOf(shape));
  data.set(values);
  return { data, aval: { shape, dtype } };
}
const noise = (n: number): Float64Array => Float64Array.from({ length: n }, (_, i) => Math.sin(i * i + 1) * 3);

const subsets = (rank: number): number[][] =>
  Array.from({ length: 2 ** rank - 1 }, (_, k) =>
    Array.from({ length: rank }, (_, i) => i).filter((i) => ((k + 1) >> i) & 1),
  );

/** The elements that each result of a reduction over `dims` sees. */
function groups(shape: Shape, dims: number[], data: ArrayLike<number>): number[][] {
  const strides = stridesOf(shape);
  const out = new Map<string, number[]>();
  for (let i = 0; i < data.length; i++) {
    const key = shape.map((n, axis) => (dims.includes(axis) ? 0 : Math.floor(i / strides[axis]) % n)).join();
    out.set(key, [...(out.get(key) ?? []), data[i]]);
  }
  return [...out.values()];
}

const mean = (v: number[]): number => v.reduce((a, b) => a + b, 0) / v.length;
const references: Record<string, (values: number[]) => number> = {
  sum: (v) => v.reduce((a, b) => a + b, 0),
  prod: (v) => v.reduce((a, b) => a * b, 1),
  amax: (v) => Math.max(...v),
  amin: (v) => Math.min(...v),
  mean,
  variance: (v) => v.reduce((a, b) => a + (b - mean(v)) ** 2, 0) / (v.length - 0.5),
  logsumexp: (v) => Math.log(v.reduce((a, b) => a + Math.exp(b), 0)),
};

describe.each(Object.keys(references))('%s', (op) => {
  test.each(subsets(4))('over axes %j', (...dims) => {
    const shape = [2, 3, 4, 5];
    const data = noise(120);
    const outShape = shape.filter((_, axis) => !dims.includes(axis));
    const attrs = { dims, keepdim: false, correction: 0.5 };
    const [y] = runKernel(op, attrs, [tensor(shape, data)], [{ shape: outShape, dtype: 'float64' }]);
    groups(shape, dims, data).forEach((values, i) => {
      const expected = references[op](values);
      expect(Math.abs(y[i] - expected)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(expected)));
    });
  });
});

test('reductions of nothing', () => {
  const reduce = (op: string): number[] =>
    Array.from(
      runKernel(
        op,
        { dims: [0], keepdim: false, correction: 1 },
        [tensor([0, 2], [])],
        [{ shape: [2], dtype: 'float64' }],
      )[0],
    );
  expect(reduce('sum')).toEqual([0, 0]);
  expect(reduce('prod')).toEqual([1, 1]);
  expect(reduce('mean')).toEqual([NaN, NaN]);
  expect(reduce('amax')).toEqual([-Infinity, -Infinity]);
});

const along = (op: string, values: number[], attrs = {}, dtype: DType = 'float64', out: DType = dtype): number[] =>
  Array.from(
    runKernel(
      op,
      { dims: [0], dim: 0, keepdim: false, ...attrs },
      [tensor([values.length], values, dtype)],
      [{ shape: [], dtype: out }],
    )[0],
  );

test('float32 sums a million tenths to 1e-7', () => {
  const n = 1_000_000;
  const x = tensor([n], new Float32Array(n).fill(0.1), 'float32');
  const [y] = runKernel('sum', { dims: [0], keepdim: false }, [x], [{ shape: [], dtype: 'float32' }]);
  expect(y[0]).toBe(Math.fround(n * Math.fround(0.1)));
});

test('NaN, infinities and integers', () => {
  expect(along('amax', [1, NaN, 3])).toEqual([NaN]);
  expect(along('amin', [1, NaN, 3])).toEqual([NaN]);
  expect(along('logsumexp', [-Infinity, -Infinity])).toEqual([-Infinity]);
  expect(along('logsumexp', [1, Infinity])).toEqual([Infinity]);
  expect(along('logsumexp', [1000, 1000])).toEqual([1000 + Math.log(2)]);
  expect(along('sum', [2147483647, 1], {}, 'int32')).toEqual([-2147483648]);
  expect(along('prod', [123456789, 987654321, 3], {}, 'int32')).toEqual([
    Math.imul(Math.imul(123456789, 987654321), 3),
  ]);
  expect(along('variance', [5], { correction: 1 })).toEqual([NaN]);
});

test('argmax and argmin: the first of ties, NaN is the extreme', () => {
  const arg = (op: string, values: number[]): number => along(op, values, {}, 'float64', 'int32')[0];
  expect(arg('argmax', [1, 3, 3, 2])).toBe(1);
  expect(arg('argmin', [2, 1, 1])).toBe(1);
  expect(arg('argmax', [1, NaN, 9, NaN])).toBe(1);
  expect(arg('argmin', [NaN, -9])).toBe(0);
  expect(arg('argmax', [-Infinity, -Infinity])).toBe(0);
  const x = tensor([2, 3, 2], [1, 9, 5, 2, 5, 9, 0, 0, -1, 4, 7, 3]);
  const [y] = runKernel('argmax', { dim: 1, keepdim: false }, [x], [{ shape: [2, 2], dtype: 'int32' }]);
  expect(Array.from(y)).toEqual([1, 0, 2, 1]);
});

test('cumsum, both ways', () => {
  const x = tensor([2, 3], [1, 2, 3, 4, 5, 6]);
  const cumsum = (dim: number, reverse: boolean) => Array.from(runKernel('cumsum', { dim, reverse }, [x], [x.aval])[0]);
  expect(cumsum(1, false)).toEqual([1, 3, 6, 4, 9, 15]);
  expect(cumsum(1, true)).toEqual([6, 5, 3, 15, 11, 6]);
  expect(cumsum(0, false)).toEqual([1, 2, 3, 5, 7, 9]);
  expect(cumsum(0, true)).toEqual([5, 7, 9, 4, 5, 6]);
});
