/**
 * Host arrays, kept for the next run: a training step asks for the same sizes again and again.
 */
import { allocate, type DType, itemSize, type TypedArray } from '../../dtype.js';

export class BufferPool {
  /** Bytes in use, and the most that ever were. */
  liveBytes = 0;
  peakBytes = 0;
  /** Bytes kept for later. */
  freeBytes = 0;
  /** Arrays that had to be made because none was free. */
  allocations = 0;

  readonly #free = new Map<string, TypedArray[]>();

  /** `maxFreeBytes` bounds what is kept for later. */
  constructor(private readonly maxFreeBytes: number) {}

  /** An array of `length` elements with arbitrary contents. */
  acquire(dtype: DType, length: number): TypedArray {
    const bytes = length * itemSize(dtype);
    const array = this.#free.get(`${dtype}:${length}`)?.pop();
    if (array) this.freeBytes -= bytes;
    else this.allocations++;
    const result = array ?? allocate(dtype, length);
    this.adopt(result);
    return result;
  }

  /** Counts an array from elsewhere among those in use; released, it comes to the others. */
  adopt(array: TypedArray): void {
    this.liveBytes += array.byteLength;
    if (this.liveBytes > this.peakBytes) this.peakBytes = this.liveBytes;
  }

  release(dtype: DType, array: TypedArray): void {
    const bytes = array.byteLength;
    this.liveBytes -= bytes;
    if (bytes > this.maxFreeBytes) return;
    // Sizes that are no longer asked for (another batch size, another model) leave here.
    if (this.freeBytes + bytes > this.maxFreeBytes) this.clear();
    const key = `${dtype}:${array.length}`;
    const list = this.#free.get(key);
    if (list) list.push(array);
    else this.#free.set(key, [array]);
    this.freeBytes += bytes;
  }

  /** Drops all that is free. */
  clear(): void {
    this.#free.clear();
    this.freeBytes = 0;
  }
}
