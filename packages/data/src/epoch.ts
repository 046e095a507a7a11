/**
 * An epoch under way: what its batches are made of, and how many of them have been handed out.
 */
import type { SampleStream } from './iterable-dataset.js';
import type { StreamPosition } from './loader-state.js';
import { sampleSeed } from './sample-context.js';

/** What one batch is made of: plain data, so that a worker can be given it. */
export interface Work {
  /** Which samples: their indices, or their places in the stream. */
  readonly indices: readonly number[];
  /** What an iterable dataset streamed, one for each sample. */
  readonly raws?: readonly unknown[];
  /** Of each sample's generator. */
  readonly seeds: Uint32Array;
}

/** Batches of an epoch, in order. */
export interface Epoch {
  /** What all seeds of the epoch follow from. */
  readonly baseSeed: bigint;
  /** Batches handed out. */
  readonly batch: number;
  /** Batches drawn. */
  readonly drawn: number;
  /** Whether there are no more to draw. */
  readonly exhausted: boolean;
  /** Where the stream of an iterable dataset stood after the batch handed out last. */
  readonly position?: StreamPosition;
  /** What the next batch is made of; undefined at the end. */
  next(): Work | undefined | Promise<Work | undefined>;
  /** A batch of this was handed out. */
  handedOut(work: Work): void;
  /** Lets the sampler or the stream clean up. */
  end(): void | Promise<void>;
}

/** An epoch of indices, which a sampler draws. */
export class IndexEpoch implements Epoch {
  batch = 0;
  drawn = 0;
  /** The sampler has given its last. */
  private isDone = false;
  /** Drawn before the state was saved, and not handed out by then. */
  private readonly waiting: Work[] = [];
  /** How often each index came. */
  private readonly occurrences: Uint32Array;

  constructor(
    private readonly batches: Iterator<readonly number[]>,
    readonly baseSeed: bigint,
    samples: number,
  ) {
    this.occurrences = new Uint32Array(samples);
  }

  get exhausted(): boolean {
    return this.isDone && this.waiting.length === 0;
  }

  /** Goes on where the epoch stood when `batch` batches were handed out and `drawn` were drawn. */
  skip(batch: number, drawn: number): this {
    for (let i = 0; i < drawn; i++) {
      const work = this.draw();
      if (work && i >= batch) this.waiting.push(work);
    }
    this.batch = batch;
    return this;
  }

  next(): Work | undefined {
    return this.waiting.shift() ?? this.draw();
  }

  handedOut(): void {
    this.batch++;
  }

  end(): void {
    if (!this.isDone) this.batches.return?.();
    this.isDone = true;
  }

  private draw(): Work | undefined {
    if (this.isDone) return undefined;
    const result = this.batches.next();
    this.drawn++;
    if (result.done) {
      this.isDone = true;
      return undefined;
    }
    const indices = result.value;
    const seeds = Uint32Array.from(indices, (index) => sampleSeed(this.baseSeed, index, this.count(index)));
    return { indices, seeds };
  }

  /** How often the index came before. One that the dataset has not got is its own error. */
  private count(index: number): number {
    return index in this.occurrences ? this.occurrences[index]++ : 0;
  }
}

/** An epoch of an iterable dataset: what it streams, in batches. */
export class StreamEpoch implements Epoch {
  batch: number;
  drawn: number;
  exhausted = false;
  position: StreamPosition;
  private count: number;
  /** Samples at the beginning of the stream that are left out. */
  private dropped: number;
  private readonly iterator: AsyncIterator<unknown> | Iterator<unknown>;
  /** Where the stream stood after each batch that was drawn and is not handed out yet. */
  private readonly positions = new Map<Work, StreamPosition>();
  /** Streams are asked for one sample after the other. */
  private last: Promise<unknown> = Promise.resolve();

  /** @param from - Where to go on. */
  constructor(
    private readonly stream: SampleStream<unknown>,
    readonly baseSeed: bigint,
    private readonly batches: { readonly batchSize: number; readonly dropLast: boolean },
    from: { readonly batch: number; readonly position: StreamPosition } = { batch: 0, position: { count: 0 } },
  ) {
    this.batch = this.drawn = from.batch;
    this.position = from.position;
    this.count = from.position.count;
    // A stream that says where it stands has gone on from there by itself.
    this.dropped = from.position.state === undefined ? this.count : 0;
    this.iterator = Symbol.asyncIterator in stream ? stream[Symbol.asyncIterator]() : stream[Symbol.iterator]();
  }

  next(): Promise<Work | undefined> {
    const work = this.last.then(() => this.draw());
    this.last = work.catch(() => (this.exhausted = true));
    return work;
  }

  handedOut(work: Work): void {
    this.batch++;
    this.position = this.positions.get(work)!;
    this.positions.delete(work);
  }

  async end(): Promise<void> {
    const { exhausted } = this;
    this.exhausted = true;
    if (!exhausted) await this.iterator.return?.();
  }

  private async draw(): Promise<Work | undefined> {
    const { batchSize, dropLast } = this.batches;
    const raws: unknown[] = [];
    while (raws.length < batchSize && !this.exhausted) {
      const result = await this.iterator.next();
      if (result.done) this.exhausted = true;
      else if (this.dropped > 0) this.dropped--;
      else raws.push(result.value);
    }
    if (raws.length === 0 || (dropLast && raws.length < batchSize)) return undefined;
    const indices = raws.map((_, i) => this.count + i);
    this.count += raws.length;
    this.drawn++;
    const seeds = Uint32Array.from(indices, (index) => sampleSeed(this.baseSeed, index, 0));
    const work = { indices, raws, seeds };
    const state = this.stream.stateDict?.();
    this.positions.set(work, { count: this.count, ...(state !== undefined && { state }) });
    return work;
  }
}
