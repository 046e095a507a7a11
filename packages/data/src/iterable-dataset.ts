/**
 * Iterable datasets: samples that come one after the other, from files that are streamed, a database, a generator.
 *
 * PyTorch's `IterableDataset` is copied into each worker, which then gives *every* sample, unless its author thought of
 * `get_worker_info()`. Here there are two steps instead: `stream` says which samples come, in order, and runs once, in
 * the loader's thread; `prepare` does the work on one sample, and runs in the workers. So nothing comes twice, the
 * batches are the same for any number of workers, and the position in the stream is the position of the loader.
 */
import { defaultGenerator, OutOfRangeError } from '@fakkel/core';
import type { SampleContext } from './dataset.js';
import { isPortable, type Recipe } from './portable.js';

/** One pass over an {@link IterableDataset}. */
export interface EpochContext {
  /** Of this epoch: what is random about the order follows from it, so that an epoch can be continued. */
  readonly seed: bigint;
  /** Where to go on: what `SampleStream.stateDict` gave in an epoch with this seed. */
  readonly state?: unknown;
}

/** The samples of an epoch, in order; left early, it is told by `return()` of its iterator, as every iterable. */
export type SampleStream<R> = (AsyncIterable<R> | Iterable<R>) & {
  /**
   * The position after the sample handed out last, as plain JSON, small: a loader asks after each batch. Without it a
   * loader counts, and continues by streaming from the start and dropping what came before, unprepared.
   */
  stateDict?(): unknown;
};

/**
 * Samples in an order of their own: `torch.utils.data.IterableDataset`. A `DataLoader` makes batches of them; shuffling
 * and samplers, which need indices, are the dataset's own affair.
 *
 * When to use: data that can't be read at any index (tar shards, a network stream, a database cursor), or that is made
 * without end. Otherwise extend `Dataset`: it can be shuffled, split and weighted.
 *
 * `T` is a sample, `R` what it is made of: raw bytes, a line, a path.
 *
 * @example
 * class Countdown extends IterableDataset<number> {
 *   *stream() {
 *     for (let i = 3; i > 0; i--) yield i;
 *   }
 * }
 * for await (const i of new Countdown()) console.log(i); // 3 2 1
 */
export abstract class IterableDataset<T, R = T> implements AsyncIterable<T> {
  /**
   * The samples of one epoch, unprepared. Runs in the loader's thread: read here, and leave decoding to
   * {@link IterableDataset.prepare}. A generator method will do: `async *stream() { … yield sample; }`.
   */
  abstract stream(epoch: EpochContext): SampleStream<R>;

  /**
   * Makes a sample of what the stream gave; runs in the workers, where there are any, and in any order: it must depend
   * on its arguments alone. Default: it is the sample already.
   *
   * @param raw - What the stream gave: what can be cloned, if workers are used.
   * @param _context - What a loader adds. Without it random transforms draw from the default generator.
   * @returns The sample, or undefined to leave it out: its batch is smaller then.
   */
  prepare(raw: R, _context?: SampleContext): T | undefined | Promise<T | undefined> {
    return raw as unknown as T;
  }

  /** One pass without a loader; its seed is drawn from the default generator. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const raw of this.stream({ seed: defaultGenerator.randomInt64() })) {
      const sample = await this.prepare(raw);
      if (sample !== undefined) yield sample;
    }
  }
}

/** Whether a loader is to stream `value` instead of asking for indices. */
export function isIterableDataset(value: unknown): value is IterableDataset<unknown, unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { stream?: unknown }).stream === 'function';
}

/**
 * `transform` applied to each sample of an iterable dataset, in the workers, where there are any: {@link MapDataset} for
 * what is streamed. It may leave samples out, by giving undefined.
 *
 * @example
 * class Countdown extends IterableDataset<number> {
 *   *stream() {
 *     for (let i = 5; i > 0; i--) yield i;
 *   }
 * }
 * const odd = new MapIterableDataset(new Countdown(), (i) => (i % 2 === 1 ? i : undefined)); // 5 3 1
 */
export class MapIterableDataset<T, U, R = T> extends IterableDataset<U, R> {
  constructor(
    readonly dataset: IterableDataset<T, R>,
    readonly transform: (sample: T, context?: SampleContext) => U | undefined | Promise<U | undefined>,
  ) {
    super();
    if (!isIterableDataset(dataset)) {
      throw new TypeError('MapIterableDataset: expected an IterableDataset. Others are mapped by new MapDataset(…).');
    }
  }

  /** Samples of the dataset, if it says how many; fewer, if the transform leaves some out. */
  get length(): number | undefined {
    return (this.dataset as { length?: number }).length;
  }

  stream(epoch: EpochContext): SampleStream<R> {
    return this.dataset.stream(epoch);
  }

  override async prepare(raw: R, context?: SampleContext): Promise<U | undefined> {
    const sample = await this.dataset.prepare(raw, context);
    return sample === undefined ? undefined : this.transform(sample, context);
  }

  /** How a worker makes it again, where the transform is the package's or from a module. */
  recipe(): Recipe | undefined {
    if (!isPortable(this.transform)) return undefined;
    return { name: 'MapIterableDataset', args: [this.dataset, this.transform] };
  }
}

/** What a {@link ChainDataset} streams: a sample and the number of its dataset. */
export interface Chained<R> {
  readonly which: number;
  readonly raw: R;
}

/**
 * Iterable datasets one after the other: `torch.utils.data.ChainDataset`.
 *
 * @throws OutOfRangeError if there is none.
 */
export class ChainDataset<T, R = T> extends IterableDataset<T, Chained<R>> {
  constructor(readonly datasets: readonly IterableDataset<T, R>[]) {
    super();
    if (datasets.length === 0) throw new OutOfRangeError('ChainDataset: expected at least one dataset');
    const odd = datasets.findIndex((dataset) => !isIterableDataset(dataset));
    if (odd >= 0) {
      throw new TypeError(
        `ChainDataset: dataset ${odd} is no IterableDataset. Datasets with get(i) are joined by new ConcatDataset([…]).`,
      );
    }
  }

  stream({ seed, state }: EpochContext): SampleStream<Chained<R>> {
    return new ChainStream(this.datasets, seed, state as ChainState | undefined);
  }

  override prepare({ which, raw }: Chained<R>, context?: SampleContext): T | undefined | Promise<T | undefined> {
    return this.datasets[which].prepare(raw, context);
  }

  /** How a worker makes it again, where it can make each part. */
  recipe(): Recipe {
    return { name: 'ChainDataset', args: [this.datasets] };
  }
}

interface ChainState {
  readonly which: number;
  /** Samples of that dataset handed out. */
  readonly count: number;
  /** Its own position, if it says one. */
  readonly state?: unknown;
}

class ChainStream<T, R> {
  private position: ChainState;
  private current: SampleStream<R> | undefined;

  constructor(
    private readonly datasets: readonly IterableDataset<T, R>[],
    private readonly seed: bigint,
    state: ChainState | undefined,
  ) {
    this.position = state ?? { which: 0, count: 0 };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Chained<R>, void, undefined> {
    const { which: first, count: done, state } = this.position;
    for (let which = first; which < this.datasets.length; which++) {
      const resumed = which === first ? state : undefined;
      this.current = this.datasets[which].stream({ seed: this.seed, ...(resumed !== undefined && { state: resumed }) });
      let skip = which === first && resumed === undefined ? done : 0;
      this.position = { which, count: which === first ? done : 0 };
      for await (const raw of this.current) {
        if (skip-- > 0) continue;
        this.position = { which, count: this.position.count + 1 };
        yield { which, raw };
      }
    }
  }

  stateDict(): ChainState {
    const state = this.current?.stateDict?.();
    return { ...this.position, ...(state !== undefined && { state }) };
  }
}
