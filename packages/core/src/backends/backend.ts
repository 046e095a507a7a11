/**
 * The interface of a backend: everything that core asks of an engine.
 */
import type { DType, TypedArray } from '../dtype.js';
import type { Attrs, Program } from '../program/program.js';
import type { Aval } from '../shape.js';

/**
 * A value on the device. The contents behind an id never change: a write gives a new id, so a backend may cache
 * derived forms (blocked weights, initializers) by id. Backends extend it with what they need.
 */
export interface DeviceBuffer {
  readonly id: number;
  readonly aval: Aval;
}

export interface OpSignature {
  readonly inputs: readonly Aval[];
  readonly outputs: readonly Aval[];
  readonly attrs: Attrs;
}

/** Why an op is left out; core decomposes it where it can, and quotes the reason where it cannot. */
export interface Unsupported {
  readonly reason: string;
}

export interface BackendCapabilities {
  /** Element types that programs may hold. */
  readonly dtypes: readonly DType[];
  /** Two runs of one program on equal inputs give equal bits. */
  readonly deterministic: boolean;
  /** Outputs stay on the device between runs (false: they are host arrays anyway). */
  readonly resident: boolean;
  /** Bytes that core may keep on the device for results and activations, beside cells. */
  readonly memoryBudget: number;
  /** `run` blocks the event loop while it computes. */
  readonly blocking: boolean;
}

export interface BackendStats {
  readonly liveBuffers: number;
  readonly liveBytes: number;
  /** The most bytes ever alive at once, buffers and intermediates. */
  readonly peakBytes: number;
  readonly runs: number;
  /** Kernels executed, by op name, where the backend counts them. */
  readonly kernels: Readonly<Record<string, number>>;
}

/** What is known when a program is compiled, and may be otherwise in a later run. */
export interface CompileHints {
  /** For each input of the program its value in the run to come, where it is a scalar. */
  readonly scalars: readonly (number | undefined)[];
}

export interface Backend {
  readonly name: string;
  readonly apiVersion: 1;
  readonly capabilities: BackendCapabilities;
  /** Asked before compiling, for every op with a decomposition, and for core ops to give a clear error. */
  supports(op: string, signature: OpSignature): true | Unsupported;
  /** Copies `data` to the device. */
  upload(data: TypedArray, aval: Aval): DeviceBuffer;
  /**
   * As {@link Backend.upload}, of an array that the caller gives away: the backend may keep it as the buffer, hand it to
   * another thread, or write to it. Nobody else has it, or another view of its memory. For large weights, which would
   * take their size twice while they are copied.
   */
  adopt?(data: TypedArray, aval: Aval): DeviceBuffer;
  /** A buffer of equal elements, if that is cheaper than an upload: zeros of an optimizer, ones of a normalization. */
  fill?(value: number, aval: Aval): DeviceBuffer;
  /** Copies to the host; the arrays belong to the caller. */
  download(buffers: readonly DeviceBuffer[]): Promise<readonly TypedArray[]>;
  release(buffer: DeviceBuffer): void;
  compile(program: Program, hints?: CompileHints): Promise<Executable>;
  /** Resolves when the device is gone. */
  readonly lost: Promise<Error>;
  stats(): BackendStats;
  dispose(): Promise<void>;
}

export interface Executable {
  /**
   * Runs once. Donated inputs are consumed only if the promise resolves: core then forgets them without `release`.
   * No output aliases an input or another output. Resolves when the outputs may feed another run.
   */
  run(inputs: readonly DeviceBuffer[], donated: readonly boolean[]): Promise<readonly DeviceBuffer[]>;
  dispose(): void;
}

/** What a backend package exports. */
export interface BackendDefinition {
  /** How `device()` and error messages call it. */
  readonly name: string;
  /** Makes an instance; `variant` is what follows the colon in `device('name:variant')`. */
  create(options: { variant?: string }): Promise<Backend>;
}

/** Checks and returns the definition: the one export that a backend package needs. */
export function defineBackend(definition: BackendDefinition): BackendDefinition {
  if (typeof definition?.name !== 'string' || typeof definition.create !== 'function') {
    throw new TypeError('defineBackend: expected { name: string, create(options): Promise<Backend> }');
  }
  return definition;
}
