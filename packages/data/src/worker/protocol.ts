/**
 * What the loader's thread and its workers say to each other.
 */
import type { Gathered } from '../collate.js';
import type { SentError } from './errors.js';
import type { Packed } from './packing.js';
import type { Sent } from './samples.js';

/** Memory of a batch: shared between the threads where that is allowed, else handed from one to the other. */
export type Memory = ArrayBuffer | SharedArrayBuffer;

/** The first message to a worker. */
export interface Open {
  readonly kind: 'open';
  readonly dataset: Packed;
  /** What makes a batch of samples: the default function, one of the user's, or the loader's thread. */
  readonly collate: 'default' | 'samples' | Packed;
  readonly initFn: Packed | undefined;
  readonly id: number;
  readonly numWorkers: number;
  /** What all workers and the loader's thread see. */
  readonly shared: Shared | undefined;
}

/** Numbers that all threads see. */
export interface Shared {
  /** One number: requests of epochs before this one are not worked on any more. */
  readonly epoch: Int32Array;
  /** For each worker, the sample that it is at, or −1. */
  readonly at: Float64Array;
}

/** Asks for a batch. */
export interface Load {
  readonly kind: 'load';
  readonly ticket: number;
  readonly epoch: number;
  /** What the worker's own default generator starts from, as in PyTorch: the epoch's seed plus the worker's number. */
  readonly workerSeed: bigint;
  readonly indices: readonly number[];
  readonly seeds: Uint32Array;
  /** What an iterable dataset streamed. */
  readonly raws: readonly Sent[] | undefined;
  /** Of an earlier batch, to be used again. */
  readonly memory: Memory | undefined;
}

export type ToWorker = Open | Load;

export type FromWorker =
  /** The worker could not make the dataset. */
  | { readonly kind: 'broken'; readonly error: SentError }
  | Loaded
  | {
      readonly kind: 'failed';
      readonly ticket: number;
      /** The sample; left out if it is not the fault of one. */
      readonly index?: number;
      readonly error: SentError;
    };

/** A batch, or the samples of one; or nothing: all samples were left out, or the epoch is over. */
export type Loaded =
  | { readonly kind: 'batch'; readonly ticket: number; readonly batch: Gathered; readonly memory: Memory }
  /** The samples, or one thing: what the user's function made of them. */
  | { readonly kind: 'samples'; readonly ticket: number; readonly samples: readonly Sent[] }
  | { readonly kind: 'skipped'; readonly ticket: number };

/** One side of a thread, as the other sees it. */
export interface Port<Out, In> {
  post(message: Out, transfer: readonly ArrayBuffer[]): void;
  onMessage(listener: (message: In) => void): void;
}
