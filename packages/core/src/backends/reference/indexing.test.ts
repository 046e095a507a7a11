import { expect, test } from 'vitest';
import { allocate, type DType } from '../../dtype.js';
import { type Shape, sizeOf } from '../../shape.js';
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
const ints = (shape: Shape, values: number[]): Host => tensor(shape, values, 'int32');

function run(op: string, inputs: Host[], shape: Shape, dim: number): number[] {
  return Array.from(runKernel(op, { dim }, inputs, [{ shape, dtype: inputs[0].aval.dtype }])[0]);
}

test('gather: the index may be smaller off the axis', () => {
  const x = range([3, 4]); // 1 2 3 4 / 5 6 7 8 / 9 10 11 12
  expect(run('gather', [x, ints([2, 3], [0, 0, 3, 1, 2, 2])], [2, 3], 1)).toEqual([1, 1, 4, 6, 7, 7]);
  expect(run('gather', [x, ints([2, 3], [2, 0, 1, 0, 0, 2])], [2, 3], 0)).toEqual([9, 2, 7, 1, 2, 11]);
  expect(() => run('gather', [x, ints([1, 1], [-1])], [1, 1], 1)).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: gather: index -1 is out of range for axis 1 of size 4]`,
  );
});

test('scatterAdd: repeated indices add; the source may be larger than the index', () => {
  const base = range([2, 3]);
  expect(run('scatterAdd', [base, ints([2, 2], [0, 0, 2, 1]), tensor([2, 2], [10, 20, 30, 40])], [2, 3], 1)).toEqual([
    31, 2, 3, 4, 45, 36,
  ]);
  expect(run('scatterAdd', [base, ints([2, 1], [1, 1]), tensor([2, 2], [10, 99, 30, 99])], [2, 3], 1)).toEqual([
    1, 12, 3, 4, 35, 6,
  ]);
  expect(run('scatterAdd', [base, ints([1, 3], [1, 0, 1]), tensor([1, 3], [10, 20, 30])], [2, 3], 0)).toEqual([
    1, 22, 3, 14, 5, 36,
  ]);
});

test('indexSelect and indexAdd', () => {
  const x = range([2, 3, 2]);
  expect(run('indexSelect', [x, ints([4], [2, 0, 0, 1])], [2, 4, 2], 1)).toEqual([
    ...[5, 6, 1, 2, 1, 2, 3, 4],
    ...[11, 12, 7, 8, 7, 8, 9, 10],
  ]);
  expect(
    run('indexAdd', [range([3, 2]), ints([3], [2, 0, 2]), tensor([3, 2], [10, 20, 30, 40, 50, 60])], [3, 2], 0),
  ).toEqual([31, 42, 3, 4, 65, 86]);
  expect(() => run('indexAdd', [x, ints([1], [3]), range([2, 1, 2])], [2, 3, 2], 1)).toThrow(
    'indexAdd: index 3 is out of range for axis 1 of size 3',
  );
});

test('sort is stable, and NaN is the largest', () => {
  const sort = (x: Host, dim: number, descending: boolean): number[][] =>
    runKernel('sort', { dim, descending }, [x], [x.aval, { shape: x.aval.shape, dtype: 'int32' }]).map((y) =>
      Array.from(y),
    );
  const x = tensor([6], [3, NaN, 1, 3, -Infinity, NaN]);
  expect(sort(x, 0, false)).toEqual([
    [-Infinity, 1, 3, 3, NaN, NaN],
    [4, 2, 0, 3, 1, 5],
  ]);
  expect(sort(x, 0, true)).toEqual([
    [NaN, NaN, 3, 3, 1, -Infinity],
    [1, 5, 0, 3, 2, 4],
  ]);
  expect(sort(tensor([3, 2], [3, 1, 1, 2, 2, 0], 'int32'), 0, false)).toEqual([
    [1, 0, 2, 1, 3, 2],
    [1, 2, 2, 0, 0, 1],
  ]);
});
