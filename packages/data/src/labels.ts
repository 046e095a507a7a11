/**
 * The classes of samples, for splits and samplers that keep their shares.
 */
import { ShapeError } from '@fakkel/core';
import { ConcatDataset, Subset, type Dataset } from './dataset.js';
import { kindOf } from './options.js';

/** What names a class. */
export type Label = number | string | bigint | boolean;

/** The label of each sample, or a function that gives it. */
export type Labels = ArrayLike<Label> | ((index: number) => Label);

/**
 * The class of each sample as a number from 0 on, in the order in which classes first come.
 *
 * @param labels - Default: the `targets` of the dataset.
 */
export function classNumbers(name: string, dataset: Dataset<unknown>, labels: Labels | undefined): Int32Array {
  const { length } = dataset;
  const known = labels ?? targetsOf(dataset);
  if (known === undefined) {
    throw new TypeError(
      `${name}: the dataset does not say its labels (it has no targets). Pass them: { labels: [0, 1, …] }, one for each ` +
        `sample, or { labels: (index) => … }.`,
    );
  }
  if (typeof known !== 'function' && known.length !== length) {
    throw new ShapeError(`${name}: expected a label for each of the ${length} samples, got ${known.length} labels`);
  }
  return numbered(name, length, typeof known === 'function' ? known : (i) => known[i]);
}

/** Classes of the samples 0 … length − 1 as numbers from 0 on. */
export function numbered(name: string, length: number, labelOf: (index: number) => Label): Int32Array {
  const numbers = new Map<Label, number>();
  const out = new Int32Array(length);
  for (let i = 0; i < length; i++) {
    const label = labelOf(i);
    if (!['number', 'string', 'bigint', 'boolean'].includes(typeof label) || Number.isNaN(label)) {
      throw new TypeError(`${name}: the label of sample ${i} is ${kindOf(label)}. Labels are numbers or strings.`);
    }
    let number = numbers.get(label);
    if (number === undefined) numbers.set(label, (number = numbers.size));
    out[i] = number;
  }
  return out;
}

/** How many samples each class has. */
export function classCounts(classes: Int32Array): number[] {
  const counts: number[] = [];
  for (const c of classes) counts[c] = (counts[c] ?? 0) + 1;
  return counts;
}

/** The labels that a dataset keeps, also those of the datasets that it is made of. */
function targetsOf(dataset: Dataset<unknown>): ArrayLike<Label> | undefined {
  const { targets } = dataset as { targets?: ArrayLike<Label> };
  if (targets !== undefined && targets.length === dataset.length) return targets;
  if (dataset instanceof Subset) {
    const whole = targetsOf((dataset as Subset<unknown>).dataset);
    return whole && Array.from(dataset.indices, (i) => whole[i]);
  }
  if (dataset instanceof ConcatDataset) {
    const parts = (dataset as ConcatDataset<unknown>).datasets.map(targetsOf);
    return parts.includes(undefined) ? undefined : parts.flatMap((part) => Array.from(part!));
  }
  return undefined;
}
