/**
 * What the benchmark and a loader of images say to each other, in the way of `engines/protocol.ts`.
 */

/** Opens a folder of images, and goes through it once. */
export interface LoadRequest {
  readonly op: 'load';
  readonly folder: string;
  readonly batchSize: number;
  readonly workers: number;
}

/** Goes through it: every batch is there as a tensor before the next is asked for. */
export interface EpochRequest {
  readonly op: 'epoch';
}

export type LoaderRequest = LoadRequest | EpochRequest;

export interface Epoch {
  readonly images: number;
  /** Of the whole epoch. */
  readonly ms: number;
  /** Until the first batch. */
  readonly firstMs: number;
  /** Milliseconds in which the thread with the loop did anything, where it is known. */
  readonly busyMs?: number;
}
