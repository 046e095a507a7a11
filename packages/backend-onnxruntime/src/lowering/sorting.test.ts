import type { DType } from '@fakkel/core';
import { expect, test } from 'vitest';
import { both, numbers, operand } from '../../test/one-op.js';

const FLOATS = [NaN, Infinity, -Infinity, 3.4028234663852886e38, -3.4028234663852886e38, 0, -0, 1, 1e-45];
const INTS = [2 ** 31 - 1, -(2 ** 31), 0, 1, -1, 2 ** 24, 2 ** 24 + 1];

test.each<[DType, readonly number[]]>([
  ['float32', FLOATS],
  ['int32', INTS],
  ['bool', [0, 1]],
])('sort is stable, along every axis, with the extremes of %s', async (dtype, values) => {
  const next = numbers();
  const shape = [7, 40, 3];
  const x = operand(
    dtype,
    shape,
    Array.from({ length: 840 }, () => values[Math.floor(next() * values.length)]),
  );
  for (const dim of [0, 1, 2]) {
    for (const descending of [false, true]) {
      const { got, expected } = await both(
        'sort',
        { dim, descending },
        [x],
        [
          { shape, dtype },
          { shape, dtype: 'int32' },
        ],
      );
      expect(got).toEqual(expected);
    }
  }
});
