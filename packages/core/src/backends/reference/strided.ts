/**
 * Walking several arrays over one shape, each with its own strides: broadcasting (stride 0), permuting, flipping
 * (negative strides) and reducing (output stride 0) are all this.
 */
import type { Shape } from '../../shape.js';
import { stridesOf } from '../../shape.js';

export interface Walk {
  /** At least one axis; the last one is the loop that the kernel runs itself. */
  readonly shape: readonly number[];
  /** One list of strides for each array. */
  readonly strides: readonly (readonly number[])[];
}

/** Row-major strides of `shape`, seen as `target`: 0 along broadcast axes. */
export function broadcastStrides(shape: Shape, target: Shape): number[] {
  const strides = stridesOf(shape);
  const missing = target.length - shape.length;
  return target.map((_, i) => (i < missing || shape[i - missing] === 1 ? 0 : strides[i - missing]));
}

/** Merges axes that every array steps through evenly, so that the last axis is as long as it can be. */
export function collapse(shape: Shape, strides: readonly (readonly number[])[]): Walk {
  const outShape: number[] = [];
  const outStrides: number[][] = strides.map(() => []);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis];
    if (size === 1) continue;
    const inner = outShape.length - 1;
    if (inner >= 0 && strides.every((s, k) => s[axis] === outStrides[k][inner] * outShape[inner])) {
      outShape[inner] *= size;
    } else {
      outShape.push(size);
      strides.forEach((s, k) => outStrides[k].push(s[axis]));
    }
  }
  if (outShape.length === 0) {
    outShape.push(1);
    outStrides.forEach((s) => s.push(1));
  }
  return { shape: outShape.reverse(), strides: outStrides.map((s) => s.reverse()) };
}

/**
 * Calls `visit` for each row (all axes but the last) with every array's offset. The list is reused: read it, don't
 * keep it.
 */
export function eachRow(walk: Walk, start: readonly number[], visit: (offsets: readonly number[]) => void): void {
  const { shape, strides } = walk;
  const last = shape.length - 1;
  if (shape.includes(0)) return;
  const offsets = [...start];
  const index = new Array<number>(last).fill(0);
  for (;;) {
    visit(offsets);
    let axis = last - 1;
    for (; axis >= 0; axis--) {
      const wraps = ++index[axis] === shape[axis];
      const by = wraps ? 1 - shape[axis] : 1;
      for (let k = 0; k < offsets.length; k++) offsets[k] += by * strides[k][axis];
      if (!wraps) break;
      index[axis] = 0;
    }
    if (axis < 0) return;
  }
}
