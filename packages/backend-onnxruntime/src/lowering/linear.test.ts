import { type Target } from '@fakkel/onnx/lowering';
import { describe, expect, test } from 'vitest';
import { both, numbers, operand, ort, programOf, webgpuForms } from '../../test/one-op.js';
import { lowerProgram } from './lower.js';

const modes = [false, true].flatMap((transA) => [false, true].map((transB) => ({ transA, transB })));

describe.each([[[]], [[3]], [[2, 2, 3]]])('matmul with batch axes %j', (batch) => {
  const operandsOf = ({ transA, transB }: (typeof modes)[number]) => {
    const next = numbers();
    const make = (...shape: number[]) =>
      operand(
        'float32',
        shape,
        Array.from({ length: shape.reduce((n, d) => n * d, 1) }, () => Math.round(next() * 8)),
      );
    return [make(...batch, ...(transA ? [6, 4] : [4, 6])), make(...batch, ...(transB ? [5, 6] : [6, 5]))];
  };
  const out = { shape: [...batch, 4, 5], dtype: 'float32' } as const;

  test.each(modes)('%o', async (attrs) => {
    for (const backend of [ort, webgpuForms]) {
      const { got, expected } = await both('matmul', attrs, operandsOf(attrs), [out], backend);
      expect(got).toEqual(expected);
    }
  });

  test('nothing is transposed in memory', () => {
    for (const provider of ['cpu', 'wasm', 'cuda'] as const) {
      const target: Target = { provider, blockSize: 1 };
      for (const attrs of modes) {
        const { model } = lowerProgram(programOf('matmul', attrs, operandsOf(attrs), [out]), { target });
        expect(model.graph.nodes).toHaveLength(1);
      }
    }
  });
});
