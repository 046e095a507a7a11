/**
 * Sorting along an axis. NaN is the largest.
 */
import { OutOfRangeError } from '../errors.js';
import { checkTensor, record } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { formatAval, normalizeDim } from '../shape.js';
import { composed } from './compose.js';
import { literal, zerosOf } from './constants.js';
import { defineOp } from './def.js';
import type { ValuesAndIndices } from './reduction.js';

const sortOp = defineOp<{ dim: number; descending: boolean }>({
  name: 'sort',
  jacobian: 'selection',
  infer: ([x]) => [
    { shape: x.shape, dtype: x.dtype },
    { shape: x.shape, dtype: 'int32' },
  ],
  vjp: {
    reads: { outputs: [1] },
    backward: ({ inputs: [x], outputs: [, indices], attrs: { dim }, gradient }) => [
      zerosOf(x).scatterAdd(dim, indices, gradient),
    ],
  },
});

/**
 * Sorted along an axis, and where each element was. Stable: equal elements keep their order.
 *
 * Shape: both that of x; indices in int32.
 *
 * @throws OutOfRangeError if the axis is out of range.
 * @example
 * const { values, indices } = tensor([3, 1, 2]).sort();
 * await values.toArray(); // [1, 2, 3]
 * await indices.toArray(); // [1, 2, 0]
 */
export function sort(x: Tensor, dim = -1, descending = false): ValuesAndIndices {
  checkTensor('sort', x);
  const axis = normalizeDim('sort', dim, x.ndim);
  if (x.ndim === 0) return { values: x.reshape([]), indices: literal(0, { dtype: 'int32', device: x.device }) };
  const [values, indices] = record(sortOp, [x], { dim: axis, descending });
  return { values, indices };
}

/**
 * The indices that sort along an axis, in int32.
 *
 * @throws OutOfRangeError if the axis is out of range.
 * @example
 * await tensor([3, 1, 2]).argsort().toArray(); // [1, 2, 0]
 */
export function argsort(x: Tensor, dim = -1, descending = false): Tensor {
  return composed(() => sort(x, dim, descending).indices);
}

/**
 * The k largest elements along an axis, or the k smallest, in order, and where they are.
 *
 * Shape: that of x with size k along the axis; indices in int32.
 *
 * @throws OutOfRangeError if the axis is out of range, or k larger than its size.
 * @example
 * const { values, indices } = tensor([3, 1, 2]).topk(2);
 * await values.toArray(); // [3, 2]
 * await indices.toArray(); // [0, 2]
 */
export function topk(x: Tensor, k: number, dim = -1, largest = true): ValuesAndIndices {
  checkTensor('topk', x);
  const axis = normalizeDim('topk', dim, x.ndim);
  const size = x.shape[axis] ?? 1;
  if (!Number.isInteger(k) || k < 0 || k > size) {
    throw new OutOfRangeError(
      `topk: expected k from 0 to ${size}, the size of axis ${dim} of ${formatAval(x)}, got ${k}`,
    );
  }
  if (x.ndim === 0) return sort(x);
  return composed(() => {
    const { values, indices } = sort(x, axis, largest);
    return { values: first(values, axis, k), indices: first(indices, axis, k) };
  });
}

/** The first k along an axis: k is the shape's business, so the start is no input. */
const first = (x: Tensor, axis: number, k: number): Tensor => x.split([k, x.shape[axis] - k], axis)[0];
