/**
 * Tensors as files describe them: a storage, and how its elements are arranged. Nothing is read until it is asked for.
 */
import { bfloat16ToFloat32, type DType, float16ToFloat32, type Shape, type TypedArray } from '@fakkel/core';
import { CheckpointError } from './errors.js';

/** Element types of files that have a meaning here. */
export type FileDType =
  'float64' | 'float32' | 'float16' | 'bfloat16' | 'int64' | 'int32' | 'int16' | 'int8' | 'uint8' | 'bool';

export const ITEM_SIZE: Readonly<Record<FileDType, number>> = {
  float64: 8,
  float32: 4,
  float16: 2,
  bfloat16: 2,
  int64: 8,
  int32: 4,
  int16: 2,
  int8: 1,
  uint8: 1,
  bool: 1,
};

/** What programs compute with in its place: half precision in float32, integers in int32. */
const COMPUTED: Readonly<Record<FileDType, DType>> = {
  float64: 'float64',
  float32: 'float32',
  float16: 'float32',
  bfloat16: 'float32',
  int64: 'int32',
  int32: 'int32',
  int16: 'int32',
  int8: 'int32',
  uint8: 'int32',
  bool: 'bool',
};

/** Counts bytes of the file as they are read. */
export type OnBytes = (count: number) => void;

/** The bytes of a storage, wherever in the file they are. */
export interface StorageBytes {
  readonly size: number;
  /** Where they begin, for reading in the order of the file. */
  readonly position: number;
  readonly bigEndian: boolean;
  /** Fills `target` with the bytes from `offset` on. */
  readInto(target: Uint8Array, offset: number, onBytes?: OnBytes): Promise<void>;
}

/** A tensor of a file. */
export class TensorEntry {
  readonly dtype: DType;
  readonly elements: number;

  /** Arguments that {@link checkView} has passed. */
  constructor(
    readonly storage: StorageBytes,
    readonly fileDtype: FileDType,
    readonly shape: Shape,
    readonly strides: readonly number[],
    /** The storage's element that the first one is. */
    readonly offset: number,
  ) {
    this.dtype = COMPUTED[fileDtype];
    this.elements = shape.reduce((n, size) => n * size, 1);
  }

  /** Elements of the storage from the first to the last that belongs to it. */
  get span(): number {
    return this.elements === 0 ? 0 : 1 + this.shape.reduce((n, size, i) => n + (size - 1) * this.strides[i], 0);
  }

  /** Bytes of the file that reading it takes. */
  get bytes(): number {
    return this.span * ITEM_SIZE[this.fileDtype];
  }

  get position(): number {
    return this.storage.position + this.offset * ITEM_SIZE[this.fileDtype];
  }

  /** Whether the elements lie in row-major order, without gaps; the stride of an axis of one element says nothing. */
  get isContiguous(): boolean {
    let expected = 1;
    for (let axis = this.shape.length - 1; axis >= 0; axis--) {
      if (this.shape[axis] === 1) continue;
      if (this.strides[axis] !== expected) return false;
      expected *= this.shape[axis];
    }
    return true;
  }

  /** The elements in row-major order, in an array of their own. */
  async read(name: string, onBytes?: OnBytes): Promise<TypedArray> {
    const out = allocate(this.dtype, this.elements);
    if (this.elements === 0) return out;
    if (this.isContiguous) await this.readRun(name, out, onBytes);
    else {
      const span = allocate(this.dtype, this.span);
      await this.readRun(name, span, onBytes);
      gather(span, out, this.shape, this.strides);
    }
    return out;
  }

  /** Consecutive elements of the storage, into an array of as many. */
  private async readRun(name: string, out: TypedArray, onBytes?: OnBytes): Promise<void> {
    const { storage, fileDtype } = this;
    const size = ITEM_SIZE[fileDtype];
    const start = this.offset * size;
    if (fileDtype === 'float32' || fileDtype === 'float64' || fileDtype === 'int32' || fileDtype === 'bool') {
      const bytes = new Uint8Array(out.buffer, out.byteOffset, out.byteLength);
      await storage.readInto(bytes, start, onBytes);
      if (storage.bigEndian) swapBytes(bytes, size);
      if (fileDtype === 'bool') for (let i = 0; i < bytes.length; i++) if (bytes[i] > 1) bytes[i] = 1;
      return;
    }
    // Piece by piece, so that beside the elements there is a little of the file's bytes, not all of them.
    const raw = new Uint8Array(Math.min(out.length, CHUNK_ELEMENTS) * size);
    for (let at = 0; at < out.length; at += CHUNK_ELEMENTS) {
      const bytes = raw.subarray(0, Math.min(CHUNK_ELEMENTS, out.length - at) * size);
      await storage.readInto(bytes, start + at * size, onBytes);
      if (storage.bigEndian) swapBytes(bytes, size);
      convert(name, fileDtype, bytes, out, at);
    }
  }
}

const CHUNK_ELEMENTS = 1 << 20;

/** Elements that a tensor may have: what typed arrays hold. */
const MAX_ELEMENTS = 2 ** 32;

/** PyTorch's limit; a shape longer than this is no tensor's. */
const MAX_AXES = 64;

/** Throws unless the view lies within its storage. */
export function checkView(
  what: string,
  storage: StorageBytes,
  dtype: FileDType,
  view: { readonly shape: unknown; readonly strides: unknown; readonly offset: unknown },
): TensorEntry {
  const counts = (value: unknown): value is number[] =>
    Array.isArray(value) &&
    value.length <= MAX_AXES &&
    value.every((n) => Number.isSafeInteger(n) && (n as number) >= 0);
  const { shape, strides, offset } = view;
  if (!counts(shape) || !counts(strides) || shape.length !== strides.length || !counts([offset])) {
    throw new CheckpointError(
      `${what}: a tensor has sizes and as many strides, whole numbers from 0 up, and an offset, got ` +
        `size ${String(shape)}, stride ${String(strides)}, offset ${String(offset)}; the file is damaged`,
    );
  }
  const elements = shape.reduce((n, size) => n * size, 1);
  if (elements > MAX_ELEMENTS) {
    throw new CheckpointError(`${what}: a tensor of shape [${shape.join(',')}] has more than 2^32 elements`);
  }
  const entry = new TensorEntry(storage, dtype, [...shape], [...strides], offset as number);
  const available = storage.size / ITEM_SIZE[dtype];
  if (entry.elements > 0 && entry.offset + entry.span > available) {
    throw new CheckpointError(
      `${what}: a ${dtype} tensor of shape [${shape.join(',')}], strides [${strides.join(',')}] and offset ${entry.offset} ` +
        `reaches beyond its storage of ${Math.floor(available)} elements; the file is damaged`,
    );
  }
  return entry;
}

function allocate(dtype: DType, length: number): TypedArray {
  switch (dtype) {
    case 'float32':
      return new Float32Array(length);
    case 'float64':
      return new Float64Array(length);
    case 'int32':
      return new Int32Array(length);
    case 'bool':
      return new Uint8Array(length);
    default:
      return dtype satisfies never;
  }
}

function convert(name: string, dtype: Exclude<FileDType, DType>, bytes: Uint8Array, out: TypedArray, at: number): void {
  const { buffer, byteOffset } = bytes;
  const length = bytes.length / ITEM_SIZE[dtype];
  switch (dtype) {
    case 'float16':
      return out.set(float16ToFloat32(new Uint16Array(buffer, byteOffset, length)), at);
    case 'bfloat16':
      return out.set(bfloat16ToFloat32(new Uint16Array(buffer, byteOffset, length)), at);
    case 'int16':
      return out.set(new Int16Array(buffer, byteOffset, length), at);
    case 'int8':
      return out.set(new Int8Array(buffer, byteOffset, length), at);
    case 'uint8':
      return out.set(bytes, at);
    case 'int64': {
      // Its low half, where the high half is nothing but the sign of that.
      const halves = new Int32Array(buffer, byteOffset, 2 * length);
      for (let i = 0; i < length; i++) {
        const low = halves[2 * i];
        if (halves[2 * i + 1] !== low >> 31) {
          throw new CheckpointError(
            `${name} holds ${new BigInt64Array(buffer, byteOffset, length)[i]}, which int32 does not hold (−2147483648 to 2147483647)`,
          );
        }
        out[at + i] = low;
      }
      return;
    }
    default:
      return dtype satisfies never;
  }
}

export function swapBytes(bytes: Uint8Array, itemSize: number): void {
  if (itemSize === 1) return;
  for (let at = 0; at < bytes.length; at += itemSize) bytes.subarray(at, at + itemSize).reverse();
}

/** Copies a strided view of `from` to `to`, row-major. */
function gather(from: TypedArray, to: TypedArray, shape: Shape, strides: readonly number[]): void {
  const axes = shape.length;
  const last = axes - 1;
  const [width, step] = [shape[last], strides[last]];
  const index = new Array<number>(axes).fill(0);
  let start = 0;
  for (let at = 0; at < to.length; at += width) {
    for (let i = 0; i < width; i++) to[at + i] = from[start + i * step];
    for (let axis = last - 1; axis >= 0; axis--) {
      start += strides[axis];
      if (++index[axis] < shape[axis]) break;
      start -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
}
