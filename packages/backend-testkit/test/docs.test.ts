/**
 * The page on writing a backend shows the toy backend as it is.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

test('docs/writing-a-backend.md shows the toy backend', () => {
  expect(read('../../../docs/writing-a-backend.md')).toContain(read('./toy-backend.ts'));
});

test('the toy backend has fewer than 150 lines', () => {
  expect(read('./toy-backend.ts').trimEnd().split('\n').length).toBeLessThan(150);
});
