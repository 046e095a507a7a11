/**
 * Larger tensors from smaller ones: joined and repeated.
 */
import { ShapeError } from '../errors.js';
import { checkTensor, describe, record1 } from '../graph/record.js';
import { isTensor, type Tensor } from '../graph/tensor.js';
import { promote } from '../dtype.js';
import { checkShape, formatAval, formatShape, normalizeDim, type Aval } from '../shape.js';
import { castTo, checkSameDType } from './common.js';
import { composed } from './compose.js';
import { defineOp } from './def.js';
import { reshape } from './movement.js';
import { listOf, type Sizes } from './sizes.js';

const catOp = defineOp<{ dim: number }>({
  name: 'cat',
  jacobian: 'selection',
  infer(inputs, { dim }) {
    const [first] = inputs;
    const dtype = checkSameDType('cat', inputs);
    for (const input of inputs) checkAlike('cat', first, input, dim);
    return [
      {
        shape: first.shape.with(
          dim,
          inputs.reduce((sum, x) => sum + x.shape[dim], 0),
        ),
        dtype,
      },
    ];
  },
  vjp: {
    reads: {},
    backward({ inputs, attrs: { dim }, gradient }) {
      const parts = gradient.split(
        inputs.map((x) => x.shape[dim]),
        dim,
      );
      return parts;
    },
  },
});

function checkAlike(op: string, first: Aval, other: Aval, dim: number | null): void {
  const same =
    first.shape.length === other.shape.length && first.shape.every((n, i) => i === dim || n === other.shape[i]);
  if (same) return;
  const where = dim === null ? '' : ` in all axes but ${dim}`;
  throw new ShapeError(
    `${op}: expected tensors of one shape${where}, got ${formatAval(first)} and ${formatAval(other)}`,
  );
}

function checkList(op: string, tensors: unknown): asserts tensors is readonly Tensor[] {
  if (!Array.isArray(tensors))
    throw new TypeError(
      `${op}: expected an array of tensors, got ${isTensor(tensors) ? 'one tensor' : describe(tensors)}`,
    );
  if (tensors.length === 0) throw new ShapeError(`${op}: expected at least one tensor, got none`);
  for (const x of tensors) checkTensor(op, x);
}

/** Tensors in the dtype that holds them all. */
function promoted(tensors: readonly Tensor[]): Tensor[] {
  const dtype = tensors.map((x) => x.dtype).reduce(promote);
  return tensors.map((x) => castTo(x, dtype));
}

/**
 * Tensors joined along an axis.
 *
 * Shape: equal in all other axes.
 *
 * @throws ShapeError if they differ in another axis.
 * @example
 * await cat([tensor([1, 2]), tensor([3])]).toArray(); // [1, 2, 3]
 */
export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  checkList('cat', tensors);
  // PyTorch leaves tensors of shape [0] out, whatever the others look like.
  const like = tensors.find((x) => x.ndim !== 1 || x.shape[0] > 0) ?? tensors[0];
  const list = tensors.filter((x) => x.ndim !== 1 || x.shape[0] > 0 || like.ndim === 1);
  if (like.ndim === 0) throw new ShapeError(`cat: ${formatAval(like)} has no axes to join along. Use stack.`);
  const axis = normalizeDim('cat', dim, like.ndim);
  for (const x of list) checkAlike('cat', like, x, axis);
  return composed(() => {
    const inputs = promoted(list);
    const filled = inputs.filter((x) => x.numel() > 0);
    return record1(catOp, filled.length > 0 ? filled : inputs, { dim: axis });
  });
}

/**
 * Tensors of one shape joined along a new axis.
 *
 * @throws ShapeError if the shapes differ.
 * @example
 * await stack([tensor([1, 2]), tensor([3, 4])]).toArray(); // [[1, 2], [3, 4]]
 */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  checkList('stack', tensors);
  const axis = normalizeDim('stack', dim, tensors[0].ndim, 1);
  for (const x of tensors) checkAlike('stack', tensors[0], x, null);
  return composed(() =>
    cat(
      tensors.map((x) => x.unsqueeze(axis)),
      axis,
    ),
  );
}

/**
 * The whole tensor repeated along each axis; more counts than axes make new ones in front. PyTorch's `repeat`.
 *
 * @throws ShapeError for fewer counts than axes.
 * @example
 * await tensor([1, 2]).repeat(2, 2).toArray(); // [[1, 2, 1, 2], [1, 2, 1, 2]]
 */
export function repeat(x: Tensor, ...counts: Sizes): Tensor {
  checkTensor('repeat', x);
  const list = listOf('repeat', counts);
  checkShape('repeat', list);
  const extra = list.length - x.ndim;
  if (extra < 0) {
    throw new ShapeError(
      `repeat: expected at least ${x.ndim} counts for ${formatAval(x)}, got ${formatShape(list)}. Use tile for fewer.`,
    );
  }
  const sizes = list.map((_, i) => (i < extra ? 1 : x.shape[i - extra]));
  return composed(() =>
    reshape(
      x,
      sizes.flatMap((size) => [1, size]),
    )
      .expand(sizes.flatMap((size, i) => [list[i], size]))
      .reshape(sizes.map((size, i) => size * list[i])),
  );
}

/**
 * {@link repeat}, where fewer counts than axes are for the last ones.
 *
 * @example
 * await tensor([[1, 2]]).tile(2).toArray(); // [[1, 2, 1, 2]]
 */
export function tile(x: Tensor, ...counts: Sizes): Tensor {
  checkTensor('tile', x);
  const list = listOf('tile', counts);
  return repeat(x, [...new Array<number>(Math.max(x.ndim - list.length, 0)).fill(1), ...list]);
}

/**
 * Each element repeated `count` times along an axis, or in the flattened tensor.
 *
 * @throws OutOfRangeError if the axis is out of range.
 * @example
 * await tensor([1, 2]).repeatInterleave(2, 0).toArray(); // [1, 1, 2, 2]
 */
export function repeatInterleave(x: Tensor, count: number, dim?: number): Tensor {
  checkTensor('repeatInterleave', x);
  if (isTensor(count))
    throw new TypeError('repeatInterleave: counts in a tensor would make the shape depend on data; pass a number');
  checkShape('repeatInterleave', [count]);
  if (dim === undefined) return composed(() => repeatInterleave(x.flatten(), count, 0));
  const axis = normalizeDim('repeatInterleave', dim, x.ndim);
  const inner = x.shape.toSpliced(axis + 1, 0, count);
  return composed(() =>
    x
      .unsqueeze(axis + 1)
      .expand(inner)
      .reshape(x.shape.with(axis, x.shape[axis] * count)),
  );
}
