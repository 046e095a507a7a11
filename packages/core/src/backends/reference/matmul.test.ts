import { expect, test } from 'vitest';
import type { DType } from '../../dtype.js';
import { runKernel } from './index.js';

const noise = (n: number, seed: number): Float64Array =>
  Float64Array.from({ length: n }, (_, i) => Math.sin((i + seed) * 12.9898) % 1);

/** Sizes around the tiles (2×4) and the blocks (256 rows, 64 columns, 256 deep). */
const sizes = [
  [1, 1, 1, 1],
  [1, 1, 7, 5],
  [3, 2, 4, 4],
  [2, 5, 3, 9],
  [1, 259, 66, 3],
  [1, 5, 70, 515],
  [1, 2, 130, 257],
];
for (const [batch, m, n, k] of sizes) {
  for (const [transA, transB] of [
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ]) {
    test(`${batch} of ${m}×${k} by ${k}×${n}${transA ? ', A swapped' : ''}${transB ? ', B swapped' : ''}`, () => {
      const a = noise(batch * m * k, 1);
      const b = noise(batch * k * n, 2);
      const run = (dtype: DType, x: Float32Array | Float64Array, y: Float32Array | Float64Array) =>
        runKernel(
          'matmul',
          { transA, transB },
          [
            { data: x, aval: { shape: transA ? [batch, k, m] : [batch, m, k], dtype } },
            { data: y, aval: { shape: transB ? [batch, n, k] : [batch, k, n], dtype } },
          ],
          [{ shape: [batch, m, n], dtype }],
        )[0];
      const c = run('float64', a, b);
      for (let s = 0; s < batch; s++) {
        for (let i = 0; i < m; i++) {
          for (let j = 0; j < n; j++) {
            let expected = 0;
            for (let p = 0; p < k; p++) {
              expected +=
                a[s * m * k + (transA ? p * m + i : i * k + p)] * b[s * k * n + (transB ? j * k + p : p * n + j)];
            }
            if (!(Math.abs(c[(s * m + i) * n + j] - expected) < 1e-12)) expect(c[(s * m + i) * n + j]).toBe(expected);
          }
        }
      }
      // float32 rounds only its operands and its result.
      const [a32, b32] = [Float32Array.from(a), Float32Array.from(b)];
      const exact = run('float64', Float64Array.from(a32), Float64Array.from(b32));
      expect(run('float32', a32, b32)).toEqual(Float32Array.from(exact));
    });
  }
}

test('a sum of no terms is zero', () => {
  const empty = { data: new Float32Array(0), aval: { shape: [2, 0], dtype: 'float32' } as const };
  const none = { data: new Float32Array(0), aval: { shape: [0, 3], dtype: 'float32' } as const };
  const attrs = { transA: false, transB: false };
  expect(runKernel('matmul', attrs, [empty, none], [{ shape: [2, 3], dtype: 'float32' }])).toEqual([
    new Float32Array(6),
  ]);
});
