import { describe, expect, test } from 'vitest';
import { allocate, type DType, DTYPES } from '../../dtype.js';
import { type Shape, sizeOf, stridesOf } from '../../shape.js';
import { runKernel } from './index.js';

function tensor(shape: Shape, values: ArrayLike<number>, dtype: DType = 'float64') {
  const data = allocate(dtype, sizeOf(shape));
  data.set(values);
  return { data, aval: { shape, dtype } };
}
type Host = ReturnType<typeof tensor>;
const range = (shape: Shape): Host =>
  tensor(
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => i + 1),
  );
const scalar = (value: number, dtype: DType = 'float64'): Host => tensor([], [value], dtype);

function run(op: string, inputs: Host[], shape: Shape, attrs = {}): number[] {
  return Array.from(runKernel(op, attrs, inputs, [{ shape, dtype: inputs[0].aval.dtype }])[0]);
}

/** The elements of the result, each read from `x` at the index that `source` gives; undefined is 0. */
function move(x: Host, shape: Shape, source: (index: number[]) => number[] | undefined): number[] {
  const strides = stridesOf(shape);
  const own = stridesOf(x.aval.shape);
  return Array.from({ length: sizeOf(shape) }, (_, flat) => {
    const from = source(shape.map((n, axis) => Math.floor(flat / strides[axis]) % n));
    return from ? x.data[from.reduce((offset, i, axis) => offset + i * own[axis], 0)] : 0;
  });
}

test.each([[[0, 1, 2]], [[2, 1, 0]], [[1, 0, 2]], [[0, 2, 1]], [[2, 0, 1]]])('permute %j', (dims) => {
  const x = range([3, 40, 5]);
  const shape = dims.map((d) => x.aval.shape[d]);
  const expected = move(x, shape, (index) => dims.map((_, d) => index[dims.indexOf(d)]));
  expect(run('permute', [x], shape, { dims })).toEqual(expected);
});

test('expand adds and repeats axes', () => {
  const x = range([3, 1, 2]);
  expect(run('expand', [x], [2, 3, 4, 2])).toEqual(move(x, [2, 3, 4, 2], ([, a, , c]) => [a, 0, c]));
});

test('flip', () => {
  const x = range([2, 3, 4]);
  const expected = move(x, [2, 3, 4], ([a, b, c]) => [1 - a, b, 3 - c]);
  expect(run('flip', [x], [2, 3, 4], { dims: [0, 2] })).toEqual(expected);
});

test('pad', () => {
  const x = range([2, 3]);
  const pads = [
    [1, 0],
    [2, 1],
  ];
  expect(run('pad', [x, scalar(-1)], [3, 6], { pads })).toEqual([
    ...[-1, -1, -1, -1, -1, -1],
    ...[-1, -1, 1, 2, 3, -1],
    ...[-1, -1, 4, 5, 6, -1],
  ]);
});

describe('slices', () => {
  test('narrow, with a step', () => {
    const x = range([5, 6]);
    const attrs = { dim: 1, length: 3, step: 2 };
    const expected = move(x, [5, 3], ([a, b]) => [a, 1 + 2 * b]);
    expect(run('narrow', [x, scalar(1, 'int32')], [5, 3], attrs)).toEqual(expected);
    expect(() => run('narrow', [x, scalar(2, 'int32')], [5, 3], attrs)).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: narrow: start 2 with 3 elements, 2 apart, leaves axis 1 of size 6]`,
    );
  });

  test('sliceScatter is narrow the other way', () => {
    const attrs = { dim: 0, step: 3 };
    const y = run('sliceScatter', [range([5, 2]), tensor([2, 2], [-1, -2, -3, -4]), scalar(1, 'int32')], [5, 2], attrs);
    expect(y).toEqual([1, 2, -1, -2, 5, 6, 7, 8, -3, -4]);
  });
});

test('cat, with an empty part', () => {
  const parts = [tensor([2, 1], [1, 2]), tensor([2, 0], []), tensor([2, 2], [3, 4, 5, 6])];
  expect(run('cat', parts, [2, 3], { dim: 1 })).toEqual([1, 3, 4, 2, 5, 6]);
  expect(run('cat', [tensor([1, 2], [1, 2]), tensor([1, 2], [3, 4])], [2, 2], { dim: 0 })).toEqual([1, 2, 3, 4]);
});

test.each(DTYPES)('%s moves as it is', (dtype) => {
  const x = tensor([2, 2], [1, 0, 0, 1], dtype);
  expect(run('permute', [x], [2, 2], { dims: [1, 0] })).toEqual([1, 0, 0, 1]);
  expect(run('reshape', [x], [4], { shape: [4] })).toEqual([1, 0, 0, 1]);
  expect(run('copy', [x], [2, 2])).toEqual([1, 0, 0, 1]);
});
