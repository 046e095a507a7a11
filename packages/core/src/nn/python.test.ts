import { expect, test } from 'vitest';
import { pyFloat, pyTuple } from './python.js';

test.each([
  [1, '1.0'],
  [0, '0.0'],
  [0.1, '0.1'],
  [1e-5, '1e-05'],
  [1.5e-7, '1.5e-07'],
  [0.0001, '0.0001'],
  [-0.01, '-0.01'],
  [1e16, '1e+16'],
  [123456789, '123456789.0'],
  [Infinity, 'inf'],
  [-Infinity, '-inf'],
  [NaN, 'nan'],
])('%d prints as %s', (value, text) => {
  expect(pyFloat(value)).toBe(text);
});

test('tuples', () => {
  expect(pyTuple(3)).toBe('3');
  expect(pyTuple([3])).toBe('(3,)');
  expect(pyTuple([3, null])).toBe('(3, None)');
  expect(pyTuple(null)).toBe('None');
  expect(pyTuple('same')).toBe('same');
});
