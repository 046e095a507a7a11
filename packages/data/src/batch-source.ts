/**
 * Where a loader's batches are made: in its own thread, or in workers.
 */
import type { Device } from '@fakkel/core';
import { finish, gather, type Gathered, type NumberDTypes } from './collate.js';
import type { Dataset } from './dataset.js';
import type { Work } from './epoch.js';
import { isIterableDataset, type IterableDataset } from './iterable-dataset.js';
import { SeededContext } from './sample-context.js';

/** Instead of a batch: all its samples were left out. */
export const LEFT_OUT = Symbol('left out');

/** Makes batches for one epoch. `L` is a batch that is loaded, and not handed out yet. */
export interface BatchSource<B, L> {
  /** Batches that may be asked for before the first of them is taken. */
  readonly atOnce: number;
  /** Batches that may be asked for while another one is used. */
  readonly ahead: number;
  load(work: Work): Promise<L>;
  /** What is loaded, when it is its turn. */
  take(loading: Promise<L>): Promise<B | typeof LEFT_OUT>;
  /** The epoch is over, or was left. */
  close(): Promise<void>;
}

/** How tensors are made of samples by default. */
export interface TensorOptions {
  readonly device: Device | undefined;
  /** What earlier batches had. */
  readonly dtypes: NumberDTypes;
}

export type Loaded<B> = { readonly batch: B | typeof LEFT_OUT } | { readonly gathered: Gathered };

/** Batches from this thread. Those of one epoch begin in order; datasets that give promises load several at a time. */
export class LocalSource<T, B> implements BatchSource<B, Loaded<B>> {
  readonly atOnce: number;

  constructor(
    private readonly dataset: Dataset<T> | IterableDataset<T, unknown>,
    private readonly collateFn: ((samples: T[]) => B | Promise<B>) | undefined,
    private readonly options: TensorOptions,
    readonly ahead: number,
  ) {
    this.atOnce = ahead + 1;
  }

  async load(work: Work): Promise<Loaded<B>> {
    const begun = work.indices.map((_, i) => this.sample(work, i));
    const all = begun.some((sample) => sample instanceof Promise) ? await Promise.all(begun) : begun;
    // A streamed sample may be left out.
    const samples = work.raws ? all.filter((sample) => sample !== undefined) : all;
    if (samples.length === 0) return { batch: LEFT_OUT };
    return this.collateFn ? { batch: await this.collateFn(samples as T[]) } : { gathered: gather(samples) };
  }

  async take(loading: Promise<Loaded<B>>): Promise<B | typeof LEFT_OUT> {
    const loaded = await loading;
    return 'batch' in loaded ? loaded.batch : (finish(loaded.gathered, this.options) as B);
  }

  async close(): Promise<void> {
    // There is nothing to end.
  }

  private sample({ indices, raws, seeds }: Work, i: number): unknown {
    const context = new SeededContext(seeds[i]);
    const { dataset } = this;
    return isIterableDataset(dataset) ? dataset.prepare(raws![i], context) : dataset.get(indices[i], context);
  }
}
