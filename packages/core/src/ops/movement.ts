/**
 * The same elements in another shape or order. Nothing here aliases memory: every result is a new value.
 */
import { ShapeError } from '../errors.js';
import { checkTensor, record1 } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import {
  checkShape,
  formatAval,
  formatShape,
  normalizeDim,
  normalizeDims,
  sizeOf,
  tryBroadcast,
  sameShape,
  type Shape,
} from '../shape.js';
import { unbroadcast } from './common.js';
import { defineOp } from './def.js';
import { listOf, type Sizes } from './sizes.js';

export type { Sizes } from './sizes.js';

const reshapeOp = defineOp<{ shape: Shape }>({
  name: 'reshape',
  jacobian: 'selection',
  infer([x], { shape }) {
    if (sizeOf(shape) !== sizeOf(x.shape)) {
      throw new ShapeError(
        `reshape: ${formatAval(x)} has ${sizeOf(x.shape)} elements, the shape ${formatShape(shape)} has ${sizeOf(shape)}. One size may be -1: it follows from the others.`,
      );
    }
    return [{ shape, dtype: x.dtype }];
  },
  vjp: { reads: {}, backward: ({ inputs: [x], gradient }) => [gradient.reshape(x.shape)] },
});

/** Replaces the size −1 by the one that follows from the others. */
function inferred(op: string, x: Tensor, sizes: readonly number[]): Shape {
  const unknown = sizes.indexOf(-1);
  if (unknown < 0) {
    checkShape(op, sizes);
    return sizes;
  }
  const rest = sizes.filter((_, i) => i !== unknown);
  checkShape(op, rest);
  const known = sizeOf(rest);
  if (known === 0 || x.numel() % known !== 0) {
    throw new ShapeError(
      `${op}: the -1 in ${formatShape(sizes)} has no value that fits ${formatAval(x)} (${x.numel()} elements)`,
    );
  }
  return sizes.with(unknown, x.numel() / known);
}

/**
 * The same elements in another shape. One size may be −1: it follows from the others.
 *
 * @throws ShapeError if the number of elements differs.
 * @example
 * await tensor([1, 2, 3, 4]).reshape(2, -1).toArray(); // [[1, 2], [3, 4]]
 */
export function reshape(x: Tensor, ...shape: Sizes): Tensor {
  checkTensor('reshape', x);
  return record1(reshapeOp, [x], { shape: inferred('reshape', x, listOf('reshape', shape)) });
}

/**
 * {@link reshape}, by PyTorch's other name: no tensor aliases another's memory here.
 *
 * @example
 * tensor([1, 2, 3, 4]).view(2, 2).shape; // [2, 2]
 */
export function view(x: Tensor, ...shape: Sizes): Tensor {
  return reshape(x, ...shape);
}

const permuteOp = defineOp<{ dims: readonly number[] }>({
  name: 'permute',
  jacobian: 'selection',
  infer: ([x], { dims }) => [{ shape: dims.map((axis) => x.shape[axis]), dtype: x.dtype }],
  vjp: {
    reads: {},
    backward: ({ attrs: { dims }, gradient }) => [gradient.permute(dims.map((_, axis) => dims.indexOf(axis)))],
  },
});

/**
 * The axes in another order: axis i of the result is axis `dims[i]` of x.
 *
 * @throws OutOfRangeError unless `dims` names every axis once.
 * @example
 * zeros(2, 3, 5).permute(2, 0, 1).shape; // [5, 2, 3]
 */
export function permute(x: Tensor, ...dims: Sizes): Tensor {
  checkTensor('permute', x);
  const list = listOf('permute', dims);
  if (list.length !== x.ndim) {
    throw new ShapeError(`permute: expected ${x.ndim} axes for ${formatAval(x)}, got ${formatShape(list)}`);
  }
  normalizeDims('permute', list, x.ndim);
  return record1(permuteOp, [x], { dims: list.map((dim) => normalizeDim('permute', dim, x.ndim)) });
}

/**
 * Two axes exchanged.
 *
 * @throws OutOfRangeError if an axis is out of range.
 * @example
 * await tensor([[1, 2], [3, 4]]).transpose(0, 1).toArray(); // [[1, 3], [2, 4]]
 */
export function transpose(x: Tensor, dim0: number, dim1: number): Tensor {
  checkTensor('transpose', x);
  const a = normalizeDim('transpose', dim0, x.ndim);
  const b = normalizeDim('transpose', dim1, x.ndim);
  const dims = [...x.shape.keys()];
  if (x.ndim > 0) [dims[a], dims[b]] = [b, a];
  return permute(x, dims);
}

/**
 * The transpose of a matrix; a vector or scalar is its own.
 *
 * @throws ShapeError for more than two axes.
 * @example
 * await tensor([[1, 2], [3, 4]]).t().toArray(); // [[1, 3], [2, 4]]
 */
export function t(x: Tensor): Tensor {
  checkTensor('t', x);
  if (x.ndim > 2) {
    throw new ShapeError(
      `t: expected at most two axes, got ${formatAval(x)}. Use transpose(-2, -1) for a batch of matrices.`,
    );
  }
  return x.ndim === 2 ? permute(x, [1, 0]) : permute(x, [...x.shape.keys()]);
}

/**
 * Axes moved to other places; the others keep their order.
 *
 * @throws OutOfRangeError if an axis is out of range.
 * @example
 * zeros(2, 3, 5).movedim(0, -1).shape; // [3, 5, 2]
 */
export function movedim(
  x: Tensor,
  source: number | readonly number[],
  destination: number | readonly number[],
): Tensor {
  checkTensor('movedim', x);
  const places = (list: number | readonly number[]): number[] => {
    normalizeDims('movedim', list, x.ndim);
    return (typeof list === 'number' ? [list] : list).map((dim) => normalizeDim('movedim', dim, x.ndim));
  };
  const from = places(source);
  const to = places(destination);
  if (from.length !== to.length) {
    throw new ShapeError(
      `movedim: expected as many destinations as sources, got ${formatShape(from)} and ${formatShape(to)}`,
    );
  }
  const rest = [...x.shape.keys()].filter((axis) => !from.includes(axis));
  const dims = Array.from({ length: x.ndim }, (_, axis) =>
    to.includes(axis) ? from[to.indexOf(axis)] : rest.shift()!,
  );
  return permute(x, dims);
}

/**
 * The axes from `startDim` to `endDim` as one.
 *
 * @throws OutOfRangeError if an axis is out of range; ShapeError if `startDim` comes after `endDim`.
 * @example
 * zeros(2, 3, 5).flatten(1).shape; // [2, 15]
 */
export function flatten(x: Tensor, startDim = 0, endDim = -1): Tensor {
  checkTensor('flatten', x);
  const start = normalizeDim('flatten', startDim, x.ndim);
  const end = normalizeDim('flatten', endDim, x.ndim);
  if (start > end) throw new ShapeError(`flatten: axis ${startDim} comes after axis ${endDim} of ${formatAval(x)}`);
  const size = sizeOf(x.shape.slice(start, end + 1));
  return reshape(x, [...x.shape.slice(0, start), size, ...x.shape.slice(end + 1)]);
}

/**
 * One axis as several; one of the sizes may be −1.
 *
 * @throws ShapeError unless the sizes multiply to that of the axis.
 * @example
 * zeros(2, 15).unflatten(1, [3, -1]).shape; // [2, 3, 5]
 */
export function unflatten(x: Tensor, dim: number, sizes: Shape): Tensor {
  checkTensor('unflatten', x);
  const axis = normalizeDim('unflatten', dim, x.ndim);
  const size = x.shape[axis];
  const known = sizeOf(sizes.filter((n) => n !== -1));
  const full = sizes.map((n) => (n === -1 ? size / known : n));
  if (sizeOf(full) !== size || !full.every(Number.isInteger)) {
    throw new ShapeError(`unflatten: the sizes ${formatShape(sizes)} do not make axis ${dim} of ${formatAval(x)}`);
  }
  return reshape(x, [...x.shape.slice(0, axis), ...full, ...x.shape.slice(axis + 1)]);
}

/**
 * Without the axes of size 1, or without the given ones where their size is 1.
 *
 * @throws OutOfRangeError if an axis is out of range.
 * @example
 * zeros(1, 3, 1).squeeze().shape; // [3]
 * zeros(1, 3, 1).squeeze(0).shape; // [3, 1]
 */
export function squeeze(x: Tensor, dims?: number | readonly number[]): Tensor {
  checkTensor('squeeze', x);
  const list = normalizeDims('squeeze', dims, x.ndim);
  return reshape(
    x,
    x.shape.filter((size, axis) => size !== 1 || !list.includes(axis)),
  );
}

/**
 * With an axis of size 1 at `dim`.
 *
 * @throws OutOfRangeError if there is no such place.
 * @example
 * zeros(2, 3).unsqueeze(-1).shape; // [2, 3, 1]
 */
export function unsqueeze(x: Tensor, dim: number): Tensor {
  checkTensor('unsqueeze', x);
  return reshape(x, x.shape.toSpliced(normalizeDim('unsqueeze', dim, x.ndim, 1), 0, 1));
}

const expandOp = defineOp<{ shape: Shape }>({
  name: 'expand',
  jacobian: 'selection',
  infer([x], { shape }) {
    const fits = tryBroadcast(x.shape, shape);
    if (!fits || !sameShape(fits, shape)) {
      throw new ShapeError(
        `expand: ${formatAval(x)} does not expand to ${formatShape(shape)}: only axes of size 1 grow, and new ones come first.`,
      );
    }
    return [{ shape, dtype: x.dtype }];
  },
  vjp: { reads: {}, backward: ({ inputs: [x], gradient }) => [unbroadcast(gradient, x.shape)] },
});

/**
 * Repeated along axes of size 1, and along new axes in front. −1 keeps the size of an axis.
 *
 * @throws ShapeError if an axis is neither 1 nor the size asked for.
 * @example
 * await tensor([[1], [2]]).expand(2, 3).toArray(); // [[1, 1, 1], [2, 2, 2]]
 */
export function expand(x: Tensor, ...shape: Sizes): Tensor {
  checkTensor('expand', x);
  const list = listOf('expand', shape);
  const extra = list.length - x.ndim;
  const sizes = list.map((size, i) => (size === -1 && i >= extra ? x.shape[i - extra] : size));
  checkShape('expand', sizes);
  return record1(expandOp, [x], { shape: sizes });
}

/**
 * {@link expand} to the shape of another tensor.
 *
 * @example
 * tensor([1, 2]).expandAs(zeros(3, 2)).shape; // [3, 2]
 */
export function expandAs(x: Tensor, other: Tensor): Tensor {
  checkTensor('expandAs', other);
  return expand(x, other.shape);
}

/**
 * {@link expand} to a shape, by PyTorch's other name.
 *
 * @example
 * tensor([1, 2]).broadcastTo([3, 2]).shape; // [3, 2]
 */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  return expand(x, shape);
}

const flipOp = defineOp<{ dims: readonly number[] }>({
  name: 'flip',
  jacobian: 'selection',
  infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  vjp: { reads: {}, backward: ({ attrs: { dims }, gradient }) => [gradient.flip(dims)] },
});

/**
 * In reverse order along the given axes.
 *
 * @throws OutOfRangeError if an axis is out of range, or named twice.
 * @example
 * await tensor([1, 2, 3]).flip(0).toArray(); // [3, 2, 1]
 */
export function flip(x: Tensor, ...dims: Sizes): Tensor {
  checkTensor('flip', x);
  const list = normalizeDims('flip', listOf('flip', dims), x.ndim);
  return list.length === 0 || x.ndim === 0 ? reshape(x, x.shape) : record1(flipOp, [x], { dims: list });
}
