/**
 * Elementwise ops of two and three inputs, broadcast.
 *
 * The shape is collapsed to rows along which every input steps evenly (one row for equal shapes, a row for each image
 * and channel where a bias is added), and each op is one loop over such a row.
 */
import type { TypedArray } from '../../dtype.js';
import type { HostCall, HostKernel, KernelTable } from './kernel.js';
import { floorDivide, intFloorDivide, intPow, intRemainder, pow, remainder } from './math.js';
import { broadcastStrides, collapse, eachRow } from './strided.js';
import { stridesOf } from '../../shape.js';

/** `y[yi + i] = a[ai + i·as] ∘ b[bi + i·bs]` for i < n. */
type Row = (
  n: number,
  y: TypedArray,
  yi: number,
  a: TypedArray,
  ai: number,
  as: number,
  b: TypedArray,
  bi: number,
  bs: number,
) => void;

/** `int32`: the loop for integers, where it differs. */
const binary =
  (float: Row, int32: Row = float): HostKernel =>
  ({ inputs: [a, b], inputAvals, outputs: [y], outputAvals }) => {
    const row = inputAvals[0].dtype === 'int32' ? int32 : float;
    const shape = outputAvals[0].shape;
    const walk = collapse(shape, [
      stridesOf(shape),
      broadcastStrides(inputAvals[0].shape, shape),
      broadcastStrides(inputAvals[1].shape, shape),
    ]);
    const last = walk.shape.length - 1;
    const n = walk.shape[last];
    const as = walk.strides[1][last];
    const bs = walk.strides[2][last];
    eachRow(walk, [0, 0, 0], (at) => row(n, y, at[0], a, at[1], as, b, at[2], bs));
  };

/** For ops whose own time hides that of a call. */
const mapRow =
  (f: (a: number, b: number) => number): Row =>
  (n, y, yi, a, ai, as, b, bi, bs) => {
    for (let i = 0; i < n; i++, ai += as, bi += bs) y[yi + i] = f(a[ai], b[bi]);
  };

function where({ inputs: [condition, a, b], inputAvals, outputs: [y], outputAvals }: HostCall): void {
  const shape = outputAvals[0].shape;
  const walk = collapse(shape, [stridesOf(shape), ...inputAvals.map((aval) => broadcastStrides(aval.shape, shape))]);
  const last = walk.shape.length - 1;
  const n = walk.shape[last];
  const [, cs, as, bs] = walk.strides.map((s) => s[last]);
  eachRow(walk, [0, 0, 0, 0], ([yi, ci, ai, bi]) => {
    for (let i = 0; i < n; i++, ci += cs, ai += as, bi += bs) y[yi + i] = condition[ci] !== 0 ? a[ai] : b[bi];
  });
}

function clamp({ inputs: [x, lowest, highest], outputs: [y], attrs }: HostCall): void {
  const low = attrs.hasLow ? lowest[0] : -Infinity;
  const high = attrs.hasHigh ? highest[0] : Infinity;
  // A NaN bound makes everything NaN, and a low above high gives high: min(max(x, low), high).
  for (let i = 0; i < y.length; i++) y[i] = Math.min(Math.max(x[i], low), high);
}

export const elementwiseKernels: KernelTable = {
  // Stored into an Int32Array, sums and differences of integers wrap by themselves.
  add: binary((n, y, yi, a, ai, as, b, bi, bs) => {
    for (let i = 0; i < n; i++, ai += as, bi += bs) y[yi + i] = a[ai] + b[bi];
  }),
  sub: binary((n, y, yi, a, ai, as, b, bi, bs) => {
    for (let i = 0; i < n; i++, ai += as, bi += bs) y[yi + i] = a[ai] - b[bi];
  }),
  mul: binary((n, y, yi, a, ai, as, b, bi, bs) => {
    for (let i = 0; i < n; i++, ai += as, bi += bs) y[yi + i] = a[ai] * b[bi];
  }, mapRow(Math.imul)),
  div: binary((n, y, yi, a, ai, as, b, bi, bs) => {
    for (let i = 0; i < n; i++, ai += as, bi += bs) y[yi + i] = a[ai] / b[bi];
  }),
  maximum: binary((n, y, yi, a, ai, as, b, bi, bs) => {
    for (let i = 0; i < n; i++, ai += as, bi += bs) y[yi + i] = Math.max(a[ai], b[bi]);
  }),
  minimum: binary((n, y, yi, a, ai, as, b, bi, bs) => {
    for (let i = 0; i < n; i++, ai += as, bi += bs) y[yi + i] = Math.min(a[ai], b[bi]);
  }),
  remainder: binary(mapRow(remainder), mapRow(intRemainder)),
  floorDivide: binary(mapRow(floorDivide), mapRow(intFloorDivide)),
  pow: binary(mapRow(pow), mapRow(intPow)),
  eq: binary((n, y, yi, a, ai, as, b, bi, bs) => {
    for (let i = 0; i < n; i++, ai += as, bi += bs) y[yi + i] = a[ai] === b[bi] ? 1 : 0;
  }),
  ne: binary((n, y, yi, a, ai, as, b, bi, bs) => {
    for (let i = 0; i < n; i++, ai += as, bi += bs) y[yi + i] = a[ai] !== b[bi] ? 1 : 0;
  }),
  lt: binary((n, y, yi, a, ai, as, b, bi, bs) => {
    for (let i = 0; i < n; i++, ai += as, bi += bs) y[yi + i] = a[ai] < b[bi] ? 1 : 0;
  }),
  le: binary((n, y, yi, a, ai, as, b, bi, bs) => {
    for (let i = 0; i < n; i++, ai += as, bi += bs) y[yi + i] = a[ai] <= b[bi] ? 1 : 0;
  }),
  gt: binary((n, y, yi, a, ai, as, b, bi, bs) => {
    for (let i = 0; i < n; i++, ai += as, bi += bs) y[yi + i] = a[ai] > b[bi] ? 1 : 0;
  }),
  ge: binary((n, y, yi, a, ai, as, b, bi, bs) => {
    for (let i = 0; i < n; i++, ai += as, bi += bs) y[yi + i] = a[ai] >= b[bi] ? 1 : 0;
  }),
  logicalAnd: binary(mapRow((a, b) => (a !== 0 && b !== 0 ? 1 : 0))),
  logicalOr: binary(mapRow((a, b) => (a !== 0 || b !== 0 ? 1 : 0))),
  logicalXor: binary(mapRow((a, b) => ((a !== 0) !== (b !== 0) ? 1 : 0))),
  // The gradient of relu from its output.
  reluGrad: binary((n, y, yi, a, ai, as, b, bi, bs) => {
    for (let i = 0; i < n; i++, ai += as, bi += bs) y[yi + i] = b[bi] > 0 ? a[ai] : 0;
  }),
  where,
  clamp,
};
