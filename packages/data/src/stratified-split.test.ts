import { Generator, manualSeed } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import { ConcatDataset, digits, MapDataset, randomSplit, stratifiedSplit, Subset } from './index.js';
import { roundedShares } from './stratified-split.js';

const range = (length: number) => ({ length, get: (i: number) => i });
const indicesOf = (part: Subset<unknown>) => [...(part.indices as Int32Array)];

describe('each part has each class in its share, rounded up or down, and its exact size', () => {
  const check = (counts: number[], sizes: number[]) => {
    const shares = roundedShares(counts, sizes);
    const total = counts.reduce((a, b) => a + b, 0);
    expect(shares.map((row) => row.reduce((a, b) => a + b, 0))).toEqual(counts);
    expect(sizes.map((_, p) => shares.reduce((sum, row) => sum + row[p], 0))).toEqual(sizes);
    shares.forEach((row, c) =>
      row.forEach((share, p) => expect(Math.abs(share - (counts[c] * sizes[p]) / total)).toBeLessThan(1)),
    );
  };

  test('for 500 random sets of classes and parts', () => {
    const generator = new Generator(0);
    const draw = (n: number, high: number) => {
      const out = new Int32Array(n);
      generator.randint(out, 0, high);
      return [...out];
    };
    for (let i = 0; i < 500; i++) {
      const [classes, parts, high] = [1 + draw(1, 12)[0], 1 + draw(1, 7)[0], 1 + draw(1, 40)[0]];
      const counts = draw(classes, high).map((n) => n + 1);
      const total = counts.reduce((a, b) => a + b, 0);
      // Cut at random places: parts of any size, also none.
      const cuts = [0, ...draw(parts - 1, total + 1).sort((a, b) => a - b), total];
      check(
        counts,
        cuts.slice(1).map((cut, k) => cut - cuts[k]),
      );
    }
  });

  test('where rounding the largest remainders up first leads nowhere, and parts must exchange', () => {
    check([1, 1, 1], [1, 1, 1]);
    check([2, 2, 2, 1], [3, 3, 1]);
    check([5, 5, 5], [7, 7, 1]);
    check([1, 3, 2, 1, 1], [2, 4, 2]);
  });

  test('for a thousand classes', () => {
    const counts = Array.from({ length: 1000 }, (_, c) => 1 + ((c * 7919) % 13));
    const total = counts.reduce((a, b) => a + b, 0);
    check(counts, [
      Math.floor(0.8 * total),
      Math.floor(0.1 * total),
      total - Math.floor(0.8 * total) - Math.floor(0.1 * total),
    ]);
  });
});

describe('stratifiedSplit', () => {
  test('of the digits: sizes as randomSplit, all samples once, shares within one sample', () => {
    const parts = stratifiedSplit(digits(), [0.8, 0.1, 0.1], { generator: new Generator(0) });
    expect(parts.map((p) => p.length)).toEqual(randomSplit(digits(), [0.8, 0.1, 0.1]).map((p) => p.length));
    expect(new Set(parts.flatMap(indicesOf)).size).toBe(1797);
    const { targets } = digits();
    for (let digit = 0; digit < 10; digit++) {
      const count = (indices: Iterable<number>) => [...indices].filter((i) => targets[i] === digit).length;
      for (const part of parts) {
        expect(Math.abs(count(indicesOf(part)) - (count(targets.keys()) * part.length) / 1797)).toBeLessThan(1);
      }
    }
  });

  test('keeps the share of a class of thirty in 1797, which chance does not', () => {
    const labels = Array.from({ length: 1797 }, (_, i) => (i % 60 === 0 ? 'rare' : 'common'));
    const rare = (part: Subset<unknown>) => indicesOf(part).filter((i) => labels[i] === 'rare').length;
    for (let seed = 0; seed < 20; seed++) {
      const counts = stratifiedSplit(range(1797), [0.8, 0.1, 0.1], { labels, generator: new Generator(seed) }).map(
        rare,
      );
      expect(counts).toEqual([24, 3, 3]);
    }
    const byChance = Array.from({ length: 20 }, (_, seed) =>
      rare(randomSplit(range(1797), [0.8, 0.1, 0.1], new Generator(seed))[2]),
    );
    expect(Math.min(...byChance)).toBeLessThan(2);
  });

  test('is random, and the same again from the same seed', () => {
    const split = (seed: number) =>
      stratifiedSplit(digits(), [1000, 797], { generator: new Generator(seed) }).map(indicesOf);
    expect(split(1)).toEqual(split(1));
    expect(split(1)).not.toEqual(split(2));
    manualSeed(1);
    expect(stratifiedSplit(digits(), [1000, 797]).map(indicesOf)).toEqual(split(1));
  });

  test('takes labels as an array, as a function, or from the datasets below', () => {
    const labels = [0, 1, 0, 1, 0, 1, 0, 1];
    const classesOf = (parts: Subset<unknown>[]) =>
      parts.map((part) =>
        indicesOf(part)
          .map((i) => i % 2)
          .sort(),
      );
    const expected = [[0, 0, 1, 1], [0, 0, 1, 1]]; // prettier-ignore
    expect(classesOf(stratifiedSplit(range(8), [0.5, 0.5], { labels }))).toEqual(expected);
    expect(classesOf(stratifiedSplit(range(8), [0.5, 0.5], { labels: (i) => `class ${i % 2}` }))).toEqual(expected);
    const withTargets = { ...range(8), targets: labels };
    expect(classesOf(stratifiedSplit(withTargets, [0.5, 0.5]))).toEqual(expected);
    expect(classesOf(stratifiedSplit(new Subset(withTargets, [0, 1, 2, 3]), [0.5, 0.5]))).toEqual([[0, 1], [0, 1]]); // prettier-ignore
    const joined = new ConcatDataset([withTargets, new Subset(withTargets, [1, 3, 5, 7])]);
    const [a, b] = stratifiedSplit(joined, [0.5, 0.5]);
    const zeros = (part: Subset<unknown>) => indicesOf(part).filter((i) => i < 8 && i % 2 === 0).length;
    expect([zeros(a), zeros(b)]).toEqual([2, 2]);
  });

  test('errors', () => {
    expect(() => stratifiedSplit(range(8), [0.5, 0.5])).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: stratifiedSplit: the dataset does not say its labels (it has no targets). Pass them: { labels: [0, 1, …] }, one for each sample, or { labels: (index) => … }.]`,
    );
    expect(() => stratifiedSplit(new MapDataset(digits(), String), [0.5, 0.5])).toThrow(TypeError);
    expect(() => stratifiedSplit(range(8), [0.5, 0.5], { labels: [1, 2] })).toThrowErrorMatchingInlineSnapshot(
      `[ShapeError: stratifiedSplit: expected a label for each of the 8 samples, got 2 labels]`,
    );
    expect(() => stratifiedSplit(range(8), [0.5, 0.5], { labels: () => NaN })).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: stratifiedSplit: the label of sample 0 is number NaN. Labels are numbers or strings.]`,
    );
    expect(() => stratifiedSplit(range(8), [5, 5], { labels: () => 1 })).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: stratifiedSplit: the lengths [5, 5] add up to 10, the dataset has 8 samples. Fractions such as [0.8, 0.1, 0.1] fit any dataset.]`,
    );
    expect(() => stratifiedSplit(range(8), [4, 4], [1, 2] as any)).toThrowErrorMatchingInlineSnapshot(
      `[TypeError: stratifiedSplit: options come in an object, got an array. Write stratifiedSplit(dataset, lengths, { labels: … }).]`,
    );
    expect(() => stratifiedSplit(range(0), [0.5, 0.5], { labels: [] })).toThrowErrorMatchingInlineSnapshot(
      `[OutOfRangeError: stratifiedSplit: the dataset is empty]`,
    );
  });
});
