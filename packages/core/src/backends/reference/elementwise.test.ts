import { describe, expect, test } from 'vitest';
import { allocate, type DType, type TypedArray } from '../../dtype.js';
import { type Shape, sizeOf, stridesOf, tryBroadcast } from '../../shape.js';
import { runKernel } from './index.js';

function tensor(shape: Shape, values: ArrayLike<number>, dtype: DType = 'float64') {
  const data = allocate(dtype, sizeOf(shape));
  data.set(values);
  return { data, aval: { shape, dtype } };
}
type Host = ReturnType<typeof tensor>;

/** Runs an op on inputs that broadcast. */
function run(op: string, inputs: Host[], dtype: DType = inputs[0].aval.dtype, attrs = {}): TypedArray {
  const shape = inputs.map((x) => x.aval.shape).reduce((a, b) => tryBroadcast(a, b)!);
  return runKernel(op, attrs, inputs, [{ shape, dtype }])[0];
}
const vector = (values: number[], dtype?: DType): Host => tensor([values.length], values, dtype);
const unary = (op: string, values: number[], dtype: DType = 'float64', out = dtype): number[] =>
  Array.from(run(op, [vector(values, dtype)], out));
const binary = (op: string, a: number[], b: number[], dtype: DType = 'float64', out = dtype): number[] =>
  Array.from(run(op, [vector(a, dtype), vector(b, dtype)], out));

describe('broadcasting', () => {
  const cases: [Shape, Shape][] = [
    [
      [2, 3],
      [2, 3],
    ],
    [[2, 3], []],
    [[], [2, 3]],
    [[4, 3], [3]],
    [
      [2, 3, 4, 5],
      [1, 3, 1, 1],
    ],
    [
      [2, 3, 4, 5],
      [3, 1, 5],
    ],
    [
      [2, 1, 4],
      [3, 1],
    ],
    [
      [5, 1],
      [1, 6],
    ],
    [[1, 1, 1], [1]],
    [[3, 0], [1]],
  ];
  test.each(cases)('%j with %j', (a, b) => {
    const x = tensor(
      a,
      Float64Array.from({ length: sizeOf(a) }, (_, i) => i + 1),
    );
    const y = tensor(
      b,
      Float64Array.from({ length: sizeOf(b) }, (_, i) => 10 * i + 3),
    );
    const shape = tryBroadcast(a, b)!;
    const at = (t: Host, flat: number): number => {
      let offset = 0;
      stridesOf(shape).forEach((stride, axis) => {
        const own = axis - (shape.length - t.aval.shape.length);
        const index = Math.floor(flat / stride) % shape[axis];
        if (own >= 0 && t.aval.shape[own] !== 1) offset += index * stridesOf(t.aval.shape)[own];
      });
      return t.data[offset];
    };
    const expected = Float64Array.from({ length: sizeOf(shape) }, (_, i) => at(x, i) - at(y, i));
    expect(run('sub', [x, y])).toEqual(expected);

    const mask = tensor(
      b,
      Array.from(y.data, (_, i) => i % 2),
      'bool',
    );
    const chosen = Float64Array.from({ length: sizeOf(shape) }, (_, i) => (at(mask, i) ? at(x, i) : at(y, i)));
    expect(runKernel('where', {}, [mask, x, y], [{ shape, dtype: 'float64' }])[0]).toEqual(chosen);
  });
});

describe('one input', () => {
  test('sign, rounding, finiteness', () => {
    expect(unary('sign', [-2, -0, 0, 3, NaN])).toEqual([-1, 0, 0, 1, 0]);
    expect(unary('round', [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 2.4, -2.6, 1e20])).toEqual([
      0, 2, 2, -0, -2, -2, 2, -3, 1e20,
    ]);
    expect(unary('trunc', [1.7, -1.7])).toEqual([1, -1]);
    expect(unary('isfinite', [1, Infinity, NaN], 'float64', 'bool')).toEqual([1, 0, 0]);
    expect(unary('neg', [1, -2], 'int32')).toEqual([-1, 2]);
  });

  test('erf', () => {
    // math.erf of Python
    const expected = [0, 0.5204998778130465, 0.9953222650189527, 0.9999779095030014, -0.8427007929497149, 1];
    unary('erf', [0, 0.5, 2, 3, -1, Infinity]).forEach((y, i) => expect(y).toBeCloseTo(expected[i], 14));
    expect(unary('erf', [NaN])).toEqual([NaN]);
  });

  test('relu keeps NaN and its gradient is zero at zero', () => {
    expect(unary('relu', [-1, -0, 2, NaN])).toEqual([0, 0, 2, NaN]);
    expect(binary('reluGrad', [5, 6, 7], [0, 2, NaN])).toEqual([0, 6, 0]);
  });

  test('powScalar', () => {
    const pow = (values: number[], exponent: number, dtype: DType = 'float64') =>
      Array.from(run('powScalar', [vector(values, dtype)], dtype, { exponent }));
    expect(pow([0, NaN, 3], 0)).toEqual([1, 1, 1]);
    expect(pow([-3, 2], 2)).toEqual([9, 4]);
    expect(pow([-3, 2], 3)).toEqual([-27, 8]);
    expect(pow([4, -1, -0, -Infinity], 0.5)).toEqual([2, NaN, 0, Infinity]);
    expect(pow([4, 0], -1)).toEqual([0.25, Infinity]);
    expect(pow([1, 2], NaN)).toEqual([1, NaN]);
    expect(pow([-1], Infinity)).toEqual([1]);
    expect(pow([3, -2, 65536], 5, 'int32')).toEqual([243, -32, 0]);
    expect(pow([2, 1, -1, -1], -3, 'int32')).toEqual([0, 1, -1, -1]);
  });

  test('cast', () => {
    const cast = (values: number[], from: DType, to: DType): number[] =>
      Array.from(run('cast', [vector(values, from)], to));
    expect(cast([1.9, -1.9], 'float32', 'int32')).toEqual([1, -1]);
    expect(cast([0, -0, 0.3, NaN], 'float64', 'bool')).toEqual([0, 0, 1, 1]);
    expect(cast([256], 'int32', 'bool')).toEqual([1]);
    expect(cast([1, 0], 'bool', 'float32')).toEqual([1, 0]);
    expect(cast([0.1], 'float64', 'float32')).toEqual([Math.fround(0.1)]);
  });

  test('clamp: bounds may be missing or crossed', () => {
    const clamp = (low: number | undefined, high: number | undefined) =>
      Array.from(
        runKernel(
          'clamp',
          { hasLow: low !== undefined, hasHigh: high !== undefined },
          [vector([-2, 0.5, 9, NaN]), tensor([], [low ?? 0]), tensor([], [high ?? 0])],
          [{ shape: [4], dtype: 'float64' }],
        )[0],
      );
    expect(clamp(0, 1)).toEqual([0, 0.5, 1, NaN]);
    expect(clamp(undefined, 1)).toEqual([-2, 0.5, 1, NaN]);
    expect(clamp(0, undefined)).toEqual([0, 0.5, 9, NaN]);
    expect(clamp(3, 1)).toEqual([1, 1, 1, NaN]);
  });
});

describe('two inputs', () => {
  test('maximum and minimum propagate NaN', () => {
    expect(binary('maximum', [1, NaN, 2], [3, 1, NaN])).toEqual([3, NaN, NaN]);
    expect(binary('minimum', [1, NaN, 2], [3, 1, NaN])).toEqual([1, NaN, NaN]);
  });

  test('remainder and floorDivide go to −∞, as Python', () => {
    expect(binary('remainder', [7, -7, 7, -7, 1], [3, 3, -3, -3, Infinity])).toEqual([1, 2, -2, -1, 1]);
    expect(binary('floorDivide', [7, -7, 7, -7, 1, -1], [3, 3, -3, -3, 0.1, Infinity])).toEqual([2, -3, -3, 2, 9, -1]);
    expect(binary('floorDivide', [1, -1, 0], [0, 0, 0])).toEqual([Infinity, -Infinity, NaN]);
    expect(binary('remainder', [7, -7, 7, 7], [3, 3, -3, 0], 'int32')).toEqual([1, 2, -2, 0]);
    expect(binary('floorDivide', [7, -7, 7, 7], [3, 3, -3, 0], 'int32')).toEqual([2, -3, -3, 0]);
  });

  test('integers wrap', () => {
    expect(binary('add', [2147483647], [1], 'int32')).toEqual([-2147483648]);
    expect(binary('mul', [123456789], [987654321], 'int32')).toEqual([Math.imul(123456789, 987654321)]);
    expect(binary('pow', [2, 3, 5], [31, 4, 0], 'int32')).toEqual([-2147483648, 81, 1]);
  });

  test('comparisons with NaN are false, except ne', () => {
    const compare = (op: string): number[] => binary(op, [1, 2, NaN], [2, 2, NaN], 'float64', 'bool');
    expect(['eq', 'ne', 'lt', 'le', 'gt', 'ge'].map(compare)).toEqual([
      [0, 1, 0],
      [1, 0, 1],
      [1, 0, 0],
      [1, 1, 0],
      [0, 0, 0],
      [0, 1, 0],
    ]);
  });

  test('logic', () => {
    const logic = (op: string): number[] => binary(op, [0, 0, 1, 1], [0, 1, 0, 1], 'bool');
    expect(logic('logicalAnd')).toEqual([0, 0, 0, 1]);
    expect(logic('logicalOr')).toEqual([0, 1, 1, 1]);
    expect(logic('logicalXor')).toEqual([0, 1, 1, 0]);
    expect(unary('logicalNot', [0, 1], 'bool')).toEqual([1, 0]);
  });
});
