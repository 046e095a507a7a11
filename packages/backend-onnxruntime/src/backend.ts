/**
 * Programs as sessions of ONNX Runtime: the backend over an engine that runs in this thread.
 */
import {
  type Aval,
  type Backend,
  type BackendCapabilities,
  BackendError,
  type BackendStats,
  type CompileHints,
  type DeviceBuffer,
  type Executable,
  formatAval,
  type OpSignature,
  type Program,
  type TypedArray,
  type Unsupported,
} from '@fakkel/core';
import type { Tensor } from 'onnxruntime-common';
import type { Engine } from './engines/engine.js';
import { hostArray } from './engines/host-memory.js';
import { OrtExecutable } from './executable.js';
import { supports } from './lowering/lower.js';
import { SessionCache } from './session-cache.js';

const MIB = 1 << 20;

/** Uploads of up to this many elements are looked at before a run: scalars, and keys of random numbers. */
const HOST_ELEMENTS = 2;

/** A buffer of this backend. */
export class OrtBuffer implements DeviceBuffer {
  released = false;
  /** A run took it. */
  consumed = false;
  /** Runs under way that read or write it: its tensor is not given to others meanwhile. */
  uses = 0;
  constructor(
    readonly id: number,
    readonly aval: Aval,
    readonly tensor: Tensor,
    readonly owner: OrtBackend,
    /** The contents of scalars and keys, wherever the tensor is. */
    readonly host?: TypedArray,
  ) {}
}

export class OrtBackend implements Backend {
  readonly apiVersion = 1;
  readonly name: string;
  readonly capabilities: BackendCapabilities;
  readonly lost: Promise<Error>;
  readonly sessions: SessionCache;
  private nextId = 1;
  private liveBuffers = 0;
  private disposed = false;
  runs = 0;

  constructor(
    readonly engine: Engine,
    options: { sessions?: number } = {},
  ) {
    this.name = engine.name;
    this.lost = engine.lost;
    this.sessions = new SessionCache(options.sessions);
    this.capabilities = {
      dtypes: ['float32', 'int32', 'bool'],
      deterministic: engine.target.provider === 'cpu' || engine.target.provider === 'wasm',
      resident: engine.resident,
      memoryBudget: 512 * MIB,
      blocking: engine.blocking,
    };
  }

  supports(op: string, signature: OpSignature): true | Unsupported {
    return supports(op, signature, this.engine.target);
  }

  upload(data: TypedArray, aval: Aval): OrtBuffer {
    this.checkAlive('upload');
    this.checkLength('upload', data, aval);
    return this.buffer(aval, data);
  }

  fill(value: number, aval: Aval): OrtBuffer {
    this.checkAlive('fill');
    const data = hostArray(aval);
    return this.adopt(Object.is(value, 0) ? data : data.fill(value), aval);
  }

  /** A buffer of `data` itself where that is possible; the caller gives it away. */
  adopt(data: TypedArray, aval: Aval): OrtBuffer {
    this.checkAlive('adopt');
    this.checkLength('adopt', data, aval);
    return this.buffer(aval, data, true);
  }

  async download(buffers: readonly DeviceBuffer[]): Promise<readonly TypedArray[]> {
    const own = buffers.map((buffer) => this.check('download', buffer));
    return this.engine.memory.read(
      own.map((buffer) => buffer.tensor),
      own.map((buffer) => buffer.aval),
    );
  }

  release(buffer: DeviceBuffer): void {
    if (this.disposed) return;
    const own = this.check('release', buffer);
    own.released = true;
    this.liveBuffers--;
    this.recycle(own);
  }

  /** Releases an input that a run has taken: the next run's output takes its place. */
  consume(buffer: OrtBuffer): void {
    buffer.consumed = true;
    this.release(buffer);
  }

  /** Keeps the tensors of buffers for a run, also of those that are released before it is over. {@link letGo} follows. */
  retain(buffers: readonly OrtBuffer[]): void {
    for (const buffer of buffers) buffer.uses++;
  }

  letGo(buffers: readonly OrtBuffer[]): void {
    for (const buffer of buffers) {
      buffer.uses--;
      if (buffer.released) this.recycle(buffer);
    }
  }

  private recycle({ uses, tensor, aval, consumed }: OrtBuffer): void {
    if (uses === 0 && !this.disposed) this.engine.memory.release(tensor, aval, consumed);
  }

  async compile(program: Program, hints?: CompileHints): Promise<Executable> {
    this.checkAlive('compile');
    const executable = new OrtExecutable(this, program);
    await executable.prepare(hints);
    return executable;
  }

  stats(): BackendStats {
    const { liveBytes, peakBytes } = this.engine.memory;
    return { liveBuffers: this.liveBuffers, liveBytes, peakBytes, runs: this.runs, kernels: {} };
  }

  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    await this.sessions.dispose();
    this.engine.memory.dispose();
    await this.engine.dispose();
  }

  /** A new buffer; without `data`, its contents are undefined until a run writes them. */
  buffer(aval: Aval, data?: TypedArray, givenAway = false): OrtBuffer {
    const { memory } = this.engine;
    const host = data && data.length <= HOST_ELEMENTS ? data.slice() : undefined;
    const tensor = givenAway && data && memory.adopt ? memory.adopt(aval, data) : memory.allocate(aval, data);
    const buffer = new OrtBuffer(this.nextId++, aval, tensor, this, host);
    this.liveBuffers++;
    return buffer;
  }

  /** The buffer as this backend's own, alive. */
  check(op: string, buffer: DeviceBuffer): OrtBuffer {
    this.checkAlive(op);
    if (!(buffer instanceof OrtBuffer) || buffer.owner !== this) {
      throw new BackendError(`${op}: the buffer ${formatAval(buffer.aval)} belongs to another backend`);
    }
    if (buffer.released) {
      throw new BackendError(`${op}: buffer ${buffer.id}, ${formatAval(buffer.aval)}, is released already`);
    }
    return buffer;
  }

  private checkLength(op: string, data: TypedArray, aval: Aval): void {
    if (data.length !== aval.shape.reduce((n, d) => n * d, 1)) {
      throw new BackendError(`${op}: ${formatAval(aval)} does not hold ${data.length} elements`);
    }
  }

  private checkAlive(op: string): void {
    if (this.disposed) throw new BackendError(`${op}: this ${this.name} backend is disposed; create another`);
  }
}
