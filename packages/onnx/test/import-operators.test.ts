/** ONNX's own cases for its operators: `tools/goldens/onnx_import.py`. */
import { readdirSync, readFileSync } from 'node:fs';
import { isTensor, type Tensor } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import { importOnnx } from '../src/index.js';
import { expectClose, type GoldenArray, goldenTensor, goldenValues } from './import-helpers.js';

interface Case {
  name: string;
  operator: string;
  rtol: number;
  atol: number;
  model: string;
  inputs: GoldenArray[];
  outputs: GoldenArray[];
}

const folder = new URL('./goldens/import/', import.meta.url);
const cases = readdirSync(folder)
  .filter((file) => file.startsWith('operators-'))
  .flatMap((file) => JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as Case[]);

describe.each([...new Set(cases.map(({ operator }) => operator))].sort())('%s', (operator) => {
  test.each(cases.filter((one) => one.operator === operator))(
    '$name',
    async ({ model, inputs, outputs, rtol, atol }) => {
      const module = importOnnx<Tensor | Tensor[]>(new Uint8Array(Buffer.from(model, 'base64')));
      const result = module(...inputs.map(goldenTensor));
      const results = isTensor(result) ? [result] : result;
      expect(results.map(({ shape }) => [...shape])).toEqual(outputs.map(({ shape }) => shape));
      for (const [i, output] of outputs.entries()) {
        expectClose(await results[i].data(), goldenValues(output), { rtol, atol });
      }
    },
  );
});

test('every operator of the cases is there', () => {
  expect(cases.length).toBeGreaterThan(300);
});
