import { Generator, manualSeed } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import goldens from '../test/goldens/data/samplers.json' with { type: 'json' };
import {
  BatchSampler,
  RandomSampler,
  SequentialSampler,
  SubsetRandomSampler,
  WeightedRandomSampler,
  type Sampler,
} from './index.js';

interface Case {
  kind: string;
  n?: number;
  indices?: number[];
  weights?: number[];
  numSamples?: number | null;
  replacement?: boolean;
  seed: number | null;
  epochs: number[][];
  next: number;
  own: number;
}

describe('samplers give the indices of PyTorch, epoch after epoch', () => {
  test.each(goldens as Case[])('$kind of $n, replacement $replacement, $numSamples, seed $seed', (c) => {
    const defaultGenerator = manualSeed(3);
    const generator = c.seed === null ? undefined : new Generator(c.seed);
    const sampler = make(c, generator);
    expect(sampler.length).toBe(c.epochs[0].length);
    expect([...sampler]).toEqual(c.epochs[0]);
    expect([...sampler]).toEqual(c.epochs[1]);
    expect([...sampler]).toEqual(c.epochs[2]);
    expect(probe(defaultGenerator)).toBe(c.next);
    expect(probe(generator ?? defaultGenerator)).toBe(c.own);
  });
});

function make(c: Case, generator: Generator | undefined): Sampler {
  const { replacement } = c;
  switch (c.kind) {
    case 'random':
      return new RandomSampler(
        { length: c.n! },
        {
          replacement: replacement!,
          ...(c.numSamples !== null && { numSamples: c.numSamples! }),
          generator,
        },
      );
    case 'subset':
      return new SubsetRandomSampler(c.indices!, generator);
    default:
      return new WeightedRandomSampler(c.weights!, c.numSamples!, { replacement: replacement!, generator });
  }
}

test('BatchSampler cuts any iterable', () => {
  const five = new SequentialSampler({ length: 5 });
  expect([...new BatchSampler(five, 2, false)]).toEqual([[0, 1], [2, 3], [4]]);
  expect([...new BatchSampler(five, 2, true)]).toEqual([
    [0, 1],
    [2, 3],
  ]);
  expect([new BatchSampler(five, 2, false).length, new BatchSampler(five, 2, true).length]).toEqual([3, 2]);
  expect([...new BatchSampler(new Set([5, 3]), 2, false)]).toEqual([[5, 3]]);
  expect(() => new BatchSampler(new Set([5]), 2, false).length).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: BatchSampler.length: the sampler does not say its length; give it a \`length\` property]`,
  );
});

test('errors', () => {
  expect(() => new RandomSampler([])).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: RandomSampler: the dataset is empty]`,
  );
  expect(() => new RandomSampler([1], { numSamples: 0 })).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: RandomSampler: numSamples: expected a whole number from 1 up, got 0]`,
  );
  expect(() => new BatchSampler([1], 1.5, false)).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: BatchSampler: batchSize: expected a whole number from 1 up, got 1.5]`,
  );
  expect(() => [...new WeightedRandomSampler([1, -1], 1)]).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: multinomial: expected finite weights ≥ 0, got -1 at index 1]`,
  );
});

function probe(generator: Generator): number {
  const out = new Int32Array(1);
  generator.randint(out, 0, 2 ** 31 - 1);
  return out[0];
}
