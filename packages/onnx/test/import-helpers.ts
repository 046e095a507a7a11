import { fromArray, type Tensor } from '@fakkel/core';
import { expect } from 'vitest';

/** An array of a golden: its little-endian bytes in base64. */
export interface GoldenArray {
  dtype: 'float32' | 'float64' | 'int32' | 'int64' | 'bool' | 'int8' | 'uint8' | 'int16' | 'uint16';
  shape: number[];
  data: string;
}

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
} as const;

/** The numbers of a golden. */
export function goldenValues({ dtype, data }: GoldenArray): number[] {
  const elements: ArrayLike<number | bigint> = new ARRAYS[dtype](Uint8Array.from(Buffer.from(data, 'base64')).buffer);
  return Array.from(elements, Number);
}

/** A golden as a tensor: integers are int32. */
export function goldenTensor(golden: GoldenArray): Tensor {
  const values = goldenValues(golden);
  const { dtype, shape } = golden;
  if (dtype === 'float32') return fromArray(Float32Array.from(values), shape);
  if (dtype === 'float64') return fromArray(Float64Array.from(values), shape);
  return fromArray(dtype === 'bool' ? Uint8Array.from(values) : Int32Array.from(values), shape);
}

/** NumPy's `allclose`, with the place of the largest difference; NaN equals NaN. */
export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { rtol, atol }: { rtol: number; atol: number },
): void {
  expect(actual.length).toBe(expected.length);
  let worst = { excess: 0, at: -1 };
  for (let at = 0; at < expected.length; at++) {
    const [a, b] = [actual[at], expected[at]];
    if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
    const excess = Math.abs(a - b) - (atol + rtol * Math.abs(b));
    if (!(excess <= worst.excess)) worst = { excess, at };
  }
  const { at } = worst;
  expect(at < 0 ? 'close' : `element ${at} is ${actual[at]}, expected ${expected[at]}`).toBe('close');
}
