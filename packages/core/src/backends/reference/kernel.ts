/**
 * What a kernel of the reference backend is: a function over host arrays.
 */
import type { TypedArray } from '../../dtype.js';
import type { Attrs } from '../../program/program.js';
import type { Aval } from '../../shape.js';

export interface HostCall {
  readonly inputs: readonly TypedArray[];
  readonly inputAvals: readonly Aval[];
  /** To be filled; they hold arbitrary numbers, so a kernel writes every element. */
  readonly outputs: readonly TypedArray[];
  readonly outputAvals: readonly Aval[];
  readonly attrs: Attrs;
}

export type HostKernel = (call: HostCall) => void;
export type KernelTable = Readonly<Record<string, HostKernel>>;

const MAX_KEPT = 1 << 22; // elements, 32 MiB
const kept = new Map<string, Float64Array>();

/**
 * A working array of at least `size` elements with arbitrary contents, the same one at each call with this name.
 * Kernels are synchronous, so two never use it at once.
 */
export function scratch(name: string, size: number): Float64Array {
  const have = kept.get(name);
  if (have && have.length >= size) return have;
  const made = new Float64Array(size);
  if (size <= MAX_KEPT) kept.set(name, made);
  return made;
}

/** Sizes before, of, and after axis `dim`. */
export function splitAt(shape: readonly number[], dim: number): { outer: number; size: number; inner: number } {
  let outer = 1;
  let inner = 1;
  for (let i = 0; i < dim; i++) outer *= shape[i];
  for (let i = dim + 1; i < shape.length; i++) inner *= shape[i];
  return { outer, size: shape[dim], inner };
}
