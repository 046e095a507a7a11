/**
 * Batches from worker threads.
 */
import { type BatchSource, LEFT_OUT, type TensorOptions } from '../batch-source.js';
import { finish } from '../collate.js';
import type { Work } from '../epoch.js';
import type { WorkerPool } from './pool.js';
import type { Loaded } from './protocol.js';
import { decode } from './samples.js';
import { WorkerError } from './worker-error.js';

export interface WorkerSourceOptions<T, B> extends TensorOptions {
  /** Batches for each worker. */
  readonly prefetchFactor: number;
  /** What makes a batch of the samples in this thread; undefined if a worker has made it. */
  readonly collateFn: ((samples: T[]) => B | Promise<B>) | undefined;
  /** Milliseconds to wait for a batch; 0 for as long as it takes. */
  readonly timeout: number;
  /** What becomes of the workers at the end. */
  readonly release: (pool: WorkerPool) => Promise<void>;
}

export class WorkerSource<T, B> implements BatchSource<B, Loaded> {
  readonly atOnce: number;
  readonly ahead: number;

  constructor(
    private readonly pool: WorkerPool,
    private readonly baseSeed: bigint,
    private readonly options: WorkerSourceOptions<T, B>,
  ) {
    this.ahead = this.atOnce = pool.numWorkers * options.prefetchFactor;
  }

  load(work: Work): Promise<Loaded> {
    return this.pool.request(work, this.baseSeed);
  }

  async take(loading: Promise<Loaded>): Promise<B | typeof LEFT_OUT> {
    const loaded = await this.waitFor(loading);
    const { device, collateFn } = this.options;
    switch (loaded.kind) {
      case 'batch': {
        const batch = finish(loaded.batch, this.options) as B;
        // Tensors have copied what they were made of.
        this.pool.recycle(loaded.memory);
        return batch;
      }
      case 'samples': {
        const samples = loaded.samples.map((sample) => decode(sample, device));
        return collateFn ? await collateFn(samples as T[]) : (samples[0] as B);
      }
      case 'skipped':
        return LEFT_OUT;
      default:
        return loaded satisfies never;
    }
  }

  async close(): Promise<void> {
    this.pool.cancel();
    await this.options.release(this.pool);
  }

  private async waitFor(loading: Promise<Loaded>): Promise<Loaded> {
    const { timeout } = this.options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      if (timeout > 0) timer = setTimeout(() => reject(this.late()), timeout);
    });
    this.pool.hold(true);
    try {
      return await Promise.race([loading, late]);
    } finally {
      clearTimeout(timer);
      this.pool.hold(false);
    }
  }

  private late(): WorkerError {
    this.pool.healthy = false;
    const where = this.pool.describe();
    return new WorkerError(
      `DataLoader: no batch came within ${this.options.timeout / 1000} s (timeout)${where && `: ${where}`}. If ` +
        `samples may take so long, raise it.`,
      undefined,
      undefined,
    );
  }
}
