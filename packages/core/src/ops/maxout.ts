/**
 * Maxout.
 */
import { OutOfRangeError, ShapeError } from '../errors.js';
import { checkTensor } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { formatAval, normalizeDim } from '../shape.js';
import { checkFloat } from './common.js';
import { composed } from './compose.js';

/**
 * The largest of each `pieces` neighbours along an axis: yⱼ = max(x₍ⱼₖ₎, …, x₍ⱼₖ₊ₖ₋₁₎) with k = pieces. After a linear or
 * convolution layer it is a convex function that is learned, of up to k straight pieces; relu is one of them, max(x, 0).
 * The gradient goes to the largest; pieces that tie share it, as in `amax`. NaN wins.
 *
 * When to use: with dropout, where k times the weights are affordable; see `nn.Maxout`.
 *
 * Shape: size C along `dim` becomes C / pieces.
 *
 * Source: Goodfellow et al., "Maxout networks", 2013.
 *
 * @param pieces How many neighbours make one output, k.
 * @param dim The axis. Default 1: channels.
 * @throws OutOfRangeError unless pieces is a whole number of at least 1, and dim an axis; ShapeError unless pieces
 * divides the axis.
 * @example
 * await tensor([[1, 5, 4, 2]]).maxout(2).toArray(); // [[5, 4]]
 */
export function maxout(x: Tensor, pieces: number, dim = 1): Tensor {
  checkTensor('maxout', x);
  checkFloat('maxout', [x]);
  if (!Number.isInteger(pieces) || pieces < 1)
    throw new OutOfRangeError(`maxout: pieces is a whole number of at least 1, got ${String(pieces)}`);
  const axis = normalizeDim('maxout', dim, x.ndim);
  const size = x.shape[axis] ?? 1;
  if (size % pieces !== 0) {
    throw new ShapeError(
      `maxout: axis ${dim} of ${formatAval(x)} can't be cut into groups of ${pieces}. A layer before it has pieces × ` +
        `outputs channels.`,
    );
  }
  const grouped = [...x.shape.slice(0, axis), size / pieces, pieces, ...x.shape.slice(axis + 1)];
  return composed(() => {
    const largest = x.reshape(grouped).amax(axis + 1);
    return x.ndim === 0 ? largest.reshape([]) : largest;
  });
}
