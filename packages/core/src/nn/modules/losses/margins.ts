/**
 * Losses with a margin as modules. What they compute is in `ops/losses/margins.ts` and `ops/losses/embeddings.ts`.
 */
import type { Tensor } from '../../../graph/tensor.js';
import {
  cosineEmbeddingLoss,
  tripletMarginLoss,
  type TripletMarginLossOptions,
} from '../../../ops/losses/embeddings.js';
import {
  checkPower,
  hingeEmbeddingLoss,
  marginRankingLoss,
  multilabelMarginLoss,
  multiMarginLoss,
  softMarginLoss,
  type MarginOptions,
  type MultiMarginLossOptions,
} from '../../../ops/losses/margins.js';
import type { Buffer } from '../../../runtime/cell.js';
import { checkNumber } from '../factory.js';
import { ElementLoss, weightBuffer } from './element-loss.js';

/**
 * The multi-class hinge loss of a support vector machine, with the right class y, over C classes:
 * weight[y] / C · Σ over c ≠ y of max(0, margin − x[y] + x[c])^p.
 *
 * When to use: instead of {@link CrossEntropyLoss} where only the order of the scores matters and no probabilities are
 * needed: classes that are behind by the margin have no gradient.
 *
 * Shape: scores `[N, C]` or `[C]`; targets int32 `[N]` or `[]`. Output `[]`, or the targets' shape for reduction 'none'.
 *
 * Source: Weston and Watkins, "Support vector machines for multi-class pattern recognition", 1999.
 *
 * @param options `p`: 1 (default) or 2; `margin` (1); `weight` `[C]` (1 each); `reduction` ('mean').
 * @throws OutOfRangeError for another p, or a class out of range.
 * @example
 * const criterion = new nn.MultiMarginLoss({ p: 2 });
 * const loss = criterion(randn([3, 5]), tensor([1, 0, 4], { dtype: 'int32' }));
 */
export class MultiMarginLoss extends ElementLoss {
  readonly p: 1 | 2;
  readonly margin: number;
  weight: Buffer | null;

  constructor(options: MultiMarginLossOptions = {}) {
    super(options, ['p', 'margin', 'weight']);
    this.p = options.p ?? 1;
    this.margin = options.margin ?? 1;
    checkPower('MultiMarginLoss', this.p);
    checkNumber('MultiMarginLoss', 'margin', this.margin);
    this.weight = weightBuffer(new.target.name, 'weight', options.weight);
  }

  override forward(scores: Tensor, target: Tensor): Tensor {
    const { p, margin, weight, reduction } = this;
    return multiMarginLoss(scores, target, { p, margin, weight, reduction });
  }
}

/**
 * The hinge loss of several right classes: over the right classes y and the others c, 1/C · Σ max(0, 1 − x[y] + x[c]).
 *
 * Shape: scores `[N, C]` or `[C]`; targets int32 in that shape: the right classes, then −1. Output `[]`, or `[N]` for
 * reduction 'none'.
 *
 * @param options `reduction` ('mean').
 * @throws OutOfRangeError for a class out of range.
 * @example
 * const target = tensor([[3, 0, -1, -1]], { dtype: 'int32' });
 * await new nn.MultiLabelMarginLoss()(tensor([[0.1, 0.2, 0.4, 0.8]]), target).item(); // 0.85
 */
export class MultiLabelMarginLoss extends ElementLoss {
  override forward(scores: Tensor, target: Tensor): Tensor {
    return multilabelMarginLoss(scores, target, { reduction: this.reduction });
  }
}

/**
 * ln(1 + e^(−y·x)) for targets y of 1 or −1.
 *
 * Shape: input and target equal. Output `[]`, or theirs for reduction 'none'.
 *
 * @param options `reduction` ('mean').
 * @throws ShapeError unless the shapes are equal.
 * @example
 * await new nn.SoftMarginLoss()(tensor([0]), tensor([1])).item(); // 0.6931471824645996
 */
export class SoftMarginLoss extends ElementLoss {
  override forward(input: Tensor, target: Tensor): Tensor {
    return softMarginLoss(input, target, { reduction: this.reduction });
  }
}

/** A loss with a margin. */
abstract class MarginLoss extends ElementLoss {
  readonly margin: number;

  constructor(options: MarginOptions, margin: number) {
    super(options, ['margin']);
    this.margin = options.margin ?? margin;
    checkNumber(new.target.name, 'margin', this.margin);
  }

  protected get options(): MarginOptions {
    return { margin: this.margin, reduction: this.reduction };
  }
}

/**
 * For distances x and targets of 1 (alike) or −1 (unlike): x where they are alike, else max(0, margin − x).
 *
 * Shape: input and target equal. Output `[]`, or theirs for reduction 'none'.
 *
 * @param options `margin` (1), `reduction` ('mean').
 * @throws ShapeError unless the shapes are equal.
 * @example
 * const distance = new nn.PairwiseDistance();
 * const loss = new nn.HingeEmbeddingLoss()(distance(randn([4, 8]), randn([4, 8])), tensor([1, -1, 1, -1]));
 */
export class HingeEmbeddingLoss extends MarginLoss {
  constructor(options: MarginOptions = {}) {
    super(options, 1);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return hingeEmbeddingLoss(input, target, this.options);
  }
}

/**
 * Whether the right one of two scores is larger: max(0, −y · (x1 − x2) + margin), where the target y = 1 says that x1
 * should be, −1 that x2 should.
 *
 * Shape: all three broadcast. Output `[]`, or their shape for reduction 'none'.
 *
 * @param options `margin` (0), `reduction` ('mean').
 * @throws ShapeError if the shapes don't broadcast.
 * @example
 * await new nn.MarginRankingLoss()(tensor([1, 2]), tensor([3, 1]), tensor([1, 1])).item(); // 1
 */
export class MarginRankingLoss extends MarginLoss {
  constructor(options: MarginOptions = {}) {
    super(options, 0);
  }

  override forward(x1: Tensor, x2: Tensor, target: Tensor): Tensor {
    return marginRankingLoss(x1, x2, target, this.options);
  }
}

/**
 * With the cosine of each pair of vectors: 1 − cos where the target is 1 (alike), max(0, cos − margin) where it is −1.
 *
 * Shape: inputs `[N, D]` or `[D]`; target `[N]` or `[]`. Output `[]`, or the target's shape for reduction 'none'.
 *
 * @param options `margin`, from −1 to 1 (0); `reduction` ('mean').
 * @throws ShapeError if the shapes do not fit.
 * @example
 * const loss = new nn.CosineEmbeddingLoss()(randn([4, 8]), randn([4, 8]), tensor([1, -1, 1, -1]));
 */
export class CosineEmbeddingLoss extends MarginLoss {
  constructor(options: MarginOptions = {}) {
    super(options, 0);
  }

  override forward(x1: Tensor, x2: Tensor, target: Tensor): Tensor {
    return cosineEmbeddingLoss(x1, x2, target, this.options);
  }
}

/**
 * The anchor is to be closer to the positive than to the negative:
 * max(0, d(anchor, positive) − d(anchor, negative) + margin).
 *
 * When to use: learning an embedding in which samples of one class are neighbours (faces, retrieval).
 *
 * Shape: `[N, D]` or `[D]` each. Output `[]`, or `[N]` for reduction 'none'.
 *
 * Source: Balntas et al., "Learning local feature descriptors with triplets and shallow convolutional neural networks",
 * 2016.
 *
 * @param options `margin` (1), `p`: the distance's norm (2), `eps` (1e-6), `swap` (false), `reduction` ('mean').
 * @throws ShapeError if the shapes don't broadcast.
 * @example
 * const loss = new nn.TripletMarginLoss({ swap: true })(randn([4, 8]), randn([4, 8]), randn([4, 8]));
 */
export class TripletMarginLoss extends ElementLoss {
  readonly margin: number;
  readonly p: number;
  readonly eps: number;
  readonly swap: boolean;

  constructor(options: TripletMarginLossOptions = {}) {
    super(options, ['margin', 'p', 'eps', 'swap']);
    this.margin = options.margin ?? 1;
    this.p = options.p ?? 2;
    this.eps = options.eps ?? 1e-6;
    this.swap = options.swap ?? false;
    for (const name of ['margin', 'p', 'eps'] as const) checkNumber('TripletMarginLoss', name, this[name]);
  }

  override forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor {
    const { margin, p, eps, swap, reduction } = this;
    return tripletMarginLoss(anchor, positive, negative, { margin, p, eps, swap, reduction });
  }
}
