/**
 * Reductions over any axes, `argmax`/`argmin`, and `cumsum`. Sums are kept in double precision.
 */
import type { TypedArray } from '../../dtype.js';
import { type Aval, type Shape, stridesOf } from '../../shape.js';
import { type HostCall, type HostKernel, type KernelTable, scratch, splitAt } from './kernel.js';
import { broadcastStrides, collapse, eachRow } from './strided.js';

interface Reduction {
  readonly initial: number;
  /** The row `x[xi … xi + n)` reduced into `result[at]`. */
  readonly along: (result: Float64Array, at: number, x: TypedArray, xi: number, n: number) => void;
  /** `result[at + i]` and `x[xi + i]` combined, for i < n. */
  readonly across: (result: Float64Array, at: number, x: TypedArray, xi: number, n: number) => void;
}

const sum: Reduction = {
  initial: 0,
  along: (result, at, x, xi, n) => {
    // Four sums at once: the additions need not wait for each other.
    // prettier-ignore
    let a = 0, b = 0, c = 0, d = 0;
    let i = 0;
    for (; i + 3 < n; i += 4, xi += 4) {
      a += x[xi];
      b += x[xi + 1];
      c += x[xi + 2];
      d += x[xi + 3];
    }
    for (; i < n; i++, xi++) a += x[xi];
    result[at] += a + b + (c + d);
  },
  across: (result, at, x, xi, n) => {
    for (let i = 0; i < n; i++) result[at + i] += x[xi + i];
  },
};

/** Reductions that are no bottleneck: any associative function. */
const general = (initial: number, combine: (a: number, b: number) => number): Reduction => ({
  initial,
  along: (result, at, x, xi, n) => {
    for (let i = 0; i < n; i++) result[at] = combine(result[at], x[xi + i]);
  },
  across: (result, at, x, xi, n) => {
    for (let i = 0; i < n; i++) result[at + i] = combine(result[at + i], x[xi + i]);
  },
});

const prod = general(1, (a, b) => a * b);
const intProd = general(1, Math.imul);
const amax = general(-Infinity, Math.max); // Math.max and Math.min propagate NaN
const amin = general(Infinity, Math.min);

/** Strides of the reduced result as seen from `shape`: 0 along the reduced axes. */
function resultStrides(shape: Shape, dims: readonly number[]): number[] {
  const kept = shape.map((size, axis) => (dims.includes(axis) ? 1 : size));
  return broadcastStrides(kept, shape);
}

/** Reduces `x` into the first `count` numbers of the scratch array `name`. */
function reduceInto(
  name: string,
  count: number,
  { initial, along, across }: Reduction,
  x: TypedArray,
  shape: Shape,
  dims: readonly number[],
): Float64Array {
  const result = scratch(name, count);
  result.fill(initial, 0, count);
  const walk = collapse(shape, [stridesOf(shape), resultStrides(shape, dims)]);
  const last = walk.shape.length - 1;
  const n = walk.shape[last];
  const row = walk.strides[1][last] === 0 ? along : across;
  eachRow(walk, [0, 0], (at) => row(result, at[1], x, at[0], n));
  return result;
}

const reduction =
  (float: Reduction, int32: Reduction = float): HostKernel =>
  ({ inputs: [x], inputAvals: [aval], outputs: [y], attrs }) => {
    const how = aval.dtype === 'int32' ? int32 : float;
    const result = reduceInto('reduce', y.length, how, x, aval.shape, attrs.dims as readonly number[]);
    for (let i = 0; i < y.length; i++) y[i] = result[i];
  };

function reducedCount(aval: Aval, dims: readonly number[]): number {
  return dims.reduce((count, axis) => count * aval.shape[axis], 1);
}

function mean({ inputs: [x], inputAvals: [aval], outputs: [y], attrs }: HostCall): void {
  const dims = attrs.dims as readonly number[];
  const result = reduceInto('reduce', y.length, sum, x, aval.shape, dims);
  const count = reducedCount(aval, dims);
  for (let i = 0; i < y.length; i++) y[i] = result[i] / count;
}

/** Σ f(x, r) over `dims`, where r is the entry of `reference` that belongs to the result. */
function sumAgainst(
  reference: Float64Array,
  count: number,
  f: (x: number, reference: number) => number,
  x: TypedArray,
  shape: Shape,
  dims: readonly number[],
): Float64Array {
  const result = scratch('reduce.against', count);
  result.fill(0, 0, count);
  const walk = collapse(shape, [stridesOf(shape), resultStrides(shape, dims)]);
  const last = walk.shape.length - 1;
  const n = walk.shape[last];
  const step = walk.strides[1][last];
  eachRow(walk, [0, 0], ([xi, at]) => {
    for (let i = 0, to = at; i < n; i++, to += step) result[to] += f(x[xi + i], reference[to]);
  });
  return result;
}

/** In two passes: squares of differences from the mean, not a difference of squares. */
function variance({ inputs: [x], inputAvals: [aval], outputs: [y], attrs }: HostCall): void {
  const dims = attrs.dims as readonly number[];
  const count = reducedCount(aval, dims);
  const means = reduceInto('reduce', y.length, sum, x, aval.shape, dims);
  for (let i = 0; i < y.length; i++) means[i] /= count;
  const squares = sumAgainst(means, y.length, (v, m) => (v - m) * (v - m), x, aval.shape, dims);
  const degrees = Math.max(0, count - (attrs.correction as number));
  for (let i = 0; i < y.length; i++) y[i] = squares[i] / degrees;
}

function logsumexp({ inputs: [x], inputAvals: [aval], outputs: [y], attrs }: HostCall): void {
  const dims = attrs.dims as readonly number[];
  const most = reduceInto('reduce', y.length, amax, x, aval.shape, dims);
  // ∞ − ∞ would be NaN.
  for (let i = 0; i < y.length; i++) if (Math.abs(most[i]) === Infinity) most[i] = 0;
  const sums = sumAgainst(most, y.length, (v, m) => Math.exp(v - m), x, aval.shape, dims);
  for (let i = 0; i < y.length; i++) y[i] = Math.log(sums[i]) + most[i];
}

/** `direction` 1 for the maximum, −1 for the minimum. */
const argExtreme =
  (direction: number): HostKernel =>
  ({ inputs: [x], inputAvals, outputs: [y], attrs }) => {
    const { outer, size, inner } = splitAt(inputAvals[0].shape, attrs.dim as number);
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) {
        let at = o * size * inner + i;
        let best = x[at] * direction;
        let index = 0;
        // Once it is NaN, no comparison replaces it.
        for (let k = 1; k < size && best === best; k++) {
          at += inner;
          const value = x[at] * direction;
          if (value > best || value !== value) {
            best = value;
            index = k;
          }
        }
        y[o * inner + i] = index;
      }
    }
  };

function cumsum({ inputs: [x], inputAvals, outputs: [y], attrs }: HostCall): void {
  const { outer, size, inner } = splitAt(inputAvals[0].shape, attrs.dim as number);
  const step = attrs.reverse ? -inner : inner;
  for (let o = 0; o < outer; o++) {
    for (let i = 0; i < inner; i++) {
      let at = o * size * inner + i + (attrs.reverse ? (size - 1) * inner : 0);
      let total = 0;
      for (let k = 0; k < size; k++, at += step) {
        total += x[at];
        y[at] = total;
      }
    }
  }
}

export const reduceKernels: KernelTable = {
  sum: reduction(sum),
  prod: reduction(prod, intProd),
  amax: reduction(amax),
  amin: reduction(amin),
  mean,
  variance,
  logsumexp,
  argmax: argExtreme(1),
  argmin: argExtreme(-1),
  cumsum,
};
