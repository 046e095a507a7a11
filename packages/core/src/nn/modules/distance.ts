/**
 * Distances and similarities as modules. What they compute is in `ops/distance.ts`.
 */
import type { Tensor } from '../../graph/tensor.js';
import { checkOptions } from '../../ops/arguments.js';
import {
  cosineSimilarity,
  pairwiseDistance,
  type CosineSimilarityOptions,
  type PairwiseDistanceOptions,
} from '../../ops/distance.js';
import { Module } from '../module.js';
import { checkCount, checkNumber } from './factory.js';

/**
 * The cosine of the angle between vectors: x1·x2 / (max(‖x1‖, eps) · max(‖x2‖, eps)).
 *
 * Shape: the inputs broadcast; the output has their shape without axis `dim`.
 *
 * @param options `dim`: the axis of the vectors (1); `eps`: smallest length that is divided by (1e-8).
 * @example
 * await new nn.CosineSimilarity()(tensor([[1, 0]]), tensor([[1, 1]])).toArray(); // [0.7071]
 */
export class CosineSimilarity extends Module {
  readonly dim: number;
  readonly eps: number;

  constructor(options: CosineSimilarityOptions = {}) {
    super();
    checkOptions('CosineSimilarity', options, ['dim', 'eps'] satisfies (keyof CosineSimilarityOptions)[]);
    this.dim = options.dim ?? 1;
    this.eps = options.eps ?? 1e-8;
    checkCount('CosineSimilarity', 'dim', this.dim, -Infinity);
    checkNumber('CosineSimilarity', 'eps', this.eps);
  }

  override forward(x1: Tensor, x2: Tensor): Tensor {
    return cosineSimilarity(x1, x2, { dim: this.dim, eps: this.eps });
  }
}

/**
 * The distance of vectors along the last axis: ‖x1 − x2 + eps‖ₚ.
 *
 * Shape: inputs `[…, D]`, which broadcast; output `[…]`.
 *
 * @param options `p`: which norm (2); `eps`: keeps the gradient finite where the vectors are equal (1e-6); `keepdim` (false).
 * @example
 * await new nn.PairwiseDistance({ eps: 0 })(tensor([[0, 0]]), tensor([[3, 4]])).toArray(); // [5]
 */
export class PairwiseDistance extends Module {
  readonly p: number;
  readonly eps: number;
  readonly keepdim: boolean;

  constructor(options: PairwiseDistanceOptions = {}) {
    super();
    checkOptions('PairwiseDistance', options, ['p', 'eps', 'keepdim'] satisfies (keyof PairwiseDistanceOptions)[]);
    this.p = options.p ?? 2;
    this.eps = options.eps ?? 1e-6;
    this.keepdim = options.keepdim ?? false;
    checkNumber('PairwiseDistance', 'p', this.p);
    checkNumber('PairwiseDistance', 'eps', this.eps);
  }

  override forward(x1: Tensor, x2: Tensor): Tensor {
    return pairwiseDistance(x1, x2, { p: this.p, eps: this.eps, keepdim: this.keepdim });
  }
}
