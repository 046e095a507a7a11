/**
 * Arrays that uploads had, for uploads to come: batches are of one size, and a fresh array costs as much as the copy.
 */
import type { Aval, TypedArray } from '@fakkel/core';
import { hostArray } from '../engines/host-memory.js';

/** Bytes kept; past them the oldest go to the collector. */
const MOST_BYTES = 64 * (1 << 20);

export class SpareArrays {
  private arrays: ArrayBuffer[] = [];
  private bytes = 0;

  /** An array for the aval, with any contents. */
  take(aval: Aval): TypedArray {
    const size = aval.shape.reduce((n, d) => n * d, aval.dtype === 'bool' ? 1 : 4);
    const at = this.arrays.findIndex((array) => array.byteLength === size);
    // Of float64 there is none, and `hostArray` says so.
    if (at < 0 || aval.dtype === 'float64') return hostArray(aval);
    const [array] = this.arrays.splice(at, 1);
    this.bytes -= size;
    switch (aval.dtype) {
      case 'float32':
        return new Float32Array(array);
      case 'int32':
        return new Int32Array(array);
      default:
        return new Uint8Array(array);
    }
  }

  put(array: ArrayBuffer): void {
    this.arrays.push(array);
    this.bytes += array.byteLength;
    while (this.bytes > MOST_BYTES) this.bytes -= this.arrays.shift()!.byteLength;
  }
}
