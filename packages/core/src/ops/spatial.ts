/**
 * Tensors with spatial axes: batches [N, C, …] and single samples [C, …].
 */
import { ShapeError } from '../errors.js';
import { checkTensor } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { formatAval, sizeOf } from '../shape.js';
import { checkFloat } from './common.js';
import { composed } from './compose.js';

/** How the spatial axes are called in errors, by their number. */
export const SIZES = ['', 'L', 'H, W', 'D, H, W'];

/** Throws unless x is a batch [N, C, …] or one sample [C, …]. */
export function checkPlanes(op: string, x: Tensor, axes: number): void {
  checkTensor(op, x);
  checkFloat(op, [x]);
  if (x.ndim !== axes + 1 && x.ndim !== axes + 2) {
    throw new ShapeError(
      `${op}: expected a batch [N, C, ${SIZES[axes]}] or one sample [C, ${SIZES[axes]}], got ${formatAval(x)}. ` +
        `Add axes with x.unsqueeze(dim), or reshape.`,
    );
  }
}

/** Runs `pool` on a batch; one sample is made a batch of one, and its results samples again. */
export function batched(x: Tensor, axes: number, pool: (x: Tensor) => Tensor[]): Tensor[] {
  return composed(() => {
    if (x.ndim === axes + 2) return pool(x);
    return pool(x.reshape([1, ...x.shape])).map((y) => y.reshape(y.shape.slice(1)));
  });
}

/** The cells of x [N, C, …] at flat indices in its spatial plane. */
export function atIndices(x: Tensor, indices: Tensor): Tensor {
  const planes = x.shape.slice(0, 2);
  const flat = x.reshape([...planes, sizeOf(x.shape.slice(2))]);
  return flat.gather(2, indices.reshape([...planes, sizeOf(indices.shape.slice(2))])).reshape(indices.shape);
}
