/**
 * Padding with the input's own cells: the modes of convolutions beside zeros.
 */
import { ShapeError } from '../../errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { hostConstant } from '../../ops/host-constants.js';
import { indexSelect } from '../../ops/indexing.js';
import { formatAval } from '../../shape.js';

/** What padding is filled with: zeros, the cells mirrored at the edge, the edge's cell, or the cells of the other end. */
export type PaddingMode = 'zeros' | 'reflect' | 'replicate' | 'circular';
export const PADDING_MODES: readonly PaddingMode[] = ['zeros', 'reflect', 'replicate', 'circular'];

/** Pads the last axes of `x`, one pair each, as `F.pad` with this mode. */
export function padWith(
  x: Tensor,
  pairs: readonly (readonly [number, number])[],
  mode: Exclude<PaddingMode, 'zeros'>,
): Tensor {
  return pairs.reduce((padded, [before, after], i) => {
    if (before + after === 0) return padded;
    const dim = x.ndim - pairs.length + i;
    const size = x.shape[dim];
    const most = mode === 'reflect' ? size - 1 : mode === 'circular' ? size : Infinity;
    if (before > most || after > most || size === 0) {
      throw new ShapeError(
        `padding_mode ${mode}: the padding [${before}, ${after}] is too large for axis ${dim} of ${formatAval(x)}: at most ${most} cells`,
      );
    }
    const key = `pad ${mode} ${size} ${before} ${after}`;
    const cells = (): number[] =>
      Array.from({ length: before + size + after }, (_, j) => source(j - before, size, mode));
    return indexSelect(padded, dim, hostConstant(x.device, 'int32', key, cells));
  }, x);
}

/** Which cell of `size` the cell at `i`, which may be outside, shows. */
function source(i: number, size: number, mode: Exclude<PaddingMode, 'zeros'>): number {
  switch (mode) {
    case 'reflect':
      return i < 0 ? -i : i >= size ? 2 * (size - 1) - i : i;
    case 'replicate':
      return Math.min(Math.max(i, 0), size - 1);
    case 'circular':
      return (i + size) % size;
    default:
      return mode satisfies never;
  }
}
