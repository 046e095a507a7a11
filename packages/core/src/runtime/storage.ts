/**
 * The contents of one value: on the host, on the device, or on their way. Contents never change.
 */
import type { DeviceBuffer } from '../backends/backend.js';
import type { TypedArray } from '../dtype.js';
import { allocate } from '../dtype.js';
import type { Aval } from '../shape.js';
import { byteSize, sizeOf } from '../shape.js';

/** Results up to this many bytes are copied to the host with the run. */
export const HOST_RESULT_BYTES = 64 * 1024;

/** Why bytes are held: the rows of `memory()`. */
export type MemoryRole = 'parameter' | 'buffer' | 'optimizer' | 'gradient' | 'state' | 'result' | 'activation' | 'data';

/** How the contents entered: decides the role of a program's input and what may be cached. */
export type StorageKind = 'cell' | 'result' | 'activation' | 'data' | 'scalar' | 'random' | 'literal';

export class Storage {
  host: TypedArray | null = null;
  /** A constant not yet written out: every element has this value. */
  fill: number | null = null;
  /** Random numbers not yet drawn: gives them, the same at every call, in an array of their own. */
  draw: (() => TypedArray) | null = null;
  buffer: DeviceBuffer | null = null;
  /** Settles when the run that makes it has ended; null once it has. */
  pending: Promise<void> | null = null;
  /** Why it will never have contents. */
  error: unknown = undefined;
  /** Scheduled runs and downloads that will read it: it is not released meanwhile. */
  pins = 0;
  /** A snapshot looks at it: it outlives its cell's version (on the host), and is not donated. */
  shared = false;
  /** A queued run takes it away: from now on only what is queued before reads it. Snapshots stay. */
  leaving = false;
  /** Nobody owns it any more: released when the last pin goes. */
  retired = false;
  /** Counted among the bytes that wait to be uploaded. */
  waits = false;
  /** Belongs to a compiled program: stays on the device as long as that. */
  keepOnDevice = false;
  /** Uploads so far: data that is used a second time stays on the device, under the budget. */
  uploads = 0;
  role: MemoryRole;
  /** Scratch of the tracer. */
  mark = 0;
  slot = 0;

  readonly aval: Aval;

  constructor(
    { shape, dtype }: Aval,
    readonly kind: StorageKind,
    role?: MemoryRole,
  ) {
    // What has a shape and a dtype may be a tensor, which would hold on to all that it was computed from.
    this.aval = { shape, dtype };
    this.role = role ?? (kind === 'result' || kind === 'activation' ? kind : 'data');
  }

  static ofHost(aval: Aval, host: TypedArray, kind: StorageKind, role?: MemoryRole): Storage {
    const storage = new Storage(aval, kind, role);
    storage.host = host;
    return storage;
  }

  static filled(aval: Aval, fill: number, kind: StorageKind, role?: MemoryRole): Storage {
    const storage = new Storage(aval, kind, role);
    storage.fill = fill;
    return storage;
  }

  static drawn(aval: Aval, draw: () => TypedArray, kind: StorageKind): Storage {
    const storage = new Storage(aval, kind);
    storage.draw = draw;
    return storage;
  }

  /** Whether the contents are on the host, or can be written out there at any time. */
  get onHost(): boolean {
    return this.host !== null || this.fill !== null || this.draw !== null;
  }

  get bytes(): number {
    return byteSize(this.aval);
  }

  /** Whether the contents are here, on their way, or failed: false once they have been let go. */
  get present(): boolean {
    if (this.leaving && !this.shared) return false;
    return this.onHost || this.buffer !== null || this.pending !== null || this.error !== undefined;
  }

  /** Whether the contents of a run's output will be had as long as a handle on them: on the host, where need be. */
  get lasts(): boolean {
    return this.shared || (this.kind === 'result' && this.bytes <= HOST_RESULT_BYTES);
  }

  /** The host contents, if they are on the host. Not to be written to. */
  hostData(): TypedArray | null {
    if (this.host === null && this.fill !== null) {
      this.host = allocate(this.aval.dtype, sizeOf(this.aval.shape)).fill(this.fill);
    }
    if (this.host === null && this.draw !== null) this.host = this.draw();
    return this.host;
  }
}
