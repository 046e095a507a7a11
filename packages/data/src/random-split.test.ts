import { Generator, manualSeed } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import goldens from '../test/goldens/data/random-split.json' with { type: 'json' };
import { digits, randomSplit } from './index.js';

const range = (length: number) => ({ length, get: (i: number) => i });

describe('randomSplit gives the samples of torch.utils.data.random_split', () => {
  test.each(goldens)('$n samples into $lengths, seed $seed', ({ n, lengths, seed, sizes, heads, next }) => {
    const defaultGenerator = manualSeed(0);
    const parts = randomSplit(range(n), lengths, ...(seed === null ? [] : [new Generator(seed)]));
    expect(parts.map((p) => p.length)).toEqual(sizes);
    expect(parts.map((p) => [...(p.indices as Int32Array)].slice(0, 40))).toEqual(heads);
    expect(parts[0].get(0)).toBe(heads[0][0]);
    expect(probe(defaultGenerator)).toBe(next);
  });
});

test('every sample is in one part', () => {
  const [a, b, c] = randomSplit(digits(), [0.8, 0.1, 0.1], new Generator(0));
  const all = [a, b, c].flatMap((part) => [...(part.indices as Int32Array)]);
  expect(new Set(all).size).toBe(1797);
});

test('errors', () => {
  expect(() => randomSplit(range(10), [3, 6])).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: randomSplit: the lengths [3, 6] add up to 9, the dataset has 10 samples. Fractions such as [0.8, 0.1, 0.1] fit any dataset.]`,
  );
  expect(() => randomSplit(range(10), [0.8, 0.1])).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: randomSplit: expected fractions that add up to 1, got [0.8, 0.1], which adds up to 0.9]`,
  );
  expect(() => randomSplit(range(10), [1.5, -0.5])).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: randomSplit: expected lengths or fractions from 0 up, got [1.5, -0.5]]`,
  );
  expect(() => randomSplit(range(0), [0.5, 0.5])).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: randomSplit: the dataset is empty]`,
  );
});

function probe(generator: Generator): number {
  const out = new Int32Array(1);
  generator.randint(out, 0, 2 ** 31 - 1);
  return out[0];
}
