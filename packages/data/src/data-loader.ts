/**
 * DataLoader: batches of a dataset, one epoch an iteration.
 *
 * Source: PyTorch 1.13, `torch/utils/data/dataloader.py`.
 */
import {
  defaultGenerator,
  FakkelError,
  flushWaiting,
  OutOfRangeError,
  type Device,
  type Generator,
} from '@fakkel/core';
import { defaultCollate, type Collated, type NumberDTypes } from './collate.js';
import { checkDataset, type Dataset } from './dataset.js';
import { breathe } from './event-loop.js';
import { EpochPosition, type DataLoaderState } from './loader-state.js';
import { checkOptions } from './options.js';
import { BatchSampler, checkCount, RandomSampler, SequentialSampler, type Sampler } from './samplers.js';

export interface DataLoaderOptions<T, B> {
  /** Samples a batch. Default 1. */
  batchSize?: number;
  /** A new random order each epoch. Default false. */
  shuffle?: boolean;
  /** Where indices come from, instead of `shuffle`. */
  sampler?: Iterable<number>;
  /** Where batches of indices come from, instead of `batchSize`, `shuffle`, `sampler` and `dropLast`. */
  batchSampler?: Iterable<readonly number[]>;
  /** Leave out a last batch that is not full. Default false. */
  dropLast?: boolean;
  /** Makes a batch of samples. Default {@link defaultCollate}. */
  collateFn?: (samples: T[]) => B | Promise<B>;
  /** What the order is drawn from. Default: seeds from the default generator. */
  generator?: Generator;
  /** Batches that are loaded while the current one is used: for datasets whose `get` gives promises. Default 0. */
  prefetch?: number;
  /** Where the default collate function puts tensors. Default: the default device. */
  device?: Device;
}

const OPTIONS = [
  ...(['batchSize', 'shuffle', 'sampler', 'batchSampler', 'dropLast'] as const),
  ...(['collateFn', 'generator', 'prefetch', 'device'] as const),
] satisfies (keyof DataLoaderOptions<never, never>)[];

const NO_WORKERS = 'Samples are loaded in this thread, without workers: leave it out.';

/** PyTorch's options that are not here. */
const ABSENT = {
  numWorkers:
    'Workers are not supported yet: samples are loaded in this thread. Leave it out; prefetch: 2 loads ahead where get(i) gives promises.',
  pinMemory: 'There is nothing to pin here: leave it out.',
  prefetchFactor: 'Write prefetch: the number of batches that are loaded ahead.',
  persistentWorkers: NO_WORKERS,
  workerInitFn: NO_WORKERS,
  multiprocessingContext: NO_WORKERS,
  timeout: NO_WORKERS,
};

/**
 * Batches of a dataset: `torch.utils.data.DataLoader`. One `for await` loop is one epoch.
 *
 * With the same seed the order is PyTorch's, epoch after epoch: at the start of each it draws a base seed, and a
 * shuffled one without a `generator` draws a second seed, from the default generator.
 *
 * Before it hands out a batch it runs what a module call has left waiting, and at most every 16 ms it lets timers,
 * signals and drawing in. Leaving the loop early ends the epoch.
 *
 * @throws TypeError for what is no dataset; FakkelError for an unknown option; OutOfRangeError if the dataset is empty,
 * options exclude each other, or `dropLast` leaves no batch.
 * @example
 * const loader = new DataLoader(digits(), { batchSize: 64, shuffle: true });
 * for await (const [x, y] of loader) {
 *   // x: float32[64,1,8,8], y: int32[64]
 * }
 */
export class DataLoader<T, B = Collated<T>> implements AsyncIterable<B> {
  /** Batches of indices. */
  readonly batchSampler: Iterable<readonly number[]>;
  private readonly collateFn: (samples: T[]) => B | Promise<B>;
  private readonly prefetch: number;
  private readonly device: Device | undefined;
  /** The generators that the order depends on; the default one first. */
  private readonly generators: readonly Generator[];
  private readonly baseSeedGenerator: Generator;
  private position: EpochPosition | null = null;
  private resume: DataLoaderState | null = null;

  constructor(
    /** Where samples come from. */
    readonly dataset: Dataset<T>,
    options: DataLoaderOptions<T, B> = {},
  ) {
    checkDataset('DataLoader', dataset);
    checkOptions('DataLoader', options, OPTIONS, 'new DataLoader(dataset, …)', ABSENT);
    const { generator, device, prefetch = 0 } = options;
    if (dataset.length === 0) {
      throw new OutOfRangeError('DataLoader: the dataset is empty. Check the split or the folder that it comes from.');
    }
    if (!Number.isInteger(prefetch) || prefetch < 0) {
      throw new OutOfRangeError(`DataLoader: prefetch: expected a whole number from 0 up, got ${prefetch}`);
    }
    this.device = device;
    this.prefetch = prefetch;
    this.batchSampler = batchSamplerOf(dataset, options);
    const dtypes: NumberDTypes = new Map();
    this.collateFn =
      options.collateFn ?? ((samples) => defaultCollate(samples, device ? { device, dtypes } : { dtypes }) as B);
    const own = [generator, (this.batchSampler as Partial<Sampler>).generator].filter((g) => g !== undefined);
    this.generators = [...new Set([defaultGenerator, ...own])];
    this.baseSeedGenerator = generator ?? defaultGenerator;
  }

  /** Number of batches in an epoch. */
  get length(): number {
    const { length } = this.batchSampler as Partial<Sampler>;
    if (length === undefined) {
      throw new OutOfRangeError(
        'DataLoader.length: the batchSampler does not say its length; give it a `length` property',
      );
    }
    return length;
  }

  /**
   * Where the loader stands, as plain JSON: inside a loop, after the batch handed out last; outside, before the next
   * epoch. With {@link DataLoader.loadStateDict} a run that was stopped goes on with the same batches.
   *
   * The default generator belongs to the program, which saves its state beside this one.
   */
  stateDict(): DataLoaderState {
    const samples = this.dataset.length;
    if (this.resume) return this.resume;
    if (this.position) return this.position.save(samples);
    return EpochPosition.between(this.generators).save(samples);
  }

  /**
   * Makes the next loop hand out what remained when `state` was saved, by a loader of the same dataset and options:
   * the rest of that epoch, without loading what came before; nothing, if its last batch had been handed out.
   *
   * The default generator is not changed. A sampler of your own must give the same order again, from the same state of
   * the generators.
   *
   * @throws FakkelError if the state is of another dataset or other options; nothing is changed then.
   */
  loadStateDict(state: DataLoaderState): void {
    EpochPosition.check(state, this.dataset.length, this.generators.length);
    EpochPosition.restoreOwn(state, this.generators);
    this.position = null;
    this.resume = state.start === undefined ? null : state;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<B, void, undefined> {
    const begin = (): Iterator<readonly number[]> => {
      this.baseSeedGenerator.randomInt64();
      return this.batchSampler[Symbol.iterator]();
    };
    const position = this.resume
      ? EpochPosition.resume(this.resume, this.generators, begin)
      : EpochPosition.start(this.generators, begin);
    this.resume = null;
    this.position = position;
    const loading: Promise<B>[] = [];
    const fill = (count: number): void => {
      while (loading.length < count) {
        const indices = position.next();
        if (!indices) break;
        const batch = this.load(indices);
        batch.catch(() => undefined); // thrown when it is its turn
        loading.push(batch);
      }
    };
    try {
      for (;;) {
        fill(1);
        const head = loading.shift();
        if (!head) break;
        fill(this.prefetch);
        await flushWaiting(this.device);
        await breathe();
        const batch = await head;
        position.batch++;
        yield batch;
      }
    } finally {
      position.end();
      if (this.position === position) this.position = null;
    }
  }

  private async load(indices: readonly number[]): Promise<B> {
    const samples = indices.map((i) => this.dataset.get(i));
    return this.collateFn(samples.some((s) => s instanceof Promise) ? await Promise.all(samples) : (samples as T[]));
  }
}

function batchSamplerOf<T, B>(dataset: Dataset<T>, options: DataLoaderOptions<T, B>): Iterable<readonly number[]> {
  const { batchSize = 1, shuffle = false, sampler, batchSampler, dropLast = false, generator } = options;
  if (batchSampler) {
    if (options.batchSize !== undefined || shuffle || sampler || dropLast) {
      throw new FakkelError('DataLoader: batchSampler excludes batchSize, shuffle, sampler and dropLast');
    }
    return batchSampler;
  }
  checkCount('DataLoader: batchSize', batchSize);
  if (sampler && shuffle) {
    throw new FakkelError('DataLoader: sampler excludes shuffle: the sampler says the order');
  }
  const order = sampler ?? (shuffle ? new RandomSampler(dataset, { generator }) : new SequentialSampler(dataset));
  const batches = new BatchSampler(order, batchSize, dropLast);
  if (dropLast && (order as Partial<Sampler>).length !== undefined && batches.length === 0) {
    throw new OutOfRangeError(
      `DataLoader: dropLast leaves no batch: ${(order as Sampler).length} samples are fewer than batchSize ${batchSize}`,
    );
  }
  return batches;
}
