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
import { type BatchSource, LEFT_OUT, type Loaded, LocalSource, type TensorOptions } from './batch-source.js';
import type { Collated } from './collate.js';
import { checkDataset, type Dataset } from './dataset.js';
import { type Epoch, IndexEpoch, StreamEpoch, type Work } from './epoch.js';
import { breathe } from './event-loop.js';
import { isIterableDataset, type IterableDataset } from './iterable-dataset.js';
import { checkState, drawAgain, restoreGenerators, saveGenerators, type DataLoaderState } from './loader-state.js';
import { checkOptions } from './options.js';
import { BatchSampler, checkCount, RandomSampler, SequentialSampler, type Sampler } from './samplers.js';
import { workersOf, type WorkerOptions, type WorkerThreads } from './worker-threads.js';

export interface DataLoaderOptions<T, B> extends WorkerOptions {
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
  /**
   * Makes a batch of samples. Default {@link defaultCollate}. With workers it runs in this thread, unless it is from
   * {@link functionFromModule}: then the workers run it.
   */
  collateFn?: (samples: T[]) => B | Promise<B>;
  /** What the order, and the seeds of samples, are drawn from. Default: seeds from the default generator. */
  generator?: Generator;
  /**
   * Without workers: batches that are loaded while the current one is used, for datasets whose `get` gives promises.
   * Default 0.
   */
  prefetch?: number;
  /** Where the default collate function puts tensors. Default: the default device. */
  device?: Device;
}

const OPTIONS = [
  ...(['batchSize', 'shuffle', 'sampler', 'batchSampler', 'dropLast'] as const),
  ...(['collateFn', 'generator', 'prefetch', 'device'] as const),
  ...(['numWorkers', 'prefetchFactor', 'persistentWorkers', 'timeout', 'workerInitFn', 'webWorker'] as const),
] satisfies (keyof DataLoaderOptions<never, never>)[];

/** PyTorch's options that are not here. */
const ABSENT = {
  pinMemory: 'There is nothing to pin here: leave it out.',
  pinMemoryDevice: 'There is nothing to pin here: leave it out.',
  workers: 'Write numWorkers.',
  multiprocessingContext: 'Workers are threads, not processes: leave it out.',
};

/**
 * Batches of a dataset: `torch.utils.data.DataLoader`. One `for await` loop is one epoch.
 *
 * With the same seed the order is PyTorch's, epoch after epoch: at the start of each it draws a base seed, and a
 * shuffled one without a `generator` draws a second seed, from the default generator. From the base seed and a sample's
 * index follows what its random transforms draw, so that batches are the same for any number of workers.
 *
 * With `numWorkers` samples are made in threads, batches are put together there, and wait in memory that threads share.
 * An error in a worker is thrown when it is the turn of its batch. A loop that ends, is left early or throws takes its
 * threads with it; threads alone keep no process alive. {@link fromModule} is for datasets that hold functions.
 *
 * When to use: workers pay where a sample takes work (decoding, transforms), and for programs that must stay responsive;
 * not for arrays in memory. Start with half the processor's cores.
 *
 * Before it hands out a batch it runs what a module call has left waiting, and at most every 16 ms it lets timers,
 * signals and drawing in. Leaving the loop early ends the epoch.
 *
 * @throws TypeError for what is no dataset; FakkelError for an unknown option, or a dataset that workers can't be given;
 * OutOfRangeError if the dataset is empty, options exclude each other, or `dropLast` leaves no batch. Loops throw what
 * the dataset throws; a {@link WorkerError} that names the sample, with that as its cause, if it was in a worker.
 * @example
 * const loader = new DataLoader(digits(), { batchSize: 64, shuffle: true });
 * for await (const [x, y] of loader) {
 *   // x: float32[64,1,8,8], y: int32[64]
 * }
 */
export class DataLoader<T, B = Collated<T>> implements AsyncIterable<B> {
  /** Batches of indices; undefined for an iterable dataset. */
  readonly batchSampler: Iterable<readonly number[]> | undefined;
  private readonly batches: { readonly batchSize: number; readonly dropLast: boolean };
  private readonly collateFn: ((samples: T[]) => B | Promise<B>) | undefined;
  private readonly prefetch: number;
  private readonly tensors: TensorOptions;
  private readonly workers: WorkerThreads<T, B> | undefined;
  /** The generators that the order depends on; the default one first. */
  private readonly generators: readonly Generator[];
  private readonly baseSeedGenerator: Generator;
  private current: Begun | null = null;
  private resume: DataLoaderState | null = null;

  constructor(
    /** Where samples come from. */
    readonly dataset: Dataset<T> | IterableDataset<T, unknown>,
    options: DataLoaderOptions<T, B> = {},
  ) {
    if (!isIterableDataset(dataset)) checkDataset('DataLoader', dataset);
    checkOptions('DataLoader', options, OPTIONS, 'new DataLoader(dataset, …)', ABSENT);
    const { generator, device, prefetch = 0, batchSize = 1, dropLast = false } = options;
    if (samplesOf(dataset) === 0) {
      throw new OutOfRangeError('DataLoader: the dataset is empty. Check the split or the folder that it comes from.');
    }
    if (!Number.isInteger(prefetch) || prefetch < 0) {
      throw new OutOfRangeError(`DataLoader: prefetch: expected a whole number from 0 up, got ${prefetch}`);
    }
    this.prefetch = prefetch;
    this.batchSampler = isIterableDataset(dataset) ? checkStreamed(options) : batchSamplerOf(dataset, options);
    this.batches = { batchSize, dropLast };
    this.collateFn = options.collateFn;
    this.tensors = { device, dtypes: new Map() };
    const own = [generator, (this.batchSampler as Partial<Sampler> | undefined)?.generator];
    this.generators = [...new Set([defaultGenerator, ...own.filter((g) => g !== undefined)])];
    this.baseSeedGenerator = generator ?? defaultGenerator;
    this.workers = workersOf(dataset, options, this.tensors);
  }

  /** Number of batches in an epoch. */
  get length(): number {
    const { batchSize, dropLast } = this.batches;
    const samples = samplesOf(this.dataset);
    const length = this.batchSampler
      ? (this.batchSampler as Partial<Sampler>).length
      : samples && Math[dropLast ? 'floor' : 'ceil'](samples / batchSize);
    if (length === undefined || length === null) {
      const what = this.batchSampler ? 'batchSampler' : 'iterable dataset';
      throw new OutOfRangeError(
        `DataLoader.length: the ${what} does not say its length; give it a \`length\` property`,
      );
    }
    return length;
  }

  /**
   * Where the loader stands, as plain JSON: inside a loop, after the batch handed out last; outside, before the next
   * epoch. With {@link DataLoader.loadStateDict} a run that was stopped goes on with the same batches, with any number of
   * workers.
   *
   * The default generator belongs to the program, which saves its state beside this one.
   */
  stateDict(): DataLoaderState {
    if (this.resume) return this.resume;
    const samples = samplesOf(this.dataset);
    const now = saveGenerators(this.generators.slice(1));
    if (!this.current) return { samples, batch: 0, drawn: 0, now };
    const { epoch, start } = this.current;
    const { batch, drawn, position } = epoch;
    return { samples, batch, drawn, start: saveGenerators(start), now, ...(position && { stream: position }) };
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
    checkState(state, samplesOf(this.dataset), this.generators.length);
    restoreGenerators(this.generators.slice(1), state.now);
    this.current = null;
    this.resume = state.start === undefined ? null : state;
  }

  /**
   * Ends the workers that `persistentWorkers` keeps between epochs; the next loop starts others. They don't hold the
   * process, so this is for programs that go on without them.
   */
  async close(): Promise<void> {
    await this.workers?.close();
  }

  [Symbol.asyncIterator](): AsyncGenerator<B, void, undefined> {
    if (!this.workers) return this.iterate(async () => this.localSource());
    const { workers } = this;
    const threads = workers.forLoop();
    return threads.until(this.iterate((baseSeed) => workers.open(threads, baseSeed)));
  }

  private async *iterate<L>(
    open: (baseSeed: bigint) => Promise<BatchSource<B, L>>,
  ): AsyncGenerator<B, void, undefined> {
    const current = this.begin();
    const { epoch } = current;
    this.current = current;
    let source: BatchSource<B, L> | undefined;
    try {
      source = await open(epoch.baseSeed);
      const requests: Request<L>[] = [];
      const fill = (count: number): void => {
        while (requests.length < count && !epoch.exhausted) {
          const request = ask(epoch, source!);
          if (request) requests.push(request);
        }
      };
      for (;;) {
        fill(source.atOnce);
        const head = requests.shift();
        if (!head) break;
        await flushWaiting(this.tensors.device);
        await breathe();
        const work = await head.work;
        if (!work) break;
        const batch = await source.take(head.loading as Promise<L>);
        epoch.handedOut(work);
        if (batch === LEFT_OUT) continue;
        fill(source.ahead);
        yield batch;
      }
    } finally {
      if (this.current === current) this.current = null;
      try {
        await source?.close();
      } finally {
        await epoch.end();
      }
    }
  }

  private localSource(): BatchSource<B, Loaded<B>> {
    return new LocalSource(this.dataset, this.collateFn, this.tensors, this.prefetch);
  }

  /** The next epoch, or the one that is to go on. */
  private begin(): Begun {
    const { resume } = this;
    this.resume = null;
    const draw = (): Begun => {
      const start = this.generators.map((generator) => generator.clone());
      return { start, epoch: this.epochFrom(this.baseSeedGenerator.randomInt64(), resume) };
    };
    return resume ? drawAgain(this.generators, resume.start!, draw) : draw();
  }

  private epochFrom(seed: bigint, from: DataLoaderState | null): Epoch {
    const { dataset } = this;
    if (isIterableDataset(dataset)) {
      const position = from?.stream ?? { count: 0 };
      const stream = dataset.stream({ seed, ...(position.state !== undefined && { state: position.state }) });
      return new StreamEpoch(stream, seed, this.batches, { batch: from?.batch ?? 0, position });
    }
    const epoch = new IndexEpoch(this.batchSampler![Symbol.iterator](), seed, dataset.length);
    return from ? epoch.skip(from.batch, from.drawn) : epoch;
  }
}

/** An epoch, and the generators as they were before it. */
interface Begun {
  readonly epoch: Epoch;
  readonly start: readonly Generator[];
}

/** A batch that was asked for. Without work the epoch is over. */
interface Request<L> {
  readonly work: Work | Promise<Work | undefined>;
  readonly loading: Promise<L | undefined>;
}

function ask<B, L>(epoch: Epoch, source: BatchSource<B, L>): Request<L> | undefined {
  const work = epoch.next();
  if (!work) return undefined;
  const loading =
    work instanceof Promise ? work.then((drawn) => (drawn ? source.load(drawn) : undefined)) : source.load(work);
  loading.catch(() => undefined); // thrown when it is its turn
  return { work, loading };
}

/** Number of samples; null where a stream does not say it. */
function samplesOf(dataset: Dataset<unknown> | IterableDataset<unknown, unknown>): number | null {
  const { length } = dataset as { length?: unknown };
  return typeof length === 'number' ? length : null;
}

/** Throws for what needs indices, which a stream has not got. */
function checkStreamed<T, B>({ batchSize = 1, ...options }: DataLoaderOptions<T, B>): undefined {
  checkCount('DataLoader: batchSize', batchSize);
  const given = (['shuffle', 'sampler', 'batchSampler'] as const).find((name) => options[name]);
  if (given === undefined) return undefined;
  throw new FakkelError(
    `DataLoader: ${given} needs samples by index, and an iterable dataset streams them in an order of its own. Leave it ` +
      `out, and shuffle in the dataset: with a buffer, or by the seed that its stream(epoch) is given.`,
  );
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
