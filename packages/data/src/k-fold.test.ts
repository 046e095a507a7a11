import { Generator } from '@fakkel/core';
import { describe, expect, test } from 'vitest';
import { digits, kFold, stratifiedKFold, type Fold } from './index.js';

const range = (length: number) => ({ length, get: (i: number) => i });
const indices = (folds: Fold<unknown>[]) =>
  folds.map(({ train, validation }) => [[...(train.indices as Int32Array)], [...(validation.indices as Int32Array)]]);

describe('kFold', () => {
  test('without shuffling gives scikit-learn’s KFold(3).split(range(8))', () => {
    expect(indices(kFold(range(8), 3, { shuffle: false }))).toEqual([
      [[3, 4, 5, 6, 7], [0, 1, 2]],
      [[0, 1, 2, 6, 7], [3, 4, 5]],
      [[0, 1, 2, 3, 4, 5], [6, 7]],
    ]); // prettier-ignore
  });

  test.each([2, 5, 7, 10])('%i folds validate with each sample once and train on the others', (k) => {
    const folds = indices(kFold(digits(), k, { generator: new Generator(0) }));
    expect(folds.flatMap(([, validation]) => validation).sort((a, b) => a - b)).toEqual([...Array(1797).keys()]);
    for (const [train, validation] of folds) {
      expect(Math.abs(validation.length - 1797 / k)).toBeLessThan(1);
      expect(new Set([...train, ...validation]).size).toBe(1797);
      expect(train.length + validation.length).toBe(1797);
    }
  });

  test('shuffles from the generator', () => {
    const folds = (seed: number) => indices(kFold(range(20), 4, { generator: new Generator(seed) }));
    expect(folds(3)).toEqual(folds(3));
    expect(folds(3)).not.toEqual(folds(4));
    const [first] = folds(3);
    expect(first[1].toSorted((a, b) => a - b)).toEqual(first[1]);
    expect(first[1]).toEqual([...new Generator(3).randperm(20).slice(0, 5)].sort((a, b) => a - b));
  });
});

describe('stratifiedKFold', () => {
  test.each([true, false])('has each class in its share in each fold, shuffled %s', (shuffle) => {
    const { targets } = digits();
    const folds = indices(stratifiedKFold(digits(), 7, { shuffle, generator: new Generator(1) }));
    expect(folds.flatMap(([, validation]) => validation).sort((a, b) => a - b)).toEqual([...Array(1797).keys()]);
    for (const [train, validation] of folds) {
      expect(train.length + validation.length).toBe(1797);
      for (let digit = 0; digit < 10; digit++) {
        const all = targets.filter((t) => t === digit).length;
        const here = validation.filter((i) => targets[i] === digit).length;
        expect(Math.abs(here - (all * validation.length) / 1797)).toBeLessThan(1);
      }
    }
  });

  test('leaves no class out of the training data of a dataset that is sorted by class', () => {
    const labels = [0, 0, 0, 1, 1, 1, 2, 2, 2];
    for (const [train] of indices(stratifiedKFold(range(9), 3, { labels }))) {
      expect(new Set(train.map((i) => labels[i])).size).toBe(3);
    }
    const unshuffled = indices(kFold(range(9), 3, { shuffle: false }));
    expect(new Set(unshuffled[0][0].map((i) => labels[i]))).toEqual(new Set([1, 2]));
  });
});

test('errors', () => {
  expect(() => kFold(range(8), 1)).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: kFold: k: expected a whole number from 2 to 8, the number of samples, got 1]`,
  );
  expect(() => kFold(range(8), 9)).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: kFold: k: expected a whole number from 2 to 8, the number of samples, got 9]`,
  );
  expect(() => kFold(range(8), 2, { nSplits: 3 } as any)).toThrowErrorMatchingInlineSnapshot(
    `[FakkelError: kFold: unknown option 'nSplits'. There are: shuffle, generator.]`,
  );
  expect(() => stratifiedKFold(range(8), 2)).toThrow('stratifiedKFold: the dataset does not say its labels');
});
