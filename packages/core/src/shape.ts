/**
 * Shapes: printing, broadcasting, axes. Nothing here knows about tensors.
 */
import type { DType } from './dtype.js';
import { itemSize } from './dtype.js';
import { OutOfRangeError, ShapeError } from './errors.js';

export type Shape = readonly number[];

/** Abstract value: what is known of a tensor before it is computed. */
export interface Aval {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Number of elements. */
export function sizeOf(shape: Shape): number {
  let n = 1;
  for (const d of shape) n *= d;
  return n;
}

export function byteSize(aval: Aval): number {
  return sizeOf(aval.shape) * itemSize(aval.dtype);
}

/** `float32[8,3,224,224]`; a scalar is `float32[]`. */
export function formatAval(aval: Aval): string {
  return `${aval.dtype}[${aval.shape.join(',')}]`;
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(',')}]`;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Row-major strides in elements. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let n = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = n;
    n *= shape[i];
  }
  return strides;
}

/** The broadcast of two shapes, or undefined where they do not fit. */
export function tryBroadcast(a: Shape, b: Shape): number[] | undefined {
  const rank = Math.max(a.length, b.length);
  const out = new Array<number>(rank);
  for (let i = 1; i <= rank; i++) {
    const x = a.length >= i ? a[a.length - i] : 1;
    const y = b.length >= i ? b[b.length - i] : 1;
    if (x !== y && x !== 1 && y !== 1) return undefined;
    out[rank - i] = x === 1 ? y : x;
  }
  return out;
}

/** The broadcast shape of the inputs of `op`; throws with both shapes and the axis that does not fit. */
export function broadcastShapes(op: string, inputs: readonly Aval[]): Shape {
  let out: Shape = inputs[0].shape;
  for (const input of inputs.slice(1)) {
    if (sameShape(out, input.shape)) continue;
    const next = tryBroadcast(out, input.shape);
    if (!next) {
      throw new ShapeError(
        `${op}: cannot broadcast ${inputs.map(formatAval).join(' with ')}: counted from the last axis, sizes must be ` +
          `equal or 1. Use reshape or unsqueeze to line the axes up.`,
      );
    }
    out = next;
  }
  return out;
}

/** A possibly negative axis made non-negative; `extra` = 1 where an axis may be added at the end. */
export function normalizeDim(op: string, dim: number, rank: number, extra = 0): number {
  if (typeof dim !== 'number') throw new TypeError(`${op}: expected an axis (a whole number), ${insteadOfAxis(dim)}`);
  const limit = Math.max(rank + extra, 1);
  if (!Number.isInteger(dim) || dim < -limit || dim >= limit) {
    throw new OutOfRangeError(
      `${op}: axis ${dim} is out of range for ${rank} axes (expected ${-limit} to ${limit - 1})`,
    );
  }
  return dim < 0 ? dim + limit : dim;
}

/** Says what came, and how axes are given: by position, where Python has `dim=`. */
function insteadOfAxis(dim: unknown): string {
  if (dim === undefined || dim === null) return `got ${String(dim)}. Say which; -1 is the last one.`;
  // eslint-disable-next-line @typescript-eslint/no-base-to-string -- no object
  if (typeof dim !== 'object') return `got ${typeof dim} ${String(dim)}.`;
  if (Array.isArray(dim)) return `got an array.`;
  return 'got an object. Arguments come by position here, not by name: where Python has dim=1, write 1.';
}

/** Axes made non-negative, ascending, each once; undefined means all. */
export function normalizeDims(op: string, dims: number | readonly number[] | undefined | null, rank: number): number[] {
  if (dims === undefined || dims === null) return Array.from({ length: rank }, (_, i) => i);
  const list = (Array.isArray(dims) ? (dims as readonly number[]) : [dims as number]).map((d) =>
    normalizeDim(op, d, rank),
  );
  if (new Set(list).size !== list.length) throw new OutOfRangeError(`${op}: axis named twice in [${String(dims)}]`);
  return list.sort((a, b) => a - b);
}

/** Throws unless every entry is a whole number ≥ 0. */
export function checkShape(op: string, shape: Shape): void {
  for (const d of shape) {
    if (!Number.isInteger(d) || d < 0) {
      throw new ShapeError(`${op}: a shape holds whole numbers from 0 up, got [${shape.join(', ')}]`);
    }
  }
}
