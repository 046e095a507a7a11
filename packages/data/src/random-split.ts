/**
 * Splitting a dataset at random.
 *
 * Source: PyTorch 1.13, `torch/utils/data/dataset.py` (`random_split`).
 */
import { defaultGenerator, OutOfRangeError, type Generator } from '@fakkel/core';
import { checkDataset, Subset, type Dataset } from './dataset.js';

/**
 * Splits a dataset into parts that do not overlap: the same samples as `torch.utils.data.random_split` with the same
 * generator.
 *
 * When to use: to hold out data; the lecture's shares are 80 % to train on, 10 % to choose hyperparameters with, and
 * 10 % to test with, once ({@link holdOut}). Where a class is rare, {@link stratifiedSplit}.
 *
 * Fractions (a sum of 1) give floor(fraction · length) samples each; those left over go one by one to the parts, from
 * the first on.
 *
 * @param dataset - What to split.
 * @param lengths - Number of samples of each part, or fractions that add up to 1.
 * @param generator - Where the permutation is drawn from. Default: the default generator.
 * @throws OutOfRangeError if the lengths do not add up to that of the dataset.
 * @example
 * const [train, validation, test] = randomSplit(digits(), [0.8, 0.1, 0.1], new Generator(0));
 * [train.length, validation.length, test.length]; // [1438, 180, 179]
 */
export function randomSplit<T, const L extends readonly number[]>(
  dataset: Dataset<T>,
  lengths: L,
  generator: Generator = defaultGenerator,
): { -readonly [K in keyof L]: Subset<T> } {
  checkDataset('randomSplit', dataset);
  const sizes = splitSizes('randomSplit', lengths, dataset.length);
  const order = generator.randperm(dataset.length);
  let end = 0;
  return sizes.map((size) => new Subset(dataset, order.slice(end, (end += size)))) as {
    -readonly [K in keyof L]: Subset<T>;
  };
}

/** Samples of each part: as given, or of the given fractions. */
export function splitSizes(name: string, lengths: readonly number[], total: number): number[] {
  const sum = lengths.reduce((a, b) => a + b, 0);
  const list = `[${lengths.join(', ')}]`;
  if (total === 0) throw new OutOfRangeError(`${name}: the dataset is empty`);
  for (const n of lengths) {
    if (!(n >= 0)) throw new OutOfRangeError(`${name}: expected lengths or fractions from 0 up, got ${list}`);
  }
  if (Math.abs(sum - 1) <= 1e-9) {
    const sizes = lengths.map((fraction) => Math.floor(total * fraction));
    const left = total - sizes.reduce((a, b) => a + b, 0);
    for (let i = 0; i < left; i++) sizes[i % sizes.length]++;
    return sizes;
  }
  if (!lengths.every(Number.isInteger)) {
    throw new OutOfRangeError(`${name}: expected fractions that add up to 1, got ${list}, which adds up to ${sum}`);
  }
  if (sum !== total) {
    throw new OutOfRangeError(
      `${name}: the lengths ${list} add up to ${sum}, the dataset has ${total} samples. Fractions such as ` +
        `[0.8, 0.1, 0.1] fit any dataset.`,
    );
  }
  return [...lengths];
}
