/**
 * The workers of a loader: their options, what they are given, and when they end.
 */
import { FakkelError, OutOfRangeError } from '@fakkel/core';
import type { TensorOptions } from './batch-source.js';
import type { Dataset } from './dataset.js';
import type { IterableDataset } from './iterable-dataset.js';
import { kindOf } from './options.js';
import { isPortable } from './portable.js';
import { checkCount } from './samplers.js';
import { checkPortable, pack } from './worker/packing.js';
import type { WorkerPool } from './worker/pool.js';
import type { WorkerSource } from './worker/source.js';

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
  private readonly collateFn: ((samples: T[]) => B | Promise<B>) | undefined;

  constructor(
    dataset: Dataset<T> | IterableDataset<T, unknown>,
    { persistentWorkers = false, workerInitFn, collateFn }: AllOptions<T, B>,
    private readonly options: TensorOptions & { numWorkers: number; prefetchFactor: number; timeout: number },
  ) {
    this.dataset = dataset;
    this.persistent = persistentWorkers;
    this.initFn = workerInitFn;
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
    const { WorkerSource } = await import('./worker/source.js');
    const waiting = this.idle.pool;
    this.idle.pool = undefined;
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
    const { WorkerPool } = await import('./worker/pool.js');
    const collate = this.collatesInWorker ? this.collateFn : 'samples';
    return WorkerPool.open(this.options.numWorkers, this.name(), {
      dataset: await pack(this.dataset, 'the dataset'),
      collate: typeof collate === 'function' ? await pack(collate, 'collateFn') : (collate ?? 'default'),
      initFn: this.initFn === undefined ? undefined : await pack(this.initFn, 'workerInitFn'),
    });
  }

  /** How errors call the dataset: its class, or what a module calls it. */
  private name(): string {
    const recipe = isPortable(this.dataset) ? this.dataset.recipe() : undefined;
    if (recipe?.module !== undefined) return `${recipe.name} (${recipe.module.split('/').at(-1)})`;
    return kindOf(this.dataset).replace(/^an object of class /, '');
  }
}
