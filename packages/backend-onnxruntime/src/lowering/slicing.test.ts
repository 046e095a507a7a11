import { device, stats, tensor } from '@fakkel/core';
import { createOnnxruntime } from '@fakkel/backend-onnxruntime';
import { describe, expect, test } from 'vitest';
import { both, operand, ort, runOp, webgpuForms } from '../../test/one-op.js';

const x = operand('float32', [2, 5], numbersUpTo(10));
const start = (value: number, constant = false) => operand('int32', [], [value], { constant });

function numbersUpTo(n: number): number[] {
  return Array.from({ length: n }, (_, i) => i);
}

test('the forms for WebGPU', async () => {
  const out = { shape: [2, 2], dtype: 'float32' } as const;
  for (const step of [1, 3]) {
    const narrow = await both('narrow', { dim: 1, length: 2, step }, [x, start(1)], [out], webgpuForms);
    expect(narrow.got).toEqual(narrow.expected);
    const inputs = [x, operand('float32', [2, 2], [-1, -2, -3, -4]), start(1)];
    const scatter = await both('sliceScatter', { dim: 1, step }, inputs, [{ ...out, shape: [2, 5] }], webgpuForms);
    expect(scatter.got).toEqual(scatter.expected);
  }
});

describe.each([false, true])('with a start that is a constant: %s', (constant) => {
  test.each([
    { dim: 1, length: 3, step: 1, starts: 3 },
    { dim: 1, length: 2, step: 3, starts: 2 },
    { dim: 1, length: 1, step: 2, starts: 5 },
    { dim: 0, length: 2, step: 1, starts: 1 },
  ])('narrow and sliceScatter: %o', async ({ starts, length, ...attrs }) => {
    const shape = x.shape.with(attrs.dim, length);
    const source = operand(
      'float32',
      shape,
      numbersUpTo(shape[0] * shape[1]).map((v) => -v - 1),
    );
    const zeros = operand('float32', [2, 5], new Array<number>(10).fill(0), { constant: true });
    for (let s = 0; s < starts; s++) {
      const at = start(s, constant);
      const narrow = await both('narrow', { ...attrs, length }, [x, at], [{ shape, dtype: 'float32' }]);
      expect(narrow.got).toEqual(narrow.expected);
      for (const base of [x, zeros]) {
        const scatter = await both('sliceScatter', attrs, [base, source, at], [{ shape: x.shape, dtype: 'float32' }]);
        expect(scatter.got).toEqual(scatter.expected);
      }
    }
  });

  test.each([-1, 4, 2 ** 31 - 1, -(2 ** 31)])('a start of %d leaves the axis', async (value) => {
    const source = operand('float32', [2, 2], [1, 2, 3, 4]);
    const zeros = operand('float32', [2, 5], new Array<number>(10).fill(0), { constant: true });
    const at = start(value, constant);
    const short = { shape: [2, 2], dtype: 'float32' } as const;
    const narrow = runOp(ort, 'narrow', { dim: 1, length: 2, step: 1 }, [x, at], [short]);
    await expect(narrow).rejects.toThrow(
      expect.objectContaining({
        name: 'OutOfRangeError',
        message: 'narrow: a start leaves axis 1 of size 5 (2 elements, 1 apart)',
      }),
    );
    for (const base of [x, zeros]) {
      for (const step of [1, 4]) {
        await expect(
          runOp(ort, 'sliceScatter', { dim: 1, step }, [base, source, at], [{ shape: [2, 5], dtype: 'float32' }]),
        ).rejects.toThrow(
          expect.objectContaining({
            name: 'OutOfRangeError',
            message: `sliceScatter: a start leaves axis 1 of size 5 (2 elements, ${step} apart)`,
          }),
        );
      }
    }
  });
});

test('a bool is sliced, and written into a slice', async () => {
  const b = operand('bool', [4], [1, 0, 0, 1]);
  const narrow = await both('narrow', { dim: 0, length: 2, step: 2 }, [b, start(1)], [{ shape: [2], dtype: 'bool' }]);
  expect(narrow.got).toEqual(narrow.expected);
  const scatter = await both(
    'sliceScatter',
    { dim: 0, step: 2 },
    [b, operand('bool', [2], [1, 0]), start(1)],
    [{ shape: [4], dtype: 'bool' }],
  );
  expect(scatter.got).toEqual(scatter.expected);
});

test('a loop over starts compiles once', async () => {
  const cpu = await device(createOnnxruntime({ worker: false }));
  const values = tensor(numbersUpTo(12), { device: cpu });
  await values.neg().narrow(0, 0, 4).data();
  const before = stats().compiles;
  for (let s = 1; s <= 8; s++) {
    expect(await values.neg().narrow(0, s, 4).toArray()).toEqual([-s, -s - 1, -s - 2, -s - 3]);
  }
  expect(stats().compiles).toBe(before);
  await cpu.dispose();
});
