import { expect, test } from 'vitest';
import { both, operand, ort, webgpuForms } from '../../test/one-op.js';

test.each([
  ['few', 100],
  ['many', 1 << 17],
])('the gradient of relu masks NaN and infinities: %s elements', async (_, n) => {
  const y = operand(
    'float32',
    [n],
    Array.from({ length: n }, (_, i) => (i % 3 === 0 ? 0 : i)),
  );
  for (const odd of [[1, 2, 3], [Infinity, NaN, -Infinity, 5], [NaN]]) {
    for (const at of [0, 1]) {
      const values = Float32Array.from({ length: n }, (_, i) => Math.sin(i));
      odd.forEach((value, i) => (values[3 * i + at] = value));
      const g = operand('float32', [n], values);
      for (const backend of [ort, webgpuForms]) {
        const { got, expected } = await both('reluGrad', {}, [g, y], [g], backend);
        expect(Array.from(got[0], (v) => v + 0)).toEqual(Array.from(expected[0], (v) => v + 0));
      }
    }
  }
});

test('log-softmax of rows with infinities and NaN', async () => {
  const { NaN: N, Infinity: I } = { NaN, Infinity };
  const x = operand('float32', [4, 3], [1, 2, -I, 1, N, 2, 1000, 999, -1000, I, 1, 2]);
  for (const backend of [ort, webgpuForms]) {
    const { got, expected } = await both('logSoftmax', { dim: 1 }, [x], [x], backend);
    expected[0].forEach((e, i) => {
      if (Number.isFinite(e)) expect(got[0][i]).toBeCloseTo(e, 3);
      else expect(got[0][i]).toBe(e);
    });
  }
});
