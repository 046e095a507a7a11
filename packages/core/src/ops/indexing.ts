/**
 * Elements by index: picked, placed, added up. Indices are int32; on the host they are checked at the call, elsewhere
 * by the backend, if it can.
 */
import { DTypeError, NotInTypeScriptError, OutOfRangeError, ShapeError } from '../errors.js';
import { checkTensor, describe, record1, type TensorLike } from '../graph/record.js';
import { isTensor, type Tensor } from '../graph/tensor.js';
import { broadcastShapes, formatAval, normalizeDim, sameShape, sizeOf, type Aval } from '../shape.js';
import { castTo, checkSameDType } from './common.js';
import { composed } from './compose.js';
import { filled, zerosOf } from './constants.js';
import { defineOp } from './def.js';
import { outOfRange } from './host.js';
import { where } from './logic.js';

type AxisAttrs = { readonly dim: number };

function checkIndexDType(op: string, index: Aval): void {
  if (index.dtype === 'int32') return;
  const remedy =
    index.dtype === 'bool'
      ? 'A mask would make the shape depend on data: use where(mask, a, b), x.maskedFill(mask, value) or x.mul(mask).'
      : "Convert it with index.to('int32').";
  throw new DTypeError(`${op}: expected an int32 index, got ${formatAval(index)}. ${remedy}`);
}

function checkIndexRange(op: string, index: Tensor, x: Aval, axis: number, negative = false): void {
  const bad = outOfRange(index, x.shape[axis], negative);
  if (bad) throw new OutOfRangeError(`${op}: index ${bad} (axis ${axis} of ${formatAval(x)})`);
}

/** Throws unless `small` is nowhere larger than `large`, apart from axis `except`. */
function checkWithin(op: string, what: string, small: Aval, large: Aval, except: number | null): void {
  const fits =
    small.shape.length === large.shape.length && small.shape.every((n, i) => i === except || n <= large.shape[i]);
  if (fits) return;
  const apart = except === null ? '' : ` apart from axis ${except}`;
  throw new ShapeError(
    `${op}: expected an index no larger than the ${what}${apart}, got index ${formatAval(small)} and ${what} ${formatAval(large)}`,
  );
}

function checkVector(op: string, index: Aval): void {
  if (index.shape.length === 1) return;
  throw new ShapeError(
    `${op}: expected an index with one axis, got ${formatAval(index)}. Use gather or x.index(i) for more.`,
  );
}

/** A scalar counts as a vector of one element; indices have that many axes, too. */
const atLeast1d = (x: Tensor): Tensor => (x.ndim === 0 ? x.reshape([1]) : x);

const gatherOp = defineOp<AxisAttrs>({
  name: 'gather',
  jacobian: 'selection',
  infer([x, index], { dim }) {
    checkIndexDType('gather', index);
    checkWithin('gather', 'input', index, x, dim);
    return [{ shape: index.shape, dtype: x.dtype }];
  },
  vjp: {
    reads: { inputs: [1] },
    backward: ({ inputs: [x, index], attrs: { dim }, gradient }) => [zerosOf(x).scatterAdd(dim, index, gradient)],
  },
});

/**
 * Elements picked along an axis, each by its own index: `out[i][j] = x[index[i][j]][j]` for axis 0.
 *
 * Shape: that of `index`, which has as many axes as x and is no larger apart from axis `dim`.
 *
 * @throws DTypeError unless the index is int32; ShapeError if it does not fit; OutOfRangeError for an index out of range, if
 *   the index is on the host.
 * @example
 * const index = tensor([[0], [1]], { dtype: 'int32' });
 * await tensor([[1, 2], [3, 4]]).gather(1, index).toArray(); // [[1], [4]]
 */
export function gather(x: Tensor, dim: number, index: Tensor): Tensor {
  checkTensor('gather', x);
  checkTensor('gather', index);
  const axis = normalizeDim('gather', dim, x.ndim);
  if (x.ndim === 0) return composed(() => gather(x.reshape([1]), 0, atLeast1d(index)).reshape(index.shape));
  checkIndexDType('gather', index);
  checkIndexRange('gather', index, x, axis);
  return record1(gatherOp, [x, index], { dim: axis });
}

const scatterAddOp = defineOp<AxisAttrs>({
  name: 'scatterAdd',
  jacobian: 'selection',
  infer([base, index, source], { dim }) {
    checkIndexDType('scatterAdd', index);
    const dtype = checkSameDType('scatterAdd', [base, source]);
    checkWithin('scatterAdd', 'source', index, source, null);
    checkWithin('scatterAdd', 'input', index, base, dim);
    return [{ shape: base.shape, dtype }];
  },
  vjp: {
    reads: { inputs: [1] },
    backward({ inputs: [, index, source], attrs: { dim }, gradient, needs }) {
      if (!needs[2]) return [gradient];
      const used = gradient.gather(dim, index);
      // What lies beyond the index was not added.
      const pads = source.shape.flatMap((n, i) => [n - index.shape[i], 0]).reverse();
      return [gradient, null, sameShape(used.shape, source.shape) ? used : used.pad(pads)];
    },
  },
});

/**
 * x with the elements of `source` added at `index` along an axis; equal indices add up.
 *
 * Shape: that of x. `index` is no larger than `source`, and no larger than x apart from axis `dim`.
 *
 * @throws DTypeError unless the index is int32; ShapeError if it does not fit; OutOfRangeError for an index out of range, if
 *   the index is on the host.
 * @example
 * const index = tensor([0, 0, 2], { dtype: 'int32' });
 * await zeros(3).scatterAdd(0, index, tensor([1, 2, 3])).toArray(); // [3, 0, 3]
 */
export function scatterAdd(x: Tensor, dim: number, index: Tensor, source: Tensor): Tensor {
  for (const t of [x, index, source]) checkTensor('scatterAdd', t);
  const axis = normalizeDim('scatterAdd', dim, x.ndim);
  if (x.ndim === 0) {
    return composed(() => scatterAdd(x.reshape([1]), 0, atLeast1d(index), atLeast1d(source)).reshape([]));
  }
  checkIndexDType('scatterAdd', index);
  checkIndexRange('scatterAdd', index, x, axis);
  return record1(scatterAddOp, [x, index, source], { dim: axis });
}

/**
 * x with `source` written at `index` along an axis.
 *
 * Shape: that of x. `index` is no larger than `source`, and no larger than x apart from axis `dim`.
 *
 * @param source A tensor, whose indices must differ along the axis (PyTorch leaves it open which of equal ones wins;
 *   here they would add up); or a number.
 * @throws As {@link scatterAdd}.
 * @example
 * const index = tensor([2, 0], { dtype: 'int32' });
 * await zeros(3).scatter(0, index, tensor([1, 2])).toArray(); // [2, 0, 1]
 */
export function scatter(x: Tensor, dim: number, index: Tensor, source: TensorLike): Tensor {
  checkTensor('scatter', x);
  checkTensor('scatter', index);
  return composed(() => {
    const int = { dtype: 'int32', device: x.device } as const;
    const isWritten = filled(0, x.shape, int)
      .scatterAdd(dim, index, filled(1, index.shape, int))
      .bool();
    if (!isTensor(source)) return x.maskedFill(isWritten, source);
    return where(isWritten, zerosOf(x).scatterAdd(dim, index, source), x);
  });
}

const indexSelectOp = defineOp<AxisAttrs>({
  name: 'indexSelect',
  jacobian: 'selection',
  infer: ([x, index], { dim }) => [{ shape: x.shape.with(dim, index.shape[0]), dtype: x.dtype }],
  vjp: {
    reads: { inputs: [1] },
    backward: ({ inputs: [x, index], attrs: { dim }, gradient }) => [zerosOf(x).indexAdd(dim, index, gradient)],
  },
});

/**
 * Slices picked along an axis by a vector of indices.
 *
 * Shape: that of x, with the length of `index` along `dim`.
 *
 * @throws DTypeError unless the index is int32; ShapeError unless it has one axis; OutOfRangeError for an index out of
 *   range, if the index is on the host.
 * @example
 * const index = tensor([1, 1, 0], { dtype: 'int32' });
 * await tensor([[1, 2], [3, 4]]).indexSelect(0, index).toArray(); // [[3, 4], [3, 4], [1, 2]]
 */
export function indexSelect(x: Tensor, dim: number, index: Tensor): Tensor {
  checkTensor('indexSelect', x);
  checkTensor('indexSelect', index);
  const axis = normalizeDim('indexSelect', dim, x.ndim);
  checkIndexDType('indexSelect', index);
  if (index.ndim > 0) checkVector('indexSelect', index);
  if (x.ndim === 0) return composed(() => indexSelect(x.reshape([1]), 0, index).reshape([]));
  checkIndexRange('indexSelect', index, x, axis);
  if (x.shape[axis] === 0 && index.numel() > 0) {
    throw new OutOfRangeError(`indexSelect: axis ${dim} of ${formatAval(x)} has no elements to pick from`);
  }
  return index.ndim > 0
    ? record1(indexSelectOp, [x, index], { dim: axis })
    : composed(() => record1(indexSelectOp, [x, index.reshape([1])], { dim: axis }));
}

const indexAddOp = defineOp<AxisAttrs>({
  name: 'indexAdd',
  jacobian: 'selection',
  infer([base, index, source], { dim }) {
    const dtype = checkSameDType('indexAdd', [base, source]);
    const expected = { shape: base.shape.with(dim, index.shape[0]), dtype };
    if (!sameShape(source.shape, expected.shape)) {
      throw new ShapeError(
        `indexAdd: expected a source ${formatAval(expected)} for an index of ${index.shape[0]} into ${formatAval(base)}, got ${formatAval(source)}`,
      );
    }
    return [{ shape: base.shape, dtype }];
  },
  vjp: {
    reads: { inputs: [1] },
    backward: ({ inputs: [, index], attrs: { dim }, gradient, needs }) => [
      gradient,
      null,
      needs[2] ? gradient.indexSelect(dim, index) : null,
    ],
  },
});

/**
 * x with slices of `source` added at indices along an axis; equal indices add up.
 *
 * Shape: that of x. `source` has the length of `index` along `dim`, else the shape of x.
 *
 * @param options `alpha`: a factor of the source. Default 1.
 * @throws DTypeError unless the index is int32; ShapeError if the shapes do not fit; OutOfRangeError for an index out of
 *   range, if the index is on the host.
 * @example
 * const index = tensor([0, 0], { dtype: 'int32' });
 * await zeros(2, 2).indexAdd(0, index, tensor([[1, 2], [3, 4]])).toArray(); // [[4, 6], [0, 0]]
 */
export function indexAdd(
  x: Tensor,
  dim: number,
  index: Tensor,
  source: Tensor,
  { alpha }: { readonly alpha?: TensorLike } = {},
): Tensor {
  for (const t of [x, index, source]) checkTensor('indexAdd', t);
  const axis = normalizeDim('indexAdd', dim, x.ndim);
  if (x.ndim === 0) throw new ShapeError(`indexAdd: ${formatAval(x)} has no axes`);
  checkIndexDType('indexAdd', index);
  checkVector('indexAdd', index);
  checkIndexRange('indexAdd', index, x, axis);
  return alpha === undefined
    ? record1(indexAddOp, [x, index, source], { dim: axis })
    : composed(() => record1(indexAddOp, [x, index, castTo(source.mul(alpha), x.dtype)], { dim: axis }));
}

/**
 * Elements by index tensors, as `x[i]` and `x[i, j]` in PyTorch: the indices broadcast together, null keeps an axis.
 *
 * Shape: `(…index, …rest)`, with the axes of the broadcast indices in place of those indexed, where these are
 * neighbours, else in front.
 *
 * @param indices One int32 tensor for axis 0, or one for each of the first axes. Negative indices count from the end.
 * @throws DTypeError unless the indices are int32 (a mask would make the shape depend on data); ShapeError if they do
 *   not broadcast, or are more than the axes; OutOfRangeError for an index out of range, if it is on the host.
 * @example
 * const x = tensor([[1, 2], [3, 4]]);
 * const i = tensor([0, 1], { dtype: 'int32' });
 * await x.index(i.sub(1)).toArray(); // [[3, 4], [1, 2]]
 * await x.index([i, i]).toArray(); // [1, 4]
 */
export function index(x: Tensor, indices: Tensor | readonly (Tensor | null)[]): Tensor {
  checkTensor('index', x);
  const list = isTensor(indices) ? [indices] : indices;
  if (!Array.isArray(list))
    throw new TypeError(`index: expected a tensor or an array of tensors, got ${describe(indices)}`);
  if (list.length > x.ndim) throw new ShapeError(`index: ${list.length} indices for ${formatAval(x)}`);
  const axes = [...list.keys()].filter((axis) => list[axis] !== null);
  const given = axes.map((axis) => {
    const i = list[axis] as Tensor;
    checkTensor('index', i);
    checkIndexDType('index', i);
    checkIndexRange('index', i, x, axis, true);
    return i;
  });
  if (given.length === 0) return x.clone();
  const shape = broadcastShapes('index', given);
  return composed(() => {
    const flat = flatIndex(x, axes, given)
      .expand(shape)
      .reshape([sizeOf(shape)]);
    const rest = x.shape.filter((_, axis) => !axes.includes(axis));
    const rows = x.movedim(axes, [...axes.keys()]).reshape([sizeOf(axes.map((axis) => x.shape[axis])), ...rest]);
    const picked = rows.indexSelect(0, flat).reshape([...shape, ...rest]);
    const neighbours = axes.every((axis, i) => axis === axes[0] + i);
    if (!neighbours || axes[0] === 0 || shape.length === 0) return picked;
    const front = [...shape.keys()];
    return picked.movedim(
      front,
      front.map((i) => i + axes[0]),
    );
  });
}

/** The indices of several axes as one into the flattened axes; out of range where one of them is. */
function flatIndex(x: Tensor, axes: readonly number[], indices: readonly Tensor[]): Tensor {
  let isValid: Tensor | null = null;
  let flat: Tensor | null = null;
  axes.forEach((axis, k) => {
    const size = x.shape[axis];
    const i = where(indices[k].lt(0), indices[k].add(size), indices[k]);
    flat = flat ? flat.mul(size).add(i) : i;
    if (axes.length === 1) return;
    const fits = i.ge(0).logicalAnd(i.lt(size));
    isValid = isValid ? isValid.logicalAnd(fits) : fits;
  });
  return isValid ? where(isValid, flat!, -1) : flat!;
}

/**
 * Not possible: the shape would depend on data, which is not computed when the operation is recorded.
 *
 * @throws NotInTypeScriptError always; the message says what to write instead.
 */
export function maskedSelect(x: Tensor, _mask: Tensor): never {
  throw new NotInTypeScriptError(
    `maskedSelect: the shape of the result would depend on data, which is computed later. Use where(mask, x, 0), ` +
      `x.maskedFill(mask, value), or read both with await x.toArray() (got ${formatAval(x)}).`,
  );
}
