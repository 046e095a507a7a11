/**
 * What the benchmark and its engines say to each other: a line of JSON each way, over the engine's stdin and stdout.
 */
import type { NetworkName } from '../networks/index.js';

export type Phase = 'train' | 'infer';

/** What an engine is to do, on files that all engines get. */
export interface Task {
  readonly network: NetworkName;
  readonly phase: Phase;
  /** Safetensors: the state dict. */
  readonly weights: string;
  /** Safetensors: `x`, float32[N,C,H,W], and `y`, int32[N]. */
  readonly batch: string;
  readonly lr: number;
  readonly momentum: number;
}

export type Request =
  | ({ readonly op: 'load' } & Task)
  /** Runs `count` steps; with `rows`, on the first rows of the batch. */
  | { readonly op: 'steps'; readonly count: number; readonly rows?: number };

/** Said once, when the engine is there and no network is yet. */
export interface Hello {
  /** Name and version. */
  readonly title: string;
  readonly threads: number;
}

export interface Steps {
  /** Milliseconds of each step, from numbers in host memory to the loss (or the logits) in host memory. */
  readonly ms: number[];
  /** Milliseconds of each step outside the backend's `run` (Fakkel only). */
  readonly outside?: number[];
  readonly losses: number[];
  /** In inference: the logits of the first image. */
  readonly logits?: number[];
}

export type Reply<T> =
  | { readonly ok: T }
  /** The engine has not got what the task needs. */
  | { readonly cannot: string }
  | { readonly error: string };
