import type { Attrs } from '@fakkel/core';
import { expect, test } from 'vitest';
import { both, numbers, type Operand, operand, programOf } from '../../test/one-op.js';
import { lowerProgram } from './lower.js';

const next = numbers();
const bits = (n: number): number[] => Array.from({ length: n }, () => Math.round(next()));

test.each(['float32', 'int32', 'bool'] as const)(
  'nine axes of %s are moved, flipped, padded and joined',
  async (dtype) => {
    const shape = [1, 2, 1, 2, 1, 2, 1, 2, 3];
    const x = operand(dtype, shape, bits(48));
    const dims = [8, 1, 0, 3, 2, 7, 6, 5, 4];
    const pads = shape.map((_, i) => [i % 2, i % 3 === 0 ? 1 : 0]);
    const cases: { op: string; attrs: Attrs; inputs: Operand[]; shape: number[] }[] = [
      { op: 'permute', attrs: { dims }, inputs: [x], shape: dims.map((d) => shape[d]) },
      { op: 'flip', attrs: { dims: [0, 1, 3, 8] }, inputs: [x], shape },
      {
        op: 'pad',
        attrs: { pads },
        inputs: [x, operand(dtype, [], [1])],
        shape: shape.map((n, i) => n + pads[i][0] + pads[i][1]),
      },
      { op: 'cat', attrs: { dim: 2 }, inputs: [x, x, x], shape: shape.with(2, 3) },
      { op: 'expand', attrs: { shape: [4, ...shape] }, inputs: [x], shape: [4, ...shape] },
    ];
    for (const { op, attrs, inputs, shape } of cases) {
      const { got, expected } = await both(op, attrs, inputs, [{ shape, dtype }]);
      expect(got, op).toEqual(expected);
    }
  },
);

test('a thousand tensors are joined', async () => {
  const inputs = Array.from({ length: 1000 }, (_, i) => operand('float32', [1], [i]));
  const { got, expected } = await both('cat', { dim: 0 }, inputs, [{ shape: [1000], dtype: 'float32' }]);
  expect(got).toEqual(expected);
});

test('axes of size 1 change places without a copy', () => {
  const x = operand('float32', [1, 4, 1, 3], bits(12));
  const program = programOf('permute', { dims: [1, 0, 3, 2] }, [x], [{ shape: [4, 1, 3, 1], dtype: 'float32' }]);
  const { model } = lowerProgram(program, { target: { provider: 'cpu', blockSize: 1 } });
  expect(model.graph.nodes.map((node) => node.opType)).toEqual(['Reshape']);
});
