/**
 * Cross-validation: k splits of a dataset, each sample in the validation part of exactly one.
 *
 * Source: scikit-learn's `KFold` and `StratifiedKFold`, whose fold sizes these are.
 */
import { defaultGenerator, OutOfRangeError, type Generator } from '@fakkel/core';
import { checkDataset, Subset, type Dataset } from './dataset.js';
import { classNumbers, type Labels } from './labels.js';
import { checkOptions } from './options.js';
import { stratify } from './stratified-split.js';

export interface KFoldOptions {
  /**
   * Deal out the samples at random. Default true; false takes them as they come, which in a dataset that is sorted by
   * class leaves classes out of the training data.
   */
  shuffle?: boolean;
  /** Where the permutation is drawn from. Default: the default generator. */
  generator?: Generator | undefined;
}

export interface StratifiedKFoldOptions extends KFoldOptions {
  /** The label of each sample, or a function of its index. Default: the dataset's `targets`. */
  labels?: Labels;
}

/** One split of a cross-validation. */
export interface Fold<T> {
  readonly train: Subset<T>;
  readonly validation: Subset<T>;
}

/**
 * The k splits of a cross-validation: fold i validates with the i-th of k parts, and trains on the others.
 *
 * When to use: where data are so few that 10 % for validation say little. Train k networks, average their validation
 * accuracies, choose hyperparameters by that. Hold the test set out before: it belongs into no fold.
 *
 * @param dataset - What to split.
 * @param k - Number of folds, from 2 up. The first N mod k have one sample more.
 * @param options - `shuffle`, `generator`.
 * @throws OutOfRangeError if k is no whole number from 2 to the number of samples.
 * @example
 * for (const { train, validation } of kFold(digits(), 5, { generator: new Generator(0) })) {
 *   console.log(train.length, validation.length); // 1437 360, twice, then 1438 359
 * }
 */
export function kFold<T>(dataset: Dataset<T>, k: number, options: KFoldOptions = {}): Fold<T>[] {
  checkOptions('kFold', options, ['shuffle', 'generator'], 'kFold(dataset, k, …)');
  const sizes = foldSizes('kFold', dataset, k);
  const order = orderOf(dataset.length, options);
  let end = 0;
  return folds(
    dataset,
    sizes.map((size) => order.slice(end, (end += size))),
  );
}

/**
 * As {@link kFold}, with each class in its share in every fold, rounded up or down.
 *
 * @param dataset - What to split.
 * @param k - Number of folds, from 2 up.
 * @param options - `labels`, `shuffle`, `generator`.
 * @throws OutOfRangeError if k is no whole number from 2 to the number of samples; TypeError without labels.
 */
export function stratifiedKFold<T>(dataset: Dataset<T>, k: number, options: StratifiedKFoldOptions = {}): Fold<T>[] {
  checkOptions('stratifiedKFold', options, ['labels', 'shuffle', 'generator'], 'stratifiedKFold(dataset, k, …)');
  const sizes = foldSizes('stratifiedKFold', dataset, k);
  const classes = classNumbers('stratifiedKFold', dataset, options.labels);
  return folds(dataset, stratify(classes, sizes, orderOf(dataset.length, options)));
}

function foldSizes(name: string, dataset: Dataset<unknown>, k: number): number[] {
  checkDataset(name, dataset);
  const { length } = dataset;
  if (!Number.isInteger(k) || k < 2 || k > length) {
    throw new OutOfRangeError(
      `${name}: k: expected a whole number from 2 to ${length}, the number of samples, got ${k}`,
    );
  }
  return Array.from({ length: k }, (_, i) => Math.floor(length / k) + Number(i < length % k));
}

function orderOf(length: number, { shuffle = true, generator = defaultGenerator }: KFoldOptions): Int32Array {
  return shuffle ? generator.randperm(length) : Int32Array.from({ length }, (_, i) => i);
}

/** Indices in order: a loader shuffles. */
function folds<T>(dataset: Dataset<T>, parts: readonly Int32Array[]): Fold<T>[] {
  return parts.map((part, i) => {
    const train = Int32Array.from(parts.filter((_, j) => j !== i).flatMap((other) => [...other]));
    return { train: new Subset(dataset, train.sort()), validation: new Subset(dataset, part.slice().sort()) };
  });
}
