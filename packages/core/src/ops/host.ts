/**
 * Checks that need values: made at the call where the contents are on the host, left to the backend elsewhere.
 */
import type { Tensor } from '../graph/tensor.js';
import { stridesOf } from '../shape.js';

export function isOutOfInt32(value: number): boolean {
  return !(value >= -0x80000000 && value <= 0x7fffffff);
}

/**
 * The first index outside [0, size), or [−size, size) where negative ones count from the end, described with its
 * position, if the indices are on the host; else null.
 */
export function outOfRange(index: Tensor, size: number, negative = false): string | null {
  const data = index._resolve()._storage?.hostData();
  if (!data) return null;
  const low = negative ? -size : 0;
  for (let i = 0; i < data.length; i++) {
    if (data[i] < low || data[i] >= size) {
      const position = index.ndim === 0 ? '' : ` at [${positionOf(i, index.shape).join(',')}]`;
      return `${data[i]}${position} is out of range: expected ${low} to ${size - 1}`;
    }
  }
  return null;
}

function positionOf(offset: number, shape: readonly number[]): number[] {
  return stridesOf(shape).map((stride, axis) => Math.floor(offset / stride) % shape[axis]);
}
