/**
 * The workers of a loader: their options, what they are given, and when they end.
 */
import { FakkelError, OutOfRangeError } from '@fakkel/core';
import type { TensorOptions } from './batch-source.js';
import type { Dataset } from './dataset.js';
import type { IterableDataset } from './iterable-dataset.js';
import { isNode } from './node.js';
import { kindOf } from './options.js';
import { isPortable } from './portable.js';
import { checkCount } from './samplers.js';
import { checkPortable, pack } from './worker/packing.js';
import { WorkerPool } from './worker/pool.js';
import { WorkerSource } from './worker/source.js';
import type { WebWorkerFactory } from './worker/start.js';

export interface WorkerOptions {
  /**
   * Threads that load samples and put batches together. Default 0: this thread. The dataset is made once more in each;
   * one of your own comes from {@link fromModule}.
   */
  numWorkers?: number;
  /** With workers: batches that each loads ahead. Default 2. */
  prefetchFactor?: number;
  /** With workers: keep them, and their datasets, from one epoch to the next. Default false. */
  persistentWorkers?: boolean;
  /** With workers: seconds to wait for a batch before that is an error. Default 0: as long as it takes. */
  timeout?: number;
  /**
   * With workers: called in each, with its number, when it has made its dataset. From {@link functionFromModule}.
   */
  workerInitFn?: (id: number) => unknown;
  /**
   * In browsers, with workers: makes one, in the words that bundlers look for: `() => new Worker(new
   * URL('@fakkel/data/worker', import.meta.url), { type: 'module' })`. Not used in Node.
   */
  webWorker?: () => Worker;
}

interface AllOptions<T, B> extends WorkerOptions {
  readonly collateFn?: (samples: T[]) => B | Promise<B>;
  readonly prefetch?: number;
}

/** The workers that the options ask for, if they ask for any. */
export function workersOf<T, B>(
  dataset: Dataset<T> | IterableDataset<T, unknown>,
  options: AllOptions<T, B>,
  tensors: TensorOptions,
): WorkerThreads<T, B> | undefined {
  const { numWorkers = 0, prefetchFactor = 2, timeout = 0, prefetch } = options;
  if (!Number.isInteger(numWorkers) || numWorkers < 0) {
    throw new OutOfRangeError(`DataLoader: numWorkers: expected a whole number from 0 up, got ${String(numWorkers)}`);
  }
  if (numWorkers === 0) {
    const given = (['prefetchFactor', 'persistentWorkers', 'timeout', 'workerInitFn'] as const).find((o) => options[o]);
    if (given === undefined) return undefined;
    const remedy = given === 'prefetchFactor' ? ' Without them, prefetch is the number of batches loaded ahead.' : '';
    throw new FakkelError(`DataLoader: ${given} is for workers, and there are none: set numWorkers.${remedy}`);
  }
  checkCount('DataLoader: prefetchFactor', prefetchFactor);
  if (!(timeout >= 0)) {
    throw new OutOfRangeError(`DataLoader: timeout: expected seconds, from 0 up, got ${String(timeout)}`);
  }
  if (prefetch !== undefined) {
    throw new FakkelError('DataLoader: prefetch is for loading without workers. With them, write prefetchFactor.');
  }
  if (!isNode && !options.webWorker) {
    throw new FakkelError(
      `DataLoader: numWorkers: in a browser the page's bundler has to find the workers' code. Pass webWorker: () => new ` +
        `Worker(new URL('@fakkel/data/worker', import.meta.url), { type: 'module' }).`,
    );
  }
  return new WorkerThreads(dataset, options, { ...tensors, numWorkers, prefetchFactor, timeout: timeout * 1000 });
}

/** The threads that someone has; who is no more has none. */
interface Holder {
  pool: WorkerPool | undefined;
}

const forgotten = new FinalizationRegistry<Holder>(({ pool }) => void pool?.terminate());

/** The threads of one loop. */
class LoopThreads implements Holder {
  pool: WorkerPool | undefined;

  /** Ends them when nobody has the iterator any more, though nobody has ended it. */
  until<I extends object>(iterator: I): I {
    forgotten.register(iterator, this);
    return iterator;
  }
}

export class WorkerThreads<T, B> {
  /** Workers that wait for the next epoch. */
  private readonly idle: Holder = { pool: undefined };
  private readonly dataset: Dataset<T> | IterableDataset<T, unknown>;
  private readonly persistent: boolean;
  private readonly initFn: unknown;
  private readonly webWorker: WebWorkerFactory | undefined;
  private readonly collateFn: ((samples: T[]) => B | Promise<B>) | undefined;

  constructor(
    dataset: Dataset<T> | IterableDataset<T, unknown>,
    { persistentWorkers = false, workerInitFn, collateFn, webWorker }: AllOptions<T, B>,
    private readonly options: TensorOptions & { numWorkers: number; prefetchFactor: number; timeout: number },
  ) {
    this.dataset = dataset;
    this.persistent = persistentWorkers;
    this.initFn = workerInitFn;
    this.webWorker = webWorker;
    this.collateFn = collateFn;
    checkPortable(dataset, 'the dataset');
    checkPortable(workerInitFn, 'workerInitFn');
    forgotten.register(this, this.idle);
  }

  forLoop(): LoopThreads {
    return new LoopThreads();
  }

  /** Starts them, or takes those that wait. */
  async open(threads: LoopThreads, baseSeed: bigint): Promise<WorkerSource<T, B>> {
    const waiting = this.idle.pool;
    this.idle.pool = undefined;
    if (!waiting?.healthy) await waiting?.terminate(); // a worker has ended meanwhile
    const pool = waiting?.healthy ? waiting : await this.start();
    threads.pool = pool;
    const release = async (): Promise<void> => {
      threads.pool = undefined;
      // Two loops at a time: the workers of one are enough to keep.
      if (this.persistent && pool.healthy && !this.idle.pool) this.idle.pool = pool;
      else await pool.terminate();
    };
    const collateFn = this.collatesInWorker ? undefined : this.collateFn;
    return new WorkerSource<T, B>(pool, baseSeed, { ...this.options, collateFn, release });
  }

  async close(): Promise<void> {
    const { pool } = this.idle;
    this.idle.pool = undefined;
    await pool?.terminate();
  }

  private get collatesInWorker(): boolean {
    return !this.collateFn || isPortable(this.collateFn);
  }

  private async start(): Promise<WorkerPool> {
    const { collateFn } = this;
    const setUp = {
      dataset: await pack(this.dataset, 'the dataset'),
      collate: !collateFn ? 'default' : this.collatesInWorker ? await pack(collateFn, 'collateFn') : 'samples',
      initFn: this.initFn === undefined ? undefined : await pack(this.initFn, 'workerInitFn'),
    } as const;
    return WorkerPool.open(this.options.numWorkers, this.name(), setUp, this.webWorker);
  }

  /** How errors call the dataset: its class, or what a module calls it. */
  private name(): string {
    const recipe = isPortable(this.dataset) ? this.dataset.recipe() : undefined;
    if (recipe?.module !== undefined) return `${recipe.name} (${recipe.module.split('/').at(-1)})`;
    return kindOf(this.dataset).replace(/^an object of class /, '');
  }
}
