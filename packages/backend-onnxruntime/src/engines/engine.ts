/**
 * What differs between the builds of ONNX Runtime: how a session is made, and where tensors live.
 */
import { type Target } from '@fakkel/onnx/lowering';
import type { Aval, TypedArray } from '@fakkel/core';
import type { OnnxModel } from '@fakkel/onnx';
import type { Tensor } from 'onnxruntime-common';

/** Memory for tensors: pooled, so that the buffers of a training loop take turns and nothing grows with its steps. */
export interface TensorMemory {
  /** A tensor with undefined contents, or with a copy of `data`. */
  allocate(aval: Aval, data?: TypedArray): Tensor;
  /** A tensor whose contents are `data` itself, which nobody else keeps. */
  adopt?(aval: Aval, data: TypedArray): Tensor;
  /** Back to the pool; what was adopted goes to the collector, but if `reuse`: a run that took it gave one like it. */
  release(tensor: Tensor, aval: Aval, reuse?: boolean): void;
  /** Copies, in arrays of their own. */
  read(tensors: readonly Tensor[], avals: readonly Aval[]): Promise<readonly TypedArray[]>;
  /** Bytes of tensors in use. */
  readonly liveBytes: number;
  /** The most that were ever in use at once. */
  readonly peakBytes: number;
  dispose(): void;
}

export interface EngineSession {
  /** Runs with all outputs preallocated. */
  run(feeds: Readonly<Record<string, Tensor>>, fetches: Readonly<Record<string, Tensor>>): Promise<void>;
  release(): Promise<void>;
}

export interface Engine {
  /** How errors and `Backend.name` call it: `onnxruntime:cpu`. */
  readonly name: string;
  readonly target: Target;
  /** Tensors stay on a device of their own: `run` does not copy them. */
  readonly resident: boolean;
  /** `run` holds the event loop. */
  readonly blocking: boolean;
  /** Weights of inference may become constants of a session: it pays, and their contents are on the host. */
  readonly freezes: boolean;
  readonly memory: TensorMemory;
  /** What is gone with the device, if it can go. */
  readonly lost: Promise<Error>;
  createSession(model: OnnxModel): Promise<EngineSession>;
  dispose(): Promise<void>;
}
