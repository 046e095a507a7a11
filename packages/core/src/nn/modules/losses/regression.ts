/**
 * Losses of numbers as modules. What they compute is in `ops/losses/regression.ts`.
 */
import { OutOfRangeError } from '../../../errors.js';
import type { Tensor } from '../../../graph/tensor.js';
import {
  gaussianNllLoss,
  huberLoss,
  l1Loss,
  mseLoss,
  smoothL1Loss,
  type GaussianNLLLossOptions,
  type HuberLossOptions,
  type SmoothL1LossOptions,
} from '../../../ops/losses/regression.js';
import { checkNumber } from '../factory.js';
import { ElementLoss } from './element-loss.js';

/**
 * Mean squared error: (x − y)², averaged over all elements.
 *
 * When to use: regression whose errors are about normal. Large errors weigh most: one outlier can rule the gradient.
 *
 * Shape: input and target equal. Output `[]`, or theirs for reduction 'none'.
 *
 * @param options `reduction`: 'mean' (default), 'sum' or 'none'.
 * @throws ShapeError unless the shapes are equal.
 * @example
 * const loss = new nn.MSELoss()(tensor([1, 2]), tensor([1, 4]));
 * await loss.item(); // 2
 */
export class MSELoss extends ElementLoss {
  override forward(input: Tensor, target: Tensor): Tensor {
    return mseLoss(input, target, { reduction: this.reduction });
  }
}

/**
 * Mean absolute error: |x − y|, averaged over all elements.
 *
 * When to use: regression with outliers: every error pulls equally hard.
 *
 * Shape: input and target equal. Output `[]`, or theirs for reduction 'none'.
 *
 * @param options `reduction`: 'mean' (default), 'sum' or 'none'.
 * @throws ShapeError unless the shapes are equal.
 * @example
 * const loss = new nn.L1Loss()(tensor([1, 2]), tensor([1, 4]));
 * await loss.item(); // 1
 */
export class L1Loss extends ElementLoss {
  override forward(input: Tensor, target: Tensor): Tensor {
    return l1Loss(input, target, { reduction: this.reduction });
  }
}

/**
 * With d = x − y: d²/(2β) where |d| < β, else |d| − β/2. β = 0 is {@link L1Loss}.
 *
 * When to use: regression with outliers, where the gradient should fade near the target. It is {@link HuberLoss}
 * divided by β.
 *
 * Shape: input and target equal. Output `[]`, or theirs for reduction 'none'.
 *
 * Source: Girshick, "Fast R-CNN", 2015, equation 3.
 *
 * @param options `beta`: the error at which the square becomes the absolute value (1); `reduction` ('mean').
 * @throws OutOfRangeError for a negative β; ShapeError unless the shapes are equal.
 * @example
 * const loss = new nn.SmoothL1Loss({ beta: 0.5 })(tensor([1, 2]), tensor([1, 4]));
 * await loss.item(); // 0.875
 */
export class SmoothL1Loss extends ElementLoss {
  readonly beta: number;

  constructor(options: SmoothL1LossOptions = {}) {
    super(options, ['beta']);
    this.beta = options.beta ?? 1;
    checkNumber('SmoothL1Loss', 'beta', this.beta, 0);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return smoothL1Loss(input, target, { beta: this.beta, reduction: this.reduction });
  }
}

/**
 * With d = x − y: d²/2 where |d| < δ, else δ·(|d| − δ/2).
 *
 * When to use: as {@link SmoothL1Loss}, where the squared part should not depend on δ.
 *
 * Shape: input and target equal. Output `[]`, or theirs for reduction 'none'.
 *
 * Source: Huber, "Robust estimation of a location parameter", 1964.
 *
 * @param options `delta`: the error at which the square becomes the absolute value (1); `reduction` ('mean').
 * @throws OutOfRangeError unless δ is positive; ShapeError unless the shapes are equal.
 * @example
 * const loss = new nn.HuberLoss({ delta: 2 })(tensor([1, 2]), tensor([1, 5]));
 * await loss.item(); // 2
 */
export class HuberLoss extends ElementLoss {
  readonly delta: number;

  constructor(options: HuberLossOptions = {}) {
    super(options, ['delta']);
    this.delta = options.delta ?? 1;
    if (!(this.delta > 0)) throw new OutOfRangeError(`HuberLoss: delta is a positive number, got ${this.delta}`);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return huberLoss(input, target, { delta: this.delta, reduction: this.reduction });
  }
}

/**
 * Negative log-likelihood of targets under normal distributions with the given means and variances:
 * ½·(ln v + (x − y)²/v), with v = max(variance, eps).
 *
 * When to use: regression where the network is to say how sure it is.
 *
 * Shape: input and target equal; variance in that shape, or one for the last axis. Output `[]`, or the input's shape
 * for reduction 'none'.
 *
 * Source: Nix and Weigend, "Estimating the mean and variance of the target probability distribution", 1994.
 *
 * @param options `full`: whether ½·ln 2π is added (false); `eps` (1e-6); `reduction` ('mean').
 * @throws ShapeError if the shapes do not fit; OutOfRangeError unless eps is positive.
 * @example
 * const loss = new nn.GaussianNLLLoss()(tensor([1, 2]), tensor([1, 4]), tensor([1, 1]));
 * await loss.item(); // 1
 */
export class GaussianNLLLoss extends ElementLoss {
  readonly full: boolean;
  readonly eps: number;

  constructor(options: GaussianNLLLossOptions = {}) {
    super(options, ['full', 'eps']);
    this.full = options.full ?? false;
    this.eps = options.eps ?? 1e-6;
    if (!(this.eps > 0)) throw new OutOfRangeError(`GaussianNLLLoss: eps is a positive number, got ${this.eps}`);
  }

  override forward(input: Tensor, target: Tensor, variance: Tensor): Tensor {
    const { full, eps, reduction } = this;
    return gaussianNllLoss(input, target, variance, { full, eps, reduction });
  }
}
