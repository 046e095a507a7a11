import { describe, expect, test } from 'vitest';
import { both, operand, ort, webgpuForms } from '../../test/one-op.js';

const INTS = [0, 1, -1, 2, -2, 3, -7, 7, 46341, 65536, 2147483647, -2147483647, -2147483648];
const FLOATS = [0, -0, 0.1, -0.1, 0.5, -0.5, 1, -1, 1.5, -2.5, 3, -7, 1e-30, -1e30, Infinity, -Infinity, NaN];
const plus0 = (values: ArrayLike<number>): number[] => Array.from(values, (v) => v + 0);

/** All pairs of numbers, as a column and a row. */
const pairs = (dtype: 'float32' | 'int32', values: readonly number[]) => {
  const n = values.length;
  return {
    operands: [operand(dtype, [n, 1], values), operand(dtype, [n], values)],
    shape: [n, n],
    name: (i: number) => `${values[Math.floor(i / n)]}, ${values[i % n]}`,
  };
};

describe.each([
  ['cpu', ort],
  ['webgpu', webgpuForms],
])('the forms for %s', (_, backend) => {
  test.each(['add', 'sub', 'mul', 'maximum', 'minimum', 'remainder', 'floorDivide', 'pow'])(
    '%s of any two integers',
    async (op) => {
      const { operands, shape, name } = pairs('int32', INTS);
      const { got, expected } = await both(op, {}, operands, [{ shape, dtype: 'int32' }], backend);
      expect(Array.from(got[0], (y, i) => `${name(i)}: ${y}`)).toEqual(
        Array.from(expected[0], (y, i) => `${name(i)}: ${y}`),
      );
    },
  );

  test.each(['maximum', 'minimum', 'remainder', 'floorDivide'])('%s of any two floats', async (op) => {
    const { operands, shape, name } = pairs('float32', FLOATS);
    const { got, expected } = await both(op, {}, operands, [{ shape, dtype: 'float32' }], backend);
    expect(plus0(got[0]).map((y, i) => `${name(i)}: ${y}`)).toEqual(
      plus0(expected[0]).map((y, i) => `${name(i)}: ${y}`),
    );
  });

  test.each(['eq', 'ne', 'lt', 'le', 'gt', 'ge'])('%s of floats, integers and bools', async (op) => {
    for (const [dtype, values] of [
      ['float32', FLOATS],
      ['int32', INTS],
      ['bool', [0, 1]],
    ] as const) {
      const n = values.length;
      const operands = [operand(dtype, [n, 1], values), operand(dtype, [n], values)];
      const { got, expected } = await both(op, {}, operands, [{ shape: [n, n], dtype: 'bool' }], backend);
      expect(got).toEqual(expected);
    }
  });

  test('where of bools', async () => {
    const operands = [
      operand('bool', [2, 1, 1], [0, 1]),
      operand('bool', [2, 1], [0, 1]),
      operand('bool', [2], [0, 1]),
    ];
    const { got, expected } = await both('where', {}, operands, [{ shape: [2, 2, 2], dtype: 'bool' }], backend);
    expect(got).toEqual(expected);
  });

  test.each(['neg', 'abs', 'sign', 'floor', 'ceil', 'round', 'trunc', 'sqrt'])('%s at the edges', async (op) => {
    const x = operand('float32', [FLOATS.length], FLOATS);
    const { got, expected } = await both(op, {}, [x], [x], backend);
    expect(plus0(got[0])).toEqual(plus0(expected[0]));
  });

  test.each(['expm1', 'log1p'])('%s is exact to float32 near 0 and right at the edges', async (op) => {
    const sizes = Array.from({ length: 400 }, (_, i) => 10 ** (-30 + i / 10.4));
    const values = [...sizes, ...sizes.map((v) => -v), -0.999999, -1, Infinity, -Infinity, NaN, 88, 89, -20];
    const x = operand('float32', [values.length], values);
    const { got, expected } = await both(op, {}, [x], [x], backend);
    const wrong = Array.from(got[0]).flatMap((y, i) => {
      const e = expected[0][i];
      return Object.is(y + 0, e + 0) || Math.abs(y - e) <= 1e-6 * Math.abs(e) ? [] : [`${x.data[i]}: ${y}, not ${e}`];
    });
    expect(wrong).toEqual([]);
  });

  test('powers of integers wrap', async () => {
    const x = operand('int32', [INTS.length], INTS);
    for (const exponent of [0, 1, 2, 3, 10, 31, 32]) {
      const { got, expected } = await both('powScalar', { exponent }, [x], [x], backend);
      expect(got).toEqual(expected);
    }
  });
});
