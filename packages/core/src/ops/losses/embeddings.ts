/**
 * Losses of pairs and triplets of vectors: what is alike is to come close.
 */
import { ShapeError } from '../../errors.js';
import { checkTensor } from '../../graph/record.js';
import type { Tensor } from '../../graph/tensor.js';
import { broadcastShapes, formatAval, sameShape } from '../../shape.js';
import { checkOptions, checkReduction } from '../arguments.js';
import { checkFloat } from '../common.js';
import { composed } from '../compose.js';
import { literal } from '../constants.js';
import { pairwiseDistance } from '../distance.js';
import { where } from '../logic.js';
import type { MarginOptions } from './margins.js';
import { reduced, type ReductionOptions } from './reduction.js';

/**
 * With the cosine of each pair of vectors, as `F.cosine_embedding_loss`: 1 − cos where the target is 1 (alike),
 * max(0, cos − margin) where it is −1 (unlike).
 *
 * Shape: inputs `[N, D]` or `[D]`; target `[N]` or `[]`; result `[]`, or the target's shape for reduction 'none'.
 *
 * When to use: learning directions from pairs that are known to be alike or unlike, where lengths don't matter.
 *
 * @param options `margin`: the cosine up to which unlike pairs are far enough apart, from −1 to 1. Default 0.
 * @throws ShapeError if the shapes do not fit.
 * @example
 * const [a, b] = [tensor([[1, 0]]), tensor([[0, 1]])];
 * await nn.functional.cosineEmbeddingLoss(a, b, tensor([1])).item(); // 1
 */
export function cosineEmbeddingLoss(x1: Tensor, x2: Tensor, target: Tensor, options: MarginOptions = {}): Tensor {
  const op = 'cosineEmbeddingLoss';
  for (const t of [x1, x2, target]) checkTensor(op, t);
  checkFloat(op, [x1, x2]);
  checkOptions(op, options, ['margin', 'reduction'] satisfies (keyof MarginOptions)[]);
  const { margin = 0, reduction = 'mean' } = options;
  checkReduction(op, reduction);
  const isRight = sameShape(x1.shape, x2.shape) && sameShape(target.shape, x1.shape.slice(0, -1));
  if (!isRight || x1.ndim < 1 || x1.ndim > 2) {
    throw new ShapeError(
      `${op}: expected vectors [N, D] twice and a target [N], or [D] and [], got ${formatAval(x1)}, ` +
        `${formatAval(x2)} and ${formatAval(target)}`,
    );
  }
  return composed(() => {
    // As in PyTorch: 1e-12 is added to the squares here, where cosineSimilarity bounds the lengths.
    const squared = (x: Tensor): Tensor => x.square().sum(-1).add(literal(1e-12, x));
    const cosine = x1
      .mul(x2)
      .sum(-1)
      .div(squared(x1).mul(squared(x2)).sqrt());
    const alike = cosine.neg().add(literal(1, cosine));
    const unlike = cosine.sub(margin).clampMin(0);
    return reduced(where(target.eq(1), alike, 0).add(where(target.eq(-1), unlike, 0)), reduction);
  });
}

/** What {@link tripletMarginLoss} takes beside the vectors. */
export interface TripletMarginLossOptions extends ReductionOptions {
  /** By how much the negative is to be farther away. Default 1. */
  margin?: number;
  /** Which norm the distance is. Default 2. */
  p?: number;
  /** Added to each difference. Default 1e-6. */
  eps?: number;
  /** Whether the negative's distance to the positive counts where it is smaller than that to the anchor. Default false. */
  swap?: boolean;
}

/**
 * The anchor is to be closer to the positive than to the negative, as `F.triplet_margin_loss`:
 * max(0, d(anchor, positive) − d(anchor, negative) + margin), with {@link pairwiseDistance}.
 *
 * Shape: `[N, D]` or `[D]` each; result `[]`, or `[N]` for reduction 'none'.
 *
 * When to use: learning an embedding in which samples of one class are neighbours (faces, retrieval).
 *
 * Source: Balntas et al., "Learning local feature descriptors with triplets and shallow convolutional neural networks",
 * 2016 (also for `swap`).
 *
 * @throws ShapeError if the shapes don't broadcast.
 * @example
 * const [anchor, positive, negative] = [tensor([[0, 0]]), tensor([[3, 4]]), tensor([[0, 1]])];
 * await nn.functional.tripletMarginLoss(anchor, positive, negative, { eps: 0 }).item(); // 5
 */
export function tripletMarginLoss(
  anchor: Tensor,
  positive: Tensor,
  negative: Tensor,
  options: TripletMarginLossOptions = {},
): Tensor {
  const op = 'tripletMarginLoss';
  const vectors = [anchor, positive, negative];
  for (const t of vectors) checkTensor(op, t);
  checkFloat(op, vectors);
  checkOptions(op, options, ['margin', 'p', 'eps', 'swap', 'reduction'] satisfies (keyof TripletMarginLossOptions)[]);
  const { margin = 1, p = 2, eps = 1e-6, swap = false, reduction = 'mean' } = options;
  checkReduction(op, reduction);
  broadcastShapes(op, vectors);
  if (vectors.some((t) => t.ndim !== anchor.ndim) || anchor.ndim === 0) {
    throw new ShapeError(`${op}: expected [N, D] or [D] three times, got ${vectors.map(formatAval).join(', ')}`);
  }
  return composed(() => {
    const distance = (a: Tensor, b: Tensor): Tensor => pairwiseDistance(a, b, { p, eps });
    const toNegative = distance(anchor, negative);
    const far = swap ? toNegative.minimum(distance(positive, negative)) : toNegative;
    return reduced(distance(anchor, positive).sub(far).add(margin).clampMin(0), reduction);
  });
}
