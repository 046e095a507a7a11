/**
 * StackableDatasets side by side.
 *
 * Source: PyTorch 2.1, `torch/utils/data/dataset.py` (`StackDataset`).
 */
import { ShapeError } from '@fakkel/core';
import { checkDataset, Dataset, type SampleContext } from './dataset.js';
import { checkIndex } from './host-array.js';
import type { Recipe } from './portable.js';

/** What a {@link StackDataset} is made of: a tuple of datasets, or an object of them. */
export type StackableDatasets = readonly Dataset<unknown>[] | Readonly<Record<string, Dataset<unknown>>>;

/** A sample of each of the datasets, in their places. */
export type Stacked<D extends StackableDatasets> = {
  -readonly [K in keyof D]: D[K] extends Dataset<infer T> ? T : never;
};

/**
 * StackableDatasets side by side: sample i holds sample i of each, `torch.utils.data.StackDataset`.
 *
 * When to use: parts of samples that lie in different places, such as images and masks.
 *
 * @param datasets - A tuple of datasets, which gives tuples, or an object of them, which gives objects. All of one length.
 * @throws ShapeError if their lengths differ, or there is none.
 * @example
 * const ages = new TensorDataset(new Float32Array(1797)); // of the writers, made up
 * const pairs = new StackDataset({ digit: digits(), age: ages });
 * const { digit, age } = await pairs.get(0); // [float32[1,8,8], 0] and [float32[]]
 */
export class StackDataset<const D extends StackableDatasets> extends Dataset<Stacked<D>> {
  readonly length: number;

  constructor(readonly datasets: D) {
    super();
    const list = Object.values<Dataset<unknown>>(datasets);
    for (const dataset of list) checkDataset('StackDataset', dataset);
    const lengths = list.map((dataset) => dataset.length);
    if (lengths.length === 0 || lengths.some((n) => n !== lengths[0])) {
      throw new ShapeError(`StackDataset: expected datasets of one length, got ${lengths.join(', ') || 'none'}`);
    }
    this.length = lengths[0];
  }

  get(index: number, context?: SampleContext): Stacked<D> | Promise<Stacked<D>> {
    checkIndex('StackDataset.get', index, this.length);
    const list = Object.values<Dataset<unknown>>(this.datasets);
    const parts: unknown[] = [];
    // One after the other, for they draw from one generator.
    const from = (start: number): Stacked<D> | Promise<Stacked<D>> => {
      for (let i = start; i < list.length; i++) {
        const part = list[i].get(index, context);
        if (part instanceof Promise) return part.then((value) => (parts.push(value), from(i + 1)));
        parts.push(part);
      }
      return this.stacked(parts);
    };
    return from(0);
  }

  /** How a worker makes it again, where it can make the datasets. */
  recipe(): Recipe {
    return { name: 'StackDataset', args: [this.datasets] };
  }

  private stacked(parts: readonly unknown[]): Stacked<D> {
    if (Array.isArray(this.datasets)) return parts as Stacked<D>;
    return Object.fromEntries(Object.keys(this.datasets).map((key, i) => [key, parts[i]])) as Stacked<D>;
  }
}
