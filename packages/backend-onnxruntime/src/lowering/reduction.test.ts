import { describe, expect, test } from 'vitest';
import { both, operand, ort, webgpuForms } from '../../test/one-op.js';

const BIG = [123456789, 987654321, -2147483648, 2147483647, 16777217, 33, -7, 5, 3, 46341, 1, 11, 13, 2147483647, -1];
const AXES = [[0], [1], [2], [0, 2], [0, 1, 2]];
const SHAPE = [3, 5, 1];
const out = (dims: readonly number[]) => SHAPE.filter((_, axis) => !dims.includes(axis));

test.each(['sum', 'prod'])('%s of integers wraps', async (op) => {
  const x = operand('int32', SHAPE, BIG);
  for (const dims of AXES) {
    const { got, expected } = await both(op, { dims, keepdim: false }, [x], [{ shape: out(dims), dtype: 'int32' }]);
    expect(got).toEqual(expected);
  }
});

const { NaN: N, Infinity: I } = { NaN, Infinity };
// A row each.
const EXTREMES = [
  [1, 9, 9, 3],
  [N, 1, 2, 3],
  [1, 9, N, N],
  [3, 2, 1, N],
  [I, N, 1, 2],
  [-I, -I, -I, -I],
  [I, -I, 5, 5],
  [-0, 0, -1, -1],
];

describe.each([
  ['cpu', ort],
  ['webgpu', webgpuForms],
])('the forms for %s', (_, backend) => {
  test.each(['amax', 'amin'])('%s is NaN where there is one', async (op) => {
    const x = operand('float32', [8, 4], EXTREMES.flat());
    for (const dims of [[0], [1], [0, 1]]) {
      const shape = [8, 4].filter((_, axis) => !dims.includes(axis));
      const { got, expected } = await both(op, { dims, keepdim: false }, [x], [{ shape, dtype: 'float32' }], backend);
      expect(got).toEqual(expected);
    }
  });

  test.each(['argmax', 'argmin'])('%s is the first extreme, or the first NaN', async (op) => {
    const x = operand('float32', [8, 4], EXTREMES.flat());
    for (const [dim, keepdim, shape] of [
      [0, false, [4]],
      [1, false, [8]],
      [1, true, [8, 1]],
    ] as const) {
      const { got, expected } = await both(op, { dim, keepdim }, [x], [{ shape, dtype: 'int32' }], backend);
      expect(got).toEqual(expected);
    }
  });
});
