/**
 * Losses of numbers: how far the input is from the target.
 */
import { OutOfRangeError, ShapeError } from '../../errors.js';
import { checkTensor } from '../../graph/record.js';
import type { Tensor } from '../../graph/tensor.js';
import { formatAval, sameShape } from '../../shape.js';
import { checkOptions } from '../arguments.js';
import { literal } from '../constants.js';
import { checkElements, elementLoss, type ReductionOptions } from './reduction.js';

/**
 * The mean squared error (input − target)², as `F.mse_loss`; shapes must be equal.
 *
 * When to use: regression whose errors are about normal. Large errors weigh most: one outlier can rule the gradient.
 *
 * @throws ShapeError unless the shapes are equal: PyTorch would broadcast, with a warning.
 * @example
 * await nn.functional.mseLoss(tensor([1, 2]), tensor([0, 4])).item(); // 2.5
 */
export function mseLoss(input: Tensor, target: Tensor, options: ReductionOptions = {}): Tensor {
  checkOptions('mseLoss', options, ['reduction'] satisfies (keyof ReductionOptions)[]);
  return elementLoss('mseLoss', input, target, options.reduction ?? 'mean', (x, y) => x.sub(y).square());
}

/**
 * The mean absolute error |input − target|, as `F.l1_loss`; shapes must be equal. Its gradient where they are equal
 * is 0.
 *
 * When to use: regression with outliers: every error pulls equally hard.
 *
 * @throws ShapeError unless the shapes are equal.
 * @example
 * await nn.functional.l1Loss(tensor([1, 2]), tensor([0, 4])).item(); // 1.5
 */
export function l1Loss(input: Tensor, target: Tensor, options: ReductionOptions = {}): Tensor {
  checkOptions('l1Loss', options, ['reduction'] satisfies (keyof ReductionOptions)[]);
  return elementLoss('l1Loss', input, target, options.reduction ?? 'mean', (x, y) => x.sub(y).abs());
}

/** d²/2 up to |d| = δ, from there on δ·(|d| − δ/2): with d cut to c, from −δ to δ, both are c·(d − c/2). */
function huber(difference: Tensor, delta: number): Tensor {
  const inside = difference.clamp(-delta, delta);
  return inside.mul(difference.sub(inside.mul(literal(0.5, difference))));
}

/** What {@link smoothL1Loss} takes beside input and target. */
export interface SmoothL1LossOptions extends ReductionOptions {
  /** The error at which the square becomes the absolute value, from 0 up. Default 1. */
  beta?: number;
}

/**
 * With d = input − target: d²/(2β) where |d| < β, else |d| − β/2, as `F.smooth_l1_loss`. β = 0 is {@link l1Loss}.
 *
 * When to use: regression with outliers, where the gradient should fade near the target (bounding boxes in Fast
 * R-CNN). It is {@link huberLoss} divided by β: for any β its slope far out is 1.
 *
 * Source: Girshick, "Fast R-CNN", 2015, equation 3.
 *
 * @throws ShapeError unless the shapes are equal; OutOfRangeError for a negative β.
 * @example
 * await nn.functional.smoothL1Loss(tensor([0.5, 3]), tensor([0, 0]), { reduction: 'none' }).toArray(); // [0.125, 2.5]
 */
export function smoothL1Loss(input: Tensor, target: Tensor, options: SmoothL1LossOptions = {}): Tensor {
  checkOptions('smoothL1Loss', options, ['beta', 'reduction'] satisfies (keyof SmoothL1LossOptions)[]);
  const { beta = 1, reduction = 'mean' } = options;
  if (!(beta >= 0)) throw new OutOfRangeError(`smoothL1Loss: beta is a number of at least 0, got ${beta}`);
  return elementLoss('smoothL1Loss', input, target, reduction, (x, y) =>
    beta === 0 ? x.sub(y).abs() : huber(x.sub(y), beta).div(beta),
  );
}

/** What {@link huberLoss} takes beside input and target. */
export interface HuberLossOptions extends ReductionOptions {
  /** The error at which the square becomes the absolute value, above 0. Default 1. */
  delta?: number;
}

/**
 * With d = input − target: d²/2 where |d| < δ, else δ·(|d| − δ/2), as `F.huber_loss`.
 *
 * When to use: as {@link smoothL1Loss}, where the squared part should not depend on δ.
 *
 * Source: Huber, "Robust estimation of a location parameter", 1964.
 *
 * @throws ShapeError unless the shapes are equal; OutOfRangeError unless δ is positive.
 * @example
 * await nn.functional.huberLoss(tensor([1, 3]), tensor([0, 0]), { delta: 2, reduction: 'none' }).toArray(); // [0.5, 4]
 */
export function huberLoss(input: Tensor, target: Tensor, options: HuberLossOptions = {}): Tensor {
  checkOptions('huberLoss', options, ['delta', 'reduction'] satisfies (keyof HuberLossOptions)[]);
  const { delta = 1, reduction = 'mean' } = options;
  if (!(delta > 0)) throw new OutOfRangeError(`huberLoss: delta is a positive number, got ${delta}`);
  return elementLoss('huberLoss', input, target, reduction, (x, y) => huber(x.sub(y), delta));
}

/** What {@link gaussianNllLoss} takes beside input, target and variance. */
export interface GaussianNLLLossOptions extends ReductionOptions {
  /** Whether the constant ½·ln 2π is added. Default false. */
  full?: boolean;
  /** Smallest variance, for stability. Default 1e-6. */
  eps?: number;
}

/**
 * Negative log-likelihood of targets under normal distributions whose mean and variance a network gives, as
 * `F.gaussian_nll_loss`: ½·(ln v + (input − target)²/v), with v = max(variance, eps), which the gradient passes.
 *
 * Shape: input and target equal; the variance in that shape, or with one number for the last axis: without it, or
 * with size 1 there.
 *
 * When to use: regression where the network is to say how sure it is.
 *
 * Source: Nix and Weigend, "Estimating the mean and variance of the target probability distribution", 1994.
 *
 * @throws ShapeError if the shapes do not fit; OutOfRangeError for a negative variance, where it is on the host.
 * @example
 * const loss = nn.functional.gaussianNllLoss(tensor([1, 2]), tensor([1, 4]), tensor([1, 4]), { reduction: 'none' });
 * await loss.toArray(); // [0, 1.1931]
 */
export function gaussianNllLoss(
  input: Tensor,
  target: Tensor,
  variance: Tensor,
  options: GaussianNLLLossOptions = {},
): Tensor {
  const op = 'gaussianNllLoss';
  checkOptions(op, options, ['full', 'eps', 'reduction'] satisfies (keyof GaussianNLLLossOptions)[]);
  const { full = false, eps = 1e-6, reduction = 'mean' } = options;
  if (!(eps > 0)) throw new OutOfRangeError(`${op}: eps is a positive number, got ${eps}`);
  checkTensor(op, variance);
  const perRow = input.shape.slice(0, -1);
  const oneMore = sameShape(variance.shape, perRow) && !sameShape(variance.shape, input.shape);
  if (!oneMore && !sameShape(variance.shape, input.shape) && !sameShape(variance.shape, [...perRow, 1])) {
    throw new ShapeError(
      `${op}: expected a variance in the shape of the input, or one for its last axis ([${perRow.join(', ')}] or ` +
        `[${[...perRow, 1].join(', ')}]), got ${formatAval(variance)} for ${formatAval(input)}`,
    );
  }
  checkElements(op, 'a variance', variance, (value) => !(value < 0), 'of at least 0');
  return elementLoss(op, input, target, reduction, (x, y) => {
    const given = oneMore ? variance.unsqueeze(-1) : variance;
    const v = given.add(given.clampMin(eps).sub(given).detach());
    const losses = v.log().add(x.sub(y).square().div(v)).mul(literal(0.5, x));
    return full ? losses.add(literal(0.5 * Math.log(2 * Math.PI), x)) : losses;
  });
}
