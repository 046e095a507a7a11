/**
 * Reductions: sums, products, extremes and where they are, over all axes or some.
 */
import { DTypeError } from '../errors.js';
import { checkTensor, record1 } from '../graph/record.js';
import { isTensor, type Tensor } from '../graph/tensor.js';
import { formatAval, normalizeDim, type Aval } from '../shape.js';
import { castTo, checkFloat } from './common.js';
import { composed } from './compose.js';
import { literal } from './constants.js';
import { defineOp, NON_DIFFERENTIABLE, type Op } from './def.js';
import { maximum, minimum } from './arithmetic.js';
import { where } from './logic.js';
import {
  checkNotEmpty,
  defineReduction,
  kept,
  productOfOthers,
  reduce,
  reducedShape,
  reducedSize,
  type Dims,
  type ReductionAttrs,
} from './reduce.js';

export type { Dims } from './reduce.js';

/** The extremes along an axis, and where they are. */
export interface ValuesAndIndices {
  readonly values: Tensor;
  /** int32. */
  readonly indices: Tensor;
}

const sumOp = defineReduction({
  name: 'sum',
  jacobian: 'selection',
  vjp: {
    reads: {},
    backward: ({ inputs: [x], attrs, gradient }) => [kept(gradient, x, attrs).expand(x.shape)],
  },
});

/**
 * The sum over all axes or the given ones. bool counts as 0 and 1; int32 wraps.
 *
 * Shape: without the summed axes, or with size 1 there if `keepdim`.
 *
 * @throws OutOfRangeError if an axis is out of range.
 * @example
 * const x = tensor([[1, 2], [3, 4]]);
 * await x.sum().item(); // 10
 * await x.sum(1).toArray(); // [3, 7]
 * await x.sum([0, 1], true).toArray(); // [[10]]
 */
export function sum(x: Tensor, dims?: Dims, keepdim = false): Tensor {
  checkTensor('sum', x);
  return reduce(sumOp, asNumbers(x), dims, keepdim, {});
}

const prodOp = defineReduction({
  name: 'prod',
  vjp: {
    reads: { inputs: [0] },
    backward: ({ inputs: [x], attrs, gradient }) => [kept(gradient, x, attrs).mul(productOfOthers(x, attrs.dims))],
  },
});

/**
 * The product over all axes or the given ones. Its gradient is right where elements are zero.
 *
 * Shape: without the reduced axes, or with size 1 there if `keepdim`.
 *
 * @throws OutOfRangeError if an axis is out of range.
 * @example
 * await tensor([[1, 2], [3, 4]]).prod(0).toArray(); // [3, 8]
 */
export function prod(x: Tensor, dims?: Dims, keepdim = false): Tensor {
  checkTensor('prod', x);
  return reduce(prodOp, asNumbers(x), dims, keepdim, {});
}

const asNumbers = (x: Tensor): Tensor => (x.dtype === 'bool' ? castTo(x, 'int32') : x);

const meanOp = defineReduction({
  name: 'mean',
  jacobian: 'parts',
  check: (x) => checkFloat('mean', [x]),
  vjp: {
    reads: {},
    backward({ inputs: [x], attrs, gradient }) {
      return [kept(gradient.div(reducedSize(x.shape, attrs.dims)), x, attrs).expand(x.shape)];
    },
  },
  decompose: ([x], { dims, keepdim }) => [x.sum(dims, keepdim).div(reducedSize(x.shape, dims))],
});

/**
 * The mean over all axes or the given ones; NaN where there are no elements.
 *
 * Shape: without the reduced axes, or with size 1 there if `keepdim`.
 *
 * @throws DTypeError unless x is a float tensor; OutOfRangeError if an axis is out of range.
 * @example
 * await tensor([[1, 2], [3, 4]]).mean(0).toArray(); // [2, 3]
 */
export function mean(x: Tensor, dims?: Dims, keepdim = false): Tensor {
  checkTensor('mean', x);
  return reduce(meanOp, x, dims, keepdim, {});
}

const logsumexpOp = defineReduction({
  name: 'logsumexp',
  check: (x) => checkFloat('logsumexp', [x]),
  vjp: {
    reads: { inputs: [0], outputs: [0] },
    backward: ({ inputs: [x], attrs, output, gradient }) => [
      kept(gradient, x, attrs).mul(x.sub(kept(output, x, attrs)).exp()),
    ],
  },
  decompose([x], attrs) {
    if (reducedSize(x.shape, attrs.dims) === 0) return [x.exp().sum(attrs.dims, attrs.keepdim).log()];
    // Where the largest is infinite, subtracting it would give NaN.
    const largest = x.amax(attrs.dims, true);
    const shift = where(largest.isfinite(), largest, 0);
    const logs = x.sub(shift).exp().sum(attrs.dims, true).log().add(shift);
    return [attrs.keepdim ? logs : logs.reshape(reducedShape(x.shape, attrs))];
  },
});

/**
 * ln Σ exp(x) over all axes or the given ones, without overflow.
 *
 * Shape: without the reduced axes, or with size 1 there if `keepdim`.
 *
 * @throws DTypeError unless x is a float tensor; OutOfRangeError if an axis is out of range.
 * @example
 * await tensor([1000, -1000]).logsumexp(0).item(); // 1000
 */
export function logsumexp(x: Tensor, dims?: Dims, keepdim = false): Tensor {
  checkTensor('logsumexp', x);
  return reduce(logsumexpOp, x, dims, keepdim, {});
}

function defineExtreme(name: 'amax' | 'amin'): Op<ReductionAttrs> {
  return defineReduction({
    name,
    check: (x, { dims }) => {
      checkNumbers(name, x);
      checkNotEmpty(name, x, dims);
    },
    vjp: {
      reads: { inputs: [0], outputs: [0] },
      // Those that tie share the gradient.
      backward({ inputs: [x], attrs, output, gradient }) {
        const mask = x.eq(kept(output, x, attrs)).to(x.dtype);
        return [kept(gradient, x, attrs).mul(mask).div(mask.sum(attrs.dims, true))];
      },
    },
  });
}

function checkNumbers(op: string, x: Aval): void {
  if (x.dtype !== 'bool') return;
  throw new DTypeError(
    `${op}: expected a tensor of numbers, got ${formatAval(x)}. Use any() or all(), or convert it with x.to('int32').`,
  );
}

const amaxOp = defineExtreme('amax');
const aminOp = defineExtreme('amin');

/**
 * The largest element over all axes or the given ones; NaN if there is one. Elements that tie share the gradient.
 *
 * Shape: without the reduced axes, or with size 1 there if `keepdim`.
 *
 * @throws ShapeError if there are no elements; OutOfRangeError if an axis is out of range.
 * @example
 * await tensor([[1, 5], [3, 4]]).amax(1).toArray(); // [5, 4]
 */
export function amax(x: Tensor, dims?: Dims, keepdim = false): Tensor {
  checkTensor('amax', x);
  return reduce(amaxOp, x, dims, keepdim, {});
}

/**
 * The smallest element over all axes or the given ones; NaN if there is one. Elements that tie share the gradient.
 *
 * Shape: without the reduced axes, or with size 1 there if `keepdim`.
 *
 * @throws ShapeError if there are no elements; OutOfRangeError if an axis is out of range.
 * @example
 * await tensor([[1, 5], [3, 4]]).amin(1).toArray(); // [1, 3]
 */
export function amin(x: Tensor, dims?: Dims, keepdim = false): Tensor {
  checkTensor('amin', x);
  return reduce(aminOp, x, dims, keepdim, {});
}

type AxisAttrs = { readonly dim: number; readonly keepdim: boolean };

function definePosition(name: 'argmax' | 'argmin'): Op<AxisAttrs> {
  return defineOp<AxisAttrs>({
    name,
    infer([x], { dim, keepdim }) {
      checkNumbers(name, x);
      checkNotEmpty(name, x, [dim]);
      return [{ shape: reducedShape(x.shape, { dims: [dim], keepdim }), dtype: 'int32' }];
    },
    vjp: NON_DIFFERENTIABLE,
  });
}

const argmaxOp = definePosition('argmax');
const argminOp = definePosition('argmin');

function position(op: Op<AxisAttrs>, x: Tensor, dim: number | null | undefined, keepdim: boolean): Tensor {
  checkTensor(op.name, x);
  if (dim !== null && dim !== undefined && x.ndim > 0) {
    return record1(op, [x], { dim: normalizeDim(op.name, dim, x.ndim), keepdim });
  }
  if (dim !== null && dim !== undefined) normalizeDim(op.name, dim, x.ndim);
  return composed(() => {
    const flat = record1(op, [x.reshape([-1])], { dim: 0, keepdim: false });
    return keepdim ? flat.reshape(x.shape.map(() => 1)) : flat;
  });
}

/**
 * Where the largest element is, along an axis or in the flattened tensor: int32. The first of those that tie; NaN
 * counts as the largest.
 *
 * Shape: without the axis, or with size 1 there if `keepdim`.
 *
 * @throws ShapeError if there are no elements; OutOfRangeError if the axis is out of range.
 * @example
 * await tensor([[1, 5], [4, 3]]).argmax(1).toArray(); // [1, 0]
 */
export function argmax(x: Tensor, dim?: number | null, keepdim = false): Tensor {
  return position(argmaxOp, x, dim, keepdim);
}

/**
 * Where the smallest element is, along an axis or in the flattened tensor: int32. The first of those that tie; NaN
 * counts as the smallest.
 *
 * Shape: without the axis, or with size 1 there if `keepdim`.
 *
 * @throws ShapeError if there are no elements; OutOfRangeError if the axis is out of range.
 * @example
 * await tensor([[1, 5], [4, 3]]).argmin(1).toArray(); // [0, 1]
 */
export function argmin(x: Tensor, dim?: number | null, keepdim = false): Tensor {
  return position(argminOp, x, dim, keepdim);
}

/** The extreme of all elements; its errors name the function that was called. */
function extreme(name: string, op: Op<ReductionAttrs>, x: Tensor): Tensor {
  checkNumbers(name, x);
  checkNotEmpty(name, x, [...x.shape.keys()]);
  return reduce(op, x, null, false, {});
}

/** The extremes along an axis: the gradient goes to the one that was chosen. */
function extremes(name: string, op: Op<AxisAttrs>, x: Tensor, dim: number, keepdim: boolean): ValuesAndIndices {
  const axis = normalizeDim(name, dim, x.ndim);
  if (x.ndim === 0)
    return composed(() => ({ values: x.reshape([]), indices: literal(0, { dtype: 'int32', device: x.device }) }));
  return composed(() => {
    const indices = record1(op, [x], { dim: axis, keepdim: true });
    const values = x.gather(axis, indices);
    return keepdim ? { values, indices } : { values: values.squeeze(axis), indices: indices.squeeze(axis) };
  });
}

/**
 * The largest element of all; or, with an axis, the largest along it and where they are; or, with another tensor, the
 * larger of both elementwise.
 *
 * Elements that tie share the gradient of the largest of all; along an axis it goes to the one at `indices`.
 *
 * @throws ShapeError if there are no elements; OutOfRangeError if the axis is out of range.
 * @example
 * const x = tensor([[1, 5], [4, 3]]);
 * await x.max().item(); // 5
 * const { values, indices } = x.max(1);
 * await values.toArray(); // [5, 4]
 * await indices.toArray(); // [1, 0]
 */
export function max(x: Tensor): Tensor;
export function max(x: Tensor, other: Tensor): Tensor;
export function max(x: Tensor, dim: number, keepdim?: boolean): ValuesAndIndices;
export function max(x: Tensor, dim?: number | Tensor, keepdim = false): Tensor | ValuesAndIndices {
  checkTensor('max', x);
  if (dim === undefined) return extreme('max', amaxOp, x);
  return isTensor(dim) ? maximum(x, dim) : extremes('max', argmaxOp, x, dim, keepdim);
}

/**
 * The smallest element of all; or, with an axis, the smallest along it and where they are; or, with another tensor,
 * the smaller of both elementwise. See {@link max}.
 *
 * @throws ShapeError if there are no elements; OutOfRangeError if the axis is out of range.
 * @example
 * await tensor([[1, 5], [4, 3]]).min(0).values.toArray(); // [1, 3]
 */
export function min(x: Tensor): Tensor;
export function min(x: Tensor, other: Tensor): Tensor;
export function min(x: Tensor, dim: number, keepdim?: boolean): ValuesAndIndices;
export function min(x: Tensor, dim?: number | Tensor, keepdim = false): Tensor | ValuesAndIndices {
  checkTensor('min', x);
  if (dim === undefined) return extreme('min', aminOp, x);
  return isTensor(dim) ? minimum(x, dim) : extremes('min', argminOp, x, dim, keepdim);
}

const cumsumOp: Op<{ dim: number; reverse: boolean }> = defineOp<{ dim: number; reverse: boolean }>({
  name: 'cumsum',
  jacobian: 'selection',
  infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  vjp: {
    reads: {},
    backward: ({ attrs: { dim, reverse }, gradient }) => [record1(cumsumOp, [gradient], { dim, reverse: !reverse })],
  },
});

/**
 * Sums of all elements up to each, along an axis.
 *
 * Shape: that of x.
 *
 * @throws OutOfRangeError if the axis is out of range.
 * @example
 * await tensor([1, 2, 3]).cumsum(0).toArray(); // [1, 3, 6]
 */
export function cumsum(x: Tensor, dim: number): Tensor {
  checkTensor('cumsum', x);
  const axis = normalizeDim('cumsum', dim, x.ndim);
  if (x.ndim === 0) return asNumbers(x).reshape([]);
  return record1(cumsumOp, [asNumbers(x)], { dim: axis, reverse: false });
}
