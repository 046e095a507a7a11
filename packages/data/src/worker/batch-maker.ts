/**
 * The work of a worker: samples, and batches of them.
 */
import { manualSeed, type TypedArray } from '@fakkel/core';
import { gather, type Gathered, writeRows } from '../collate.js';
import type { Dataset } from '../dataset.js';
import { sizeOf } from '../host-array.js';
import type { IterableDataset } from '../iterable-dataset.js';
import { SeededContext } from '../sample-context.js';
import { sendError } from './errors.js';
import { sameKind } from './packing.js';
import type { FromWorker, Load, Memory, Shared } from './protocol.js';
import { aligned, decode, holdsTensor, readTensors, send } from './samples.js';

type AnyDataset = Dataset<unknown> & IterableDataset<unknown, unknown>;

/** A message, and the memory that is handed over with it. */
export type Answer = readonly [FromWorker, readonly ArrayBuffer[]];

/** What to do with the samples of a batch. */
export type Collate = 'default' | 'samples' | ((samples: unknown[]) => unknown);

export class BatchMaker {
  private epoch = -1;
  /** When the next request may begin. */
  private turn: Promise<unknown> = Promise.resolve();
  /** Samples that are being waited for: as many as a batch has, across batches, so that files are read without a gap. */
  private readonly window = new Window();

  constructor(
    private readonly dataset: AnyDataset,
    private readonly collate: Collate,
    private readonly id: number,
    private readonly shared: Shared | undefined,
  ) {}

  /**
   * Answers a request, when those before are done; or, where samples are waited for, when all of theirs have begun, so
   * that there is no gap between batches.
   */
  answer(request: Load): Promise<Answer> {
    let begun!: () => void;
    const allBegun = new Promise<void>((resolve) => (begun = resolve));
    const answer = this.turn.then(() => this.work(request, begun));
    this.turn = Promise.race([allBegun, answer]);
    return answer;
  }

  private async work(request: Load, begun: () => void): Promise<Answer> {
    const { ticket } = request;
    try {
      if (request.epoch > this.epoch) manualSeed(request.workerSeed);
      this.epoch = Math.max(this.epoch, request.epoch);
      const all = await this.samples(request, begun);
      // A streamed sample may be left out.
      const samples = request.raws ? all?.filter((sample) => sample !== undefined) : all;
      if (!samples || samples.length === 0) return [{ kind: 'skipped', ticket }, []];
      return await this.batch(request, samples);
    } catch (error) {
      if (!(error instanceof SampleFailure)) return [{ kind: 'failed', ticket, error: sendError(error) }, []];
      return [{ kind: 'failed', ticket, index: error.index, error: sendError(error.cause) }, []];
    }
  }

  /** All samples, or undefined if nobody waits for them any more. */
  private async samples(request: Load, begun: () => void): Promise<unknown[] | undefined> {
    const { indices } = request;
    const samples: unknown[] = [];
    const failures: SampleFailure[] = [];
    const pending: Promise<void>[] = [];
    const fail = (position: number, error: unknown): void => {
      failures.push(new SampleFailure(indices[position], position, error));
    };
    this.window.size = indices.length;
    for (let i = 0; i < indices.length && failures.length === 0; i++) {
      if (this.window.full) await this.window.room();
      if (this.isOver(request)) return undefined;
      try {
        this.noteAt(indices[i]);
        const sample = this.sample(request, i);
        if (sample instanceof Promise) {
          const settled = sample.then(
            (value: unknown) => void (samples[i] = value),
            (error: unknown) => fail(i, error),
          );
          pending.push(settled);
          this.window.enter(settled, indices[i]);
        } else {
          samples[i] = sample;
        }
      } catch (error) {
        fail(i, error);
      }
      this.noteAt(this.window.oldest);
    }
    if (pending.length > 0) begun();
    await Promise.all(pending);
    this.noteAt(this.window.oldest);
    // Of several, the first of the batch, whichever was the first to fail.
    if (failures.length > 0) throw failures.reduce((a, b) => (b.position < a.position ? b : a));
    return samples;
  }

  private sample({ indices, raws, seeds }: Load, i: number): unknown {
    const context = new SeededContext(seeds[i]);
    return raws ? this.dataset.prepare(decode(raws[i]), context) : this.dataset.get(indices[i], context);
  }

  /** For the error, should this thread end. */
  private noteAt(index: number): void {
    if (this.shared) this.shared.at[this.id] = index;
  }

  private isOver({ epoch }: Load): boolean {
    return this.shared !== undefined && Atomics.load(this.shared.epoch, 0) > epoch;
  }

  private async batch({ ticket, memory }: Load, samples: unknown[]): Promise<Answer> {
    if (this.collate === 'default') {
      const hosts = samples.some(holdsTensor) ? await Promise.all(samples.map((s) => readTensors(s))) : samples;
      const stored = store(gather(hosts), memory);
      return [{ kind: 'batch', ticket, ...stored }, isShared(stored.memory) ? [] : [stored.memory]];
    }
    const values = this.collate === 'samples' ? samples : [await this.collate(samples)];
    const { sent, memory: own } = await send(values);
    return [{ kind: 'samples', ticket, samples: sent }, [own]];
  }
}

class SampleFailure extends Error {
  constructor(
    readonly index: number,
    /** In the batch. */
    readonly position: number,
    cause: unknown,
  ) {
    super('', { cause });
  }
}

/** Promises under way, so many at most. */
class Window {
  size = 1;
  private readonly pending = new Map<Promise<void>, number>();

  /** The sample that has been waited for longest, or −1. */
  get oldest(): number {
    for (const index of this.pending.values()) return index;
    return -1;
  }

  get full(): boolean {
    return this.pending.size >= this.size;
  }

  enter(promise: Promise<void>, index: number): void {
    this.pending.set(promise, index);
    void promise.then(() => this.pending.delete(promise));
  }

  async room(): Promise<void> {
    while (this.full) await Promise.race(this.pending.keys());
  }
}

type Stack = Extract<Gathered, { kind: 'stack' }>;

/** Copies the samples' arrays into one piece of memory: the given one, if it is large enough. */
function store(batch: Gathered, memory: Memory | undefined): { batch: Gathered; memory: Memory } {
  const stacks: Stack[] = [];
  each(batch, (stack) => stacks.push(stack));
  const bytes = stacks.reduce((sum, stack) => sum + bytesOf(stack), 0);
  const target = memory && memory.byteLength >= bytes ? memory : allocate(bytes);
  let offset = 0;
  const stored = mapStacks(batch, (stack) => {
    const { rows, dtype, shape } = stack;
    const data: TypedArray = sameKind(rows[0].data, target, offset, sizeOf(shape));
    writeRows(rows, data);
    offset += bytesOf(stack);
    return { kind: 'stored', dtype, shape, data };
  });
  return { batch: stored, memory: target };
}

const bytesOf = ({ rows, shape }: Stack): number => aligned(sizeOf(shape) * rows[0].data.BYTES_PER_ELEMENT);

function mapStacks(batch: Gathered, map: (stack: Stack) => Gathered): Gathered {
  switch (batch.kind) {
    case 'stack':
      return map(batch);
    case 'tuple':
    case 'record':
      return { ...batch, items: batch.items.map((item) => mapStacks(item, map)) };
    default:
      return batch;
  }
}

function each(batch: Gathered, visit: (stack: Stack) => void): void {
  mapStacks(batch, (stack) => {
    visit(stack);
    return stack;
  });
}

function allocate(bytes: number): Memory {
  return typeof SharedArrayBuffer === 'function' ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes);
}

function isShared(memory: Memory): memory is SharedArrayBuffer {
  return typeof SharedArrayBuffer === 'function' && memory instanceof SharedArrayBuffer;
}
