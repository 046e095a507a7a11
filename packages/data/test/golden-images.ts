/** Images of the goldens in test/goldens/transforms, which tools/goldens/transforms.py wrote. */
import { Generator, type TypedArray } from '@fakkel/core';
import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { HostArray, type HostDType } from '../src/index.js';

export interface PackedImage {
  dtype: string;
  shape: number[];
  data?: string;
  sha256?: string;
}

const ARRAYS = { uint8: Uint8Array, float32: Float32Array, float64: Float64Array, int32: Int32Array };

export function unpack({ dtype, shape, data }: PackedImage): HostArray {
  const bytes = Buffer.from(data!, 'base64');
  const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  return new HostArray(new ARRAYS[dtype as 'uint8'](copy), shape, dtype as HostDType);
}

const digestOf = (data: TypedArray): string =>
  createHash('sha256')
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest('hex');

/** Equal to the golden: bytes to the bit, floats within `ulps` units in the last place of white, 1. */
export function expectImage(actual: HostArray, golden: PackedImage, ulps = 0): void {
  expect(String(actual)).toBe(`${golden.dtype}[${golden.shape.join(',')}]`);
  if (golden.data === undefined) {
    expect(digestOf(actual.data)).toBe(golden.sha256);
    return;
  }
  const expected = unpack(golden).data;
  const allowed = golden.dtype === 'uint8' ? 0 : ulps * 2 ** -23;
  let worst = 0;
  for (let i = 0; i < expected.length; i++) worst = Math.max(worst, Math.abs(actual.data[i] - expected[i]));
  expect(worst).toBeLessThanOrEqual(allowed);
}

const inDType = (bytes: Uint8Array, shape: readonly number[], dtype: string): HostArray =>
  dtype === 'uint8'
    ? new HostArray(bytes, shape, 'uint8')
    : new HostArray(
        Float32Array.from(bytes, (b) => Math.fround(b) / 255),
        shape,
      );

/** `image(shape, dtype, seed)` of the script. */
export function randomImage(shape: readonly number[], dtype = 'uint8', seed = 0): HostArray {
  const out = new Int32Array(shape.reduce((n, d) => n * d, 1));
  new Generator(seed).randint(out, 0, 256);
  return inDType(Uint8Array.from(out), shape, dtype);
}

/** `smooth(shape, dtype)` of the script. */
export function smoothImage([c, h, w]: readonly number[], dtype = 'uint8'): HostArray {
  const out = new Uint8Array(c * h * w);
  for (let k = 0, at = 0; k < c; k++) {
    for (let y = 0; y < h; y++) {
      for (let x = 0; x < w; x++, at++) {
        const v = Math.sin(x / (3 + k) + k) * Math.cos(y / (4 - k) - 1) * 100 + 128 + 10 * k;
        out[at] = Math.min(255, Math.max(0, Math.round(v)));
      }
    }
  }
  return inDType(out, [c, h, w], dtype);
}
