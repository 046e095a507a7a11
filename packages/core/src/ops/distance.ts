/**
 * Distances and similarities of vectors.
 */
import { OutOfRangeError, ShapeError } from '../errors.js';
import { checkTensor } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { broadcastShapes, formatAval, normalizeDim } from '../shape.js';
import { checkOptions } from './arguments.js';
import { checkFloat } from './common.js';
import { composed } from './compose.js';

/** What {@link pairwiseDistance} takes beside the vectors. */
export interface PairwiseDistanceOptions {
  /** Which norm; Infinity is the largest difference. Default 2. */
  p?: number;
  /** Added to each difference: keeps the gradient finite where the vectors are equal. Default 1e-6. */
  eps?: number;
  /** Keep the last axis with size 1. Default false. */
  keepdim?: boolean;
}

/**
 * The distance of vectors along the last axis, as `F.pairwise_distance`: ‖x1 − x2 + eps‖ₚ.
 *
 * Shape: `[…, D]` each, which broadcast, give `[…]`.
 *
 * @throws ShapeError if the shapes don't broadcast; OutOfRangeError unless p is a number.
 * @example
 * await nn.functional.pairwiseDistance(tensor([[0, 0]]), tensor([[3, 4]]), { eps: 0 }).toArray(); // [5]
 */
export function pairwiseDistance(x1: Tensor, x2: Tensor, options: PairwiseDistanceOptions = {}): Tensor {
  const op = 'pairwiseDistance';
  checkVectors(op, x1, x2);
  checkOptions(op, options, ['p', 'eps', 'keepdim'] satisfies (keyof PairwiseDistanceOptions)[]);
  const { p = 2, eps = 1e-6, keepdim = false } = options;
  return composed(() => x1.sub(x2).add(eps).norm(p, -1, keepdim));
}

function checkVectors(op: string, x1: Tensor, x2: Tensor): void {
  checkTensor(op, x1);
  checkTensor(op, x2);
  checkFloat(op, [x1, x2]);
  broadcastShapes(op, [x1, x2]);
  if (x1.ndim + x2.ndim === 0) {
    throw new ShapeError(`${op}: expected vectors […, D], got ${formatAval(x1)} and ${formatAval(x2)}`);
  }
}

/** What {@link cosineSimilarity} takes beside the vectors. */
export interface CosineSimilarityOptions {
  /** The axis of the vectors. Default 1. */
  dim?: number;
  /** Smallest length that is divided by. Default 1e-8. */
  eps?: number;
}

/**
 * The cosine of the angle between vectors, as `F.cosine_similarity`: x1·x2 / (max(‖x1‖, eps) · max(‖x2‖, eps)).
 *
 * Shape: that of the broadcast inputs without axis `dim`.
 *
 * @throws ShapeError if the shapes don't broadcast; OutOfRangeError if the axis is out of range.
 * @example
 * await nn.functional.cosineSimilarity(tensor([[1, 0]]), tensor([[1, 1]])).toArray(); // [0.7071]
 */
export function cosineSimilarity(x1: Tensor, x2: Tensor, options: CosineSimilarityOptions = {}): Tensor {
  const op = 'cosineSimilarity';
  checkVectors(op, x1, x2);
  checkOptions(op, options, ['dim', 'eps'] satisfies (keyof CosineSimilarityOptions)[]);
  const { dim = 1, eps = 1e-8 } = options;
  const axis = normalizeDim(op, dim, Math.max(x1.ndim, x2.ndim));
  return composed(() => {
    const shape = broadcastShapes(op, [x1, x2]);
    // An axis of one element stands for a vector of equal ones.
    const whole = (x: Tensor): Tensor => (x.ndim < shape.length || x.shape[axis] < shape[axis] ? x.expand(shape) : x);
    const unit = (x: Tensor): Tensor => unitVectors(whole(x), 2, axis, eps);
    return unit(x1).mul(unit(x2)).sum(axis);
  });
}

const unitVectors = (x: Tensor, p: number, dim: number, eps: number): Tensor =>
  x.div(x.norm(p, dim, true).clampMin(eps));

/** What {@link normalize} takes beside the input. */
export interface NormalizeOptions {
  /** Which norm. Default 2. */
  p?: number;
  /** The axis of the vectors. Default 1. */
  dim?: number;
  /** Smallest length that is divided by. Default 1e-12. */
  eps?: number;
}

/**
 * Vectors divided by their length, as `F.normalize`: x / max(‖x‖ₚ, eps).
 *
 * Shape: that of the input.
 *
 * @throws OutOfRangeError if the axis is out of range.
 * @example
 * await nn.functional.normalize(tensor([[3, 4]])).toArray(); // [[0.6, 0.8]]
 */
export function normalize(x: Tensor, options: NormalizeOptions = {}): Tensor {
  checkTensor('normalize', x);
  checkFloat('normalize', [x]);
  checkOptions('normalize', options, ['p', 'dim', 'eps'] satisfies (keyof NormalizeOptions)[]);
  const { p = 2, dim = 1, eps = 1e-12 } = options;
  const axis = normalizeDim('normalize', dim, x.ndim);
  if (!(eps >= 0)) throw new OutOfRangeError(`normalize: eps is a number of at least 0, got ${eps}`);
  return composed(() => unitVectors(x, p, axis, eps));
}
