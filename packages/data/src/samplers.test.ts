import { Generator, manualSeed } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import goldens from '../test/goldens/data/samplers.json' with { type: 'json' };
import {
  balancedWeights,
  BatchSampler,
  ClassBalancedSampler,
  DataLoader,
  digits,
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

describe('balanced classes', () => {
  const labels = [...new Array<string>(90).fill('a'), ...new Array<string>(9).fill('b'), 'c'];
  const count = (indices: Iterable<number>) => {
    const counts = { a: 0, b: 0, c: 0 };
    for (const i of indices) counts[labels[i] as 'a']++;
    return Object.values(counts);
  };

  test('balancedWeights are 1 / the size of the class: each class has the same weight', () => {
    expect([...balancedWeights([3, 3, 1, 3])]).toEqual([1 / 3, 1 / 3, 1, 1 / 3]);
    const drawn = count(new WeightedRandomSampler(balancedWeights(labels), 3000, { generator: new Generator(0) }));
    // Each of three classes: mean 1000, standard deviation √(3000 · 1/3 · 2/3) = 26.
    for (const n of drawn) expect(Math.abs(n - 1000)).toBeLessThan(4 * 26);
  });

  test('ClassBalancedSampler gives each class equally often, to within one, in every stretch of rounds', () => {
    const sampler = new ClassBalancedSampler(labels, { generator: new Generator(0) });
    const indices = [...sampler];
    expect([indices.length, sampler.length]).toEqual([100, 100]);
    expect(count(indices).toSorted()).toEqual([33, 33, 34]);
    for (let i = 0; i < 99; i += 3) expect(count(indices.slice(i, i + 3))).toEqual([1, 1, 1]);
  });

  test('the samples of a class come once each before any comes again', () => {
    const indices = [...new ClassBalancedSampler(labels, { numSamples: 270, generator: new Generator(1) })];
    const a = indices.filter((i) => labels[i] === 'a');
    expect(new Set(a).size).toBe(90);
    const b = indices.filter((i) => labels[i] === 'b');
    for (let i = 0; i < 90; i += 9) expect(new Set(b.slice(i, i + 9)).size).toBe(9);
  });

  test('another order each epoch; the same from the same seed', () => {
    const draw = () => {
      manualSeed(5);
      const sampler = new ClassBalancedSampler(labels);
      return [[...sampler], [...sampler]];
    };
    const [first, second] = draw();
    expect(draw()).toEqual([first, second]);
    expect(first).not.toEqual(second);
  });

  test('in a loader', async () => {
    const { targets } = digits();
    const few = Array.from(targets, (t, i) => (t === 0 || i % 20 === 0 ? i : -1)).filter((i) => i >= 0);
    const sampler = new ClassBalancedSampler(
      few.map((i) => targets[i]),
      { numSamples: 200 },
    );
    const dataset = { length: few.length, get: (i: number) => targets[few[i]] };
    const counts = new Array<number>(10).fill(0);
    for await (const batch of new DataLoader(dataset, { batchSize: 20, sampler })) {
      for (const label of (await batch.toArray()) as number[]) counts[label]++;
    }
    expect(counts).toEqual(new Array(10).fill(20));
  });

  test('errors', () => {
    expect(() => new ClassBalancedSampler([])).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: ClassBalancedSampler: there are no labels]`,
    );
    expect(() => new ClassBalancedSampler([1], { numSamples: 0 })).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: ClassBalancedSampler: numSamples: expected a whole number from 1 up, got 0]`,
    );
    expect(() => new ClassBalancedSampler([1], 5 as any)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: ClassBalancedSampler: options come in an object, got number 5. Write new ClassBalancedSampler(labels, { numSamples: 5 }).]`,
    );
    expect(() => balancedWeights([1, undefined] as any)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: balancedWeights: the label of sample 1 is undefined. Labels are numbers or strings.]`,
    );
  });
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
