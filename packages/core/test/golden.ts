/**
 * Reading goldens: JSON written by the scripts in `tools/goldens`, with arrays as base64 of their bytes, or as a digest
 * where they must be equal to the bit.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** The content of `test/goldens/<name>.json`. */
export function golden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`./goldens/${name}.json`, import.meta.url), 'utf8')) as T;
}

function bytes(base64: string): ArrayBuffer {
  return Uint8Array.from(Buffer.from(base64, 'base64')).buffer;
}

export const float32 = (base64: string): Float32Array => new Float32Array(bytes(base64));
export const float64 = (base64: string): Float64Array => new Float64Array(bytes(base64));
export const uint16 = (base64: string): Uint16Array => new Uint16Array(bytes(base64));
export const uint8 = (base64: string): Uint8Array => new Uint8Array(bytes(base64));

/** `digest` of the scripts: the first 16 hexadecimal digits of the SHA-256 of the bytes. */
export function digest(data: ArrayBufferView): string {
  const view = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return createHash('sha256').update(view).digest('hex').slice(0, 16);
}

/** The largest |a − b|; NaN and lengths that differ give Infinity. */
export function maxDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Infinity;
  let max = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = a[i] === b[i] ? 0 : Math.abs(a[i] - b[i]);
    max = Number.isNaN(difference) ? Infinity : Math.max(max, difference);
  }
  return max;
}
