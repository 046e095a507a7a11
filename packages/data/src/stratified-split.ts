/**
 * Splitting a dataset so that every part has the classes in the same shares.
 */
import { defaultGenerator, type Generator } from '@fakkel/core';
import { checkDataset, Subset, type Dataset } from './dataset.js';
import { classCounts, classNumbers, type Labels } from './labels.js';
import { checkOptions } from './options.js';
import { splitSizes } from './random-split.js';

export interface StratifiedSplitOptions {
  /** The label of each sample, or a function of its index. Default: the dataset's `targets`. */
  labels?: Labels;
  /** Where the permutation is drawn from. Default: the default generator. */
  generator?: Generator | undefined;
}

/**
 * Splits a dataset at random into parts that do not overlap and have each class in its share: of the nᶜ samples of a
 * class a part of size s gets s · nᶜ / N, rounded up or down, and sizes are exactly those of {@link randomSplit}.
 *
 * When to use: instead of `randomSplit` where a class is rare. The lecture's shares are 80 % to train on, 10 % to choose
 * hyperparameters with, and 10 % to test with; with 30 samples of a class, chance alone may leave none for a part. Samples
 * that belong together (frames of one film, slices of one patient) must not be torn apart: split their groups instead.
 *
 * @param dataset - What to split.
 * @param lengths - Number of samples of each part, or fractions that add up to 1.
 * @param options - `labels`, `generator`.
 * @throws OutOfRangeError if the lengths do not add up to that of the dataset; TypeError without labels.
 * @example
 * const [train, validation, test] = stratifiedSplit(digits(), [0.8, 0.1, 0.1], { generator: new Generator(0) });
 * [train.length, validation.length, test.length]; // [1438, 180, 179], with 17 to 19 of each digit in the last two
 */
export function stratifiedSplit<T, const L extends readonly number[]>(
  dataset: Dataset<T>,
  lengths: L,
  options: StratifiedSplitOptions = {},
): { -readonly [K in keyof L]: Subset<T> } {
  checkDataset('stratifiedSplit', dataset);
  checkOptions('stratifiedSplit', options, ['labels', 'generator'], 'stratifiedSplit(dataset, lengths, …)');
  const sizes = splitSizes('stratifiedSplit', lengths, dataset.length);
  const classes = classNumbers('stratifiedSplit', dataset, options.labels);
  const order = (options.generator ?? defaultGenerator).randperm(dataset.length);
  return stratify(classes, sizes, order).map((indices) => new Subset(dataset, indices)) as {
    -readonly [K in keyof L]: Subset<T>;
  };
}

/** Deals out the samples, in the given order: each class to the first part until that has its share, then to the next. */
export function stratify(classes: Int32Array, sizes: readonly number[], order: Int32Array): Int32Array[] {
  const shares = roundedShares(classCounts(classes), sizes);
  const parts = sizes.map((size) => new Int32Array(size));
  const filled = sizes.map(() => 0);
  const current = shares.map(() => 0);
  for (const index of order) {
    const c = classes[index];
    while (shares[c][current[c]] === 0) current[c]++;
    const part = current[c];
    shares[c][part]--;
    parts[part][filled[part]++] = index;
  }
  return parts;
}

/**
 * Of `counts[c]` samples for parts of `sizes[p]`: the share counts[c] · sizes[p] / N, rounded up or down so that the sums
 * are kept, over classes and over parts. Such a rounding always exists (it is a flow whose bounds are whole numbers).
 */
export function roundedShares(counts: readonly number[], sizes: readonly number[]): number[][] {
  const total = counts.reduce((a, b) => a + b, 0);
  const remainders = counts.map((count) => sizes.map((size) => (count * size) % total));
  const down = counts.map((count, c) => sizes.map((size, p) => (count * size - remainders[c][p]) / total));
  // What rounding down leaves over: of each class, and to each part.
  const ofClass = counts.map((count, c) => count - down[c].reduce((a, b) => a + b, 0));
  const toPart = sizes.map((size, p) => size - down.reduce((sum, row) => sum + row[p], 0));
  const isUp = counts.map(() => sizes.map(() => false));

  // Up where the remainder is largest, while both lack one.
  const pairs = remainders.flatMap((row, c) => row.map((remainder, p) => ({ c, p, remainder })));
  for (const { c, p, remainder } of pairs.sort((a, b) => b.remainder - a.remainder)) {
    if (remainder === 0 || ofClass[c] === 0 || toPart[p] === 0) continue;
    isUp[c][p] = true;
    ofClass[c]--;
    toPart[p]--;
  }
  // What is left needs exchanges: a class is rounded up in a part where another one gives way, which is rounded up
  // elsewhere, and so on to a part that lacks one.
  for (let c = 0; c < counts.length; c++) {
    for (; ofClass[c] > 0; ofClass[c]--) toPart[exchange(c, isUp, remainders, toPart)]--;
  }
  return down.map((row, c) => row.map((share, p) => share + Number(isUp[c][p])));
}

/** Rounds `start` up in one more part, along the shortest path of exchanges; returns the part at which it ends. */
function exchange(
  start: number,
  isUp: readonly boolean[][],
  remainders: readonly (readonly number[])[],
  toPart: readonly number[],
): number {
  const upAt = new Map<number, number>(); // part → the class that would be rounded up there
  const downAt = new Map<number, number>(); // class → the part where it would give way
  for (const queue = [start]; ;) {
    const c = queue.shift()!;
    for (let p = 0; p < toPart.length; p++) {
      if (isUp[c][p] || remainders[c][p] === 0 || upAt.has(p)) continue;
      upAt.set(p, c);
      if (toPart[p] > 0) {
        for (let at: number | undefined = p; at !== undefined;) {
          const up: number = upAt.get(at)!;
          isUp[up][at] = true;
          at = downAt.get(up);
          if (at !== undefined) isUp[up][at] = false;
        }
        return p;
      }
      for (let other = 0; other < isUp.length; other++) {
        if (!isUp[other][p] || other === start || downAt.has(other)) continue;
        downAt.set(other, p);
        queue.push(other);
      }
    }
  }
}
