/**
 * The backend in a worker thread: a training run leaves the event loop of the application free, so a server or a
 * dashboard in the same process stays responsive.
 *
 * Tensors stay in the worker; uploads are copied once and handed over, downloads come back the same way. (Memory that
 * both threads see, `SharedArrayBuffer`, is refused by onnxruntime-node 1.30.)
 */
import { type Target } from '@fakkel/onnx/lowering';
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
  valueAvals,
} from '@fakkel/core';
import type { Worker } from 'node:worker_threads';
import { supports } from '../lowering/lower.js';
import { type Busy, close, makeBusy } from './busy.js';
import { receiveError } from './errors.js';
import { SpareArrays } from './spare-arrays.js';
import type { FromWorker, Notice, Request, WorkerOptions } from './protocol.js';

class RemoteBuffer implements DeviceBuffer {
  released = false;
  /** A copy on this side, of what came with a run. */
  host: TypedArray | undefined;
  constructor(
    readonly id: number,
    readonly aval: Aval,
    readonly owner: WorkerBackend,
  ) {}
}

/** What this side knows of an executable. */
interface Compiled {
  readonly executable: number;
  readonly outputs: readonly Aval[];
  /** The outputs that come with the answer. */
  readonly wanted: readonly number[];
}

interface Pending {
  readonly resolve: (message: FromWorker) => void;
  readonly reject: (error: Error) => void;
}

/** Results up to this size come with the answer of their run: core reads them at once, and a second trip is spared. */
const SMALL_BYTES = 64 * 1024;

/** Notices that are sent without waiting for the next request: what they release is large, or they are many. */
const NOTICES = 256;

/** Of the workers that live: a process that exits waits for what they have begun. */
const working = new Set<Busy>();
let isWatching = false;

export class WorkerBackend implements Backend {
  readonly apiVersion = 1;
  readonly capabilities: BackendCapabilities = {
    dtypes: ['float32', 'int32', 'bool'],
    deterministic: true,
    resident: true,
    memoryBudget: 512 * (1 << 20),
    blocking: false,
  };
  readonly lost: Promise<Error>;
  private readonly pending = new Map<number, Pending>();
  private notices: Notice[] = [];
  /** Memory that goes to the worker with the next message. */
  private transfers = new Set<ArrayBuffer>();
  private nextId = 1;
  private readonly spares = new SpareArrays();
  private liveBuffers = 0;
  private latest: BackendStats = { liveBuffers: 0, liveBytes: 0, peakBytes: 0, runs: 0, kernels: {} };
  private failure: Error | null = null;
  private disposed = false;

  name = 'onnxruntime';
  private target!: Target;

  private constructor(
    private readonly worker: Worker,
    busy: Busy,
  ) {
    let lose!: (error: Error) => void;
    this.lost = new Promise((resolve) => (lose = resolve));
    const fail = (why: string, cause?: unknown): void => {
      if (this.failure) return;
      if (this.disposed) return this.abandon(this.disposedError('run'));
      this.failure = new BackendError(
        `${this.name}: its worker thread ${why}. What was on the device is gone: make the device and the model anew, and ` +
          `load the last checkpoint.`,
        { cause },
      );
      this.abandon(this.failure);
      lose(this.failure);
    };
    worker.on('message', (message: FromWorker) => this.settle(message));
    worker.on('error', (error: Error) => fail(`failed: ${error.message}`, error));
    working.add(busy);
    worker.on('exit', (code) => {
      working.delete(busy);
      fail(`ended with code ${code}`);
    });
  }

  static async open(options: WorkerOptions): Promise<WorkerBackend> {
    const { Worker } = await import('node:worker_threads');
    const busy = makeBusy();
    const workerData = { busy };
    const worker = import.meta.url.endsWith('.ts')
      ? new Worker(runSource(new URL('./thread.ts', import.meta.url)), {
          eval: true,
          workerData,
          execArgv: ['--conditions=@fakkel/source'],
        })
      : new Worker(new URL('./thread.js', import.meta.url), { workerData });
    const backend = new WorkerBackend(worker, busy);
    if (!isWatching) process.on('exit', () => working.forEach(close));
    isWatching = true;
    // An idle worker lets the process end; a run that is awaited does not.
    worker.unref();
    const { opened } = await backend.ask({ kind: 'open', options }).catch(async (error: unknown) => {
      await worker.terminate();
      throw error;
    });
    ({ name: backend.name, target: backend.target } = opened!);
    return backend;
  }

  supports(op: string, signature: OpSignature): true | Unsupported {
    return supports(op, signature, this.target);
  }

  upload(data: TypedArray, aval: Aval): RemoteBuffer {
    this.checkAlive('upload');
    checkLength('upload', data, aval);
    // Not `slice`: that of Node's `Buffer` is a view, whose memory would be taken from its owner.
    const copy = this.spares.take(aval);
    copy.set(data);
    return this.handOver(copy, aval);
  }

  /** Hands the array itself over, where that takes no other array along: what was adopted twice is copied. */
  adopt(data: TypedArray, aval: Aval): RemoteBuffer {
    this.checkAlive('adopt');
    checkLength('adopt', data, aval);
    const { buffer } = data;
    const isWhole = buffer instanceof ArrayBuffer && buffer.byteLength === data.byteLength;
    const isFree = isWhole && data.length > 0 && !this.transfers.has(buffer);
    // Of float64 there is none, and `hostArray` says so.
    return isFree && aval.dtype !== 'float64' ? this.handOver(data, aval) : this.upload(data, aval);
  }

  private handOver(data: TypedArray, { shape, dtype }: Aval): RemoteBuffer {
    // What has a shape and a dtype may be a whole tensor, which can't go to the worker.
    const aval = { shape, dtype };
    const buffer = this.buffer(aval);
    this.transfers.add(data.buffer as ArrayBuffer);
    this.notify({ kind: 'upload', buffer: buffer.id, aval, data });
    return buffer;
  }

  fill(value: number, { shape, dtype }: Aval): RemoteBuffer {
    this.checkAlive('fill');
    const buffer = this.buffer({ shape, dtype });
    this.notify({ kind: 'fill', buffer: buffer.id, aval: { shape, dtype }, value });
    return buffer;
  }

  async download(buffers: readonly DeviceBuffer[]): Promise<readonly TypedArray[]> {
    const own = buffers.map((buffer) => this.check('download', buffer));
    const away = own.filter(({ host }) => !host).map(({ id }) => id);
    const fetched = away.length > 0 ? (await this.ask({ kind: 'download', buffers: away })).data! : [];
    let next = 0;
    return own.map(({ host }) => host?.slice() ?? fetched[next++]);
  }

  release(buffer: DeviceBuffer): void {
    if (this.disposed || this.failure) return;
    const own = this.check('release', buffer);
    this.forget(own);
    this.notify({ kind: 'release', buffer: own.id });
  }

  async compile(program: Program, hints?: CompileHints): Promise<Executable> {
    this.checkAlive('compile');
    const executable = this.nextId++;
    const avals = valueAvals(program);
    const outputs = program.outputs.map(({ value }) => avals[value]);
    const wanted = program.outputs.flatMap(({ replaces }, i) =>
      replaces === undefined && 4 * sizeOf(outputs[i]) <= SMALL_BYTES ? [i] : [],
    );
    await this.ask({ kind: 'compile', executable, program, hints });
    return {
      run: (inputs, donated) => this.run({ executable, outputs, wanted }, inputs, donated),
      dispose: () => {
        if (!this.disposed && !this.failure) this.notify({ kind: 'forget', executable });
      },
    };
  }

  stats(): BackendStats {
    return { ...this.latest, liveBuffers: this.liveBuffers };
  }

  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    if (!this.failure) await this.ask({ kind: 'dispose' }).catch(() => undefined);
    await this.worker.terminate();
  }

  /** Tells all that wait for an answer that none will come. */
  private abandon(error: Error): void {
    for (const { reject } of this.pending.values()) reject(error);
    this.pending.clear();
  }

  private async run(
    { executable, outputs: avals, wanted }: Compiled,
    inputs: readonly DeviceBuffer[],
    donated: readonly boolean[],
  ): Promise<readonly DeviceBuffer[]> {
    const own = inputs.map((input) => this.check('run', input));
    const outputs = avals.map(() => this.nextId++);
    const ids = own.map(({ id }) => id);
    const { data } = await this.ask({ kind: 'run', executable, inputs: ids, donated, outputs, wanted });
    new Set(own.filter((_, i) => donated[i])).forEach((buffer) => this.forget(buffer));
    const results = outputs.map((id, i) => new RemoteBuffer(id, avals[i], this));
    this.liveBuffers += results.length;
    wanted.forEach((output, i) => (results[output].host = data![i]));
    return results;
  }

  private buffer(aval: Aval): RemoteBuffer {
    this.liveBuffers++;
    return new RemoteBuffer(this.nextId++, aval, this);
  }

  private forget(buffer: RemoteBuffer): void {
    buffer.released = true;
    this.liveBuffers--;
  }

  private notify(notice: Notice): void {
    this.notices.push(notice);
    if (this.notices.length >= NOTICES) this.post();
  }

  private post(id?: number, request?: Request): void {
    const { notices, transfers } = this;
    // Before they are sent: what can't be is not tried again with each message to come.
    this.notices = [];
    this.transfers = new Set();
    this.worker.postMessage({ id, request, notices }, [...transfers]);
  }

  private ask(request: Request): Promise<FromWorker> {
    if (this.failure) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      const id = this.nextId++;
      this.post(id, request);
      if (this.pending.size === 0) this.worker.ref();
      this.pending.set(id, { resolve, reject });
    });
  }

  private settle(message: FromWorker): void {
    const waiting = this.pending.get(message.id);
    this.pending.delete(message.id);
    if (this.pending.size === 0) this.worker.unref();
    if (message.stats) this.latest = message.stats;
    for (const array of message.returned ?? []) this.spares.put(array);
    if (message.error) waiting?.reject(receiveError(message.error));
    else waiting?.resolve(message);
  }

  private check(op: string, buffer: DeviceBuffer): RemoteBuffer {
    this.checkAlive(op);
    if (!(buffer instanceof RemoteBuffer) || buffer.owner !== this) {
      throw new BackendError(`${op}: the buffer ${formatAval(buffer.aval)} belongs to another backend`);
    }
    if (buffer.released) {
      throw new BackendError(`${op}: buffer ${buffer.id}, ${formatAval(buffer.aval)}, is released already`);
    }
    return buffer;
  }

  private checkAlive(op: string): void {
    if (this.disposed) throw this.disposedError(op);
    if (this.failure) throw this.failure;
  }

  private disposedError(op: string): BackendError {
    return new BackendError(`${op}: this ${this.name} backend is disposed; create another`);
  }
}

/** What is published is JavaScript; sources run through tsx, which a worker of Node 20 has to register itself. */
const runSource = (url: URL): string =>
  `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(url)}); })`;

function checkLength(op: string, data: TypedArray, aval: Aval): void {
  if (data.length !== sizeOf(aval)) {
    throw new BackendError(`${op}: ${formatAval(aval)} does not hold ${data.length} elements`);
  }
}

const sizeOf = ({ shape }: Aval): number => shape.reduce((n, d) => n * d, 1);
