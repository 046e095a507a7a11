import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ones, Parameter, tensor, type DType } from '../index.js';
import { formatData, nest } from './print.js';

const goldens = JSON.parse(
  readFileSync(new URL('../../test/goldens/printing.json', import.meta.url), 'utf8'),
) as Record<string, { shape: number[]; dtype: DType; data: (number | boolean | string)[] | null; text: string }>;
/** What the script printed without storing the numbers. */
const large: Record<string, number[]> = {
  'summarized vector': Array.from({ length: 2000 }, (_, i) => i),
  'summarized matrix': Array.from({ length: 2500 }, (_, i) => i),
  'summarized mixed': Array.from({ length: 1200 }, (_, i) => -1 + (2 * i) / 1199),
};

test.each(Object.entries(goldens))('prints as PyTorch: %s', (name, { shape, dtype, data, text }) => {
  const numbers = (data ?? large[name]).map((v) =>
    v === 'nan' ? NaN : v === 'inf' ? Infinity : v === '-inf' ? -Infinity : Number(v),
  );
  const notes =
    (shape.includes(0) && shape.length > 1 ? `, size=(${shape.join(', ')})` : '') +
    (/^(int|float64)/.test(dtype) ? `, dtype=torch.${dtype}` : '');
  expect(`tensor(${formatData({ shape, dtype }, numbers)}${notes})`).toBe(text);
});

test('a computed tensor shows its numbers, another one what is known of it', async () => {
  const x = tensor([1, 2]);
  const y = x.mul(2.5);
  expect(String(y)).toBe('tensor(float32[2] = mul(…), not on the host: read it with await)');
  await y.data();
  expect(String(y)).toBe('tensor([2.5000, 5.0000])');
  expect(String(tensor([[1]], { dtype: 'int32' }))).toBe('tensor([[1]], dtype=int32)');
});

test('gradients are noted', () => {
  const w = new Parameter(ones([2]));
  expect(String(w)).toBe('Parameter containing:\ntensor([1., 1.], requiresGrad=true)');
  expect(String(w.mul(2))).toBe('tensor(float32[2] = mul(…), not on the host: read it with await, gradFn=<mul>)');
});

test('flat data as nested arrays', () => {
  expect(nest([1, 2, 3, 4], [2, 2])).toEqual([
    [1, 2],
    [3, 4],
  ]);
  expect(nest([1, 0], [2], true)).toEqual([true, false]);
  expect(nest([5], [])).toBe(5);
  expect(nest([], [2, 0])).toEqual([[], []]);
});
