/**
 * What the two sides of a worker thread say to each other. The worker owns all tensors; this side names them by ids
 * that it gives out itself, so nothing waits for an answer but what needs one.
 */
import { type Target } from '@fakkel/onnx/lowering';
import type { Aval, BackendStats, CompileHints, Program, TypedArray } from '@fakkel/core';
import type { NodeEngineOptions } from '../engines/node.js';

/** Small things that need no answer travel with the next request, in their order. */
export type Notice =
  | { readonly kind: 'upload'; readonly buffer: number; readonly aval: Aval; readonly data: TypedArray }
  | { readonly kind: 'fill'; readonly buffer: number; readonly aval: Aval; readonly value: number }
  | { readonly kind: 'release'; readonly buffer: number }
  | { readonly kind: 'forget'; readonly executable: number };

/** What the backend in the worker is made with. */
export interface WorkerOptions extends NodeEngineOptions {
  readonly sessions?: number;
}

export type Request =
  | { readonly kind: 'open'; readonly options: WorkerOptions }
  | { readonly kind: 'compile'; readonly executable: number; readonly program: Program; readonly hints?: CompileHints }
  | {
      readonly kind: 'run';
      readonly executable: number;
      readonly inputs: readonly number[];
      readonly donated: readonly boolean[];
      /** Ids for the outputs, should the run succeed. */
      readonly outputs: readonly number[];
      /** Which outputs come along with the answer: small ones are read as soon as they are there. */
      readonly wanted: readonly number[];
    }
  | { readonly kind: 'download'; readonly buffers: readonly number[] }
  | { readonly kind: 'dispose' };

export interface ToWorker {
  /** Undefined: notices alone. */
  readonly id?: number;
  readonly request?: Request;
  readonly notices: readonly Notice[];
}

/** An error of the other thread: its class by name, so that it is thrown as what it was. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly cause?: string;
}

export interface FromWorker {
  readonly id: number;
  readonly error?: SentError;
  readonly data?: readonly TypedArray[];
  readonly stats?: BackendStats;
  /** Arrays of uploads that are done with, for the uploads to come: a fresh one costs as much as the copy into it. */
  readonly returned?: readonly ArrayBuffer[];
  /** The answer to `open`. */
  readonly opened?: { readonly name: string; readonly target: Target };
}
