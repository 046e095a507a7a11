/**
 * Memory that worker threads share: what a dataset keeps is there once, whatever their number.
 */
import { isPortable } from './portable.js';

type SharedArray = Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;

/** `array`, in shared memory: itself if it is there, else a copy. In pages that may share none, itself. */
export function shared<A extends SharedArray>(array: A): A {
  if (typeof SharedArrayBuffer === 'undefined' || array.buffer instanceof SharedArrayBuffer) return array;
  const Elements = array.constructor as new (buffer: SharedArrayBuffer) => A;
  const copy = new Elements(new SharedArrayBuffer(array.byteLength));
  copy.set(array);
  return copy;
}

/** Many strings as two arrays: the million paths of a dataset cost a worker nothing. */
export class StringTable {
  private constructor(
    /** UTF-8, one after the other. */
    readonly bytes: Uint8Array,
    /** Where each ends. */
    readonly ends: Float64Array,
  ) {}

  static from(strings: readonly string[]): StringTable {
    const encoded = new TextEncoder().encode(strings.join(''));
    const ends = new Float64Array(strings.length);
    let end = 0;
    strings.forEach((s, i) => (ends[i] = end += utf8Length(s)));
    return new StringTable(shared(encoded), shared(ends));
  }

  /** What structured cloning left of one. */
  static revive({ bytes, ends }: Pick<StringTable, 'bytes' | 'ends'>): StringTable {
    return new StringTable(bytes, ends);
  }

  get length(): number {
    return this.ends.length;
  }

  at(index: number): string {
    // Decoders of browsers refuse shared memory.
    return new TextDecoder().decode(this.bytes.slice(index === 0 ? 0 : this.ends[index - 1], this.ends[index]));
  }
}

function utf8Length(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** Whether workers can be given all of `values`: those that are not left out know how they were made. */
export function allPortable(...values: readonly unknown[]): boolean {
  return values.every((value) => value === undefined || isPortable(value));
}
