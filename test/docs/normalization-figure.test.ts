/** The picture of docs/normalization.md is what its script draws from what the layers do today. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { figure } from '../../docs/figures/normalization-axes.js';

test('docs/figures/normalization-axes.svg is up to date', async () => {
  const path = new URL('../../docs/figures/normalization-axes.svg', import.meta.url);
  expect(readFileSync(path, 'utf8') === (await figure()), 'run docs/figures/normalization-axes.ts again').toBe(true);
});
