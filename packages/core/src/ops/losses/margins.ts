/**
 * Losses that are content once the right score is ahead by a margin.
 */
import { OutOfRangeError, ShapeError } from '../../errors.js';
import { checkTensor } from '../../graph/record.js';
import type { Tensor } from '../../graph/tensor.js';
import { broadcastShapes, formatAval, sameShape } from '../../shape.js';
import { checkOptions, checkReduction } from '../arguments.js';
import { castTo, checkFloat } from '../common.js';
import { composed } from '../compose.js';
import { filled, iota, literal } from '../constants.js';
import { where } from '../logic.js';
import { checkLabels, checkScores, unbatch } from './labels.js';
import { checkElements, elementLoss, reduced, type ReductionOptions } from './reduction.js';

/** What {@link multiMarginLoss} takes beside input and target. */
export interface MultiMarginLossOptions extends ReductionOptions {
  /** 1: the excess counts; 2: its square. Default 1. */
  p?: 1 | 2;
  /** By how much the right class is to lead. Default 1. */
  margin?: number;
  /** A weight for each class: that of the right one counts. Default: 1 each. */
  weight?: Tensor | null;
}

/**
 * The multi-class hinge loss of a support vector machine, as `F.multi_margin_loss`. With the right class y, over C
 * classes:
 *
 * loss = weight[y] / C · Σ over c ≠ y of max(0, margin − x[y] + x[c])^p
 *
 * Shape: input `[N, C]` or `[C]`; target int32 `[N]` or `[]`; result `[]`, or the target's shape for reduction 'none'.
 *
 * When to use: instead of cross-entropy where only the order of the scores matters and no probabilities are needed:
 * classes that are behind by the margin have no gradient.
 *
 * Source: Weston and Watkins, "Support vector machines for multi-class pattern recognition", 1999.
 *
 * @param input Scores.
 * @param target Class indices from 0 to C − 1.
 * @throws OutOfRangeError for a label out of range: at once where the labels are on the host, when it runs otherwise.
 * @example
 * const scores = tensor([[0.1, 0.2, 0.4, 0.8]]);
 * await nn.functional.multiMarginLoss(scores, tensor([3], { dtype: 'int32' })).item(); // 0.325
 */
export function multiMarginLoss(input: Tensor, target: Tensor, options: MultiMarginLossOptions = {}): Tensor {
  const op = 'multiMarginLoss';
  checkScores(op, input, target);
  checkOptions(op, options, ['p', 'margin', 'weight', 'reduction'] satisfies (keyof MultiMarginLossOptions)[]);
  const { p = 1, margin = 1, weight, reduction = 'mean' } = options;
  checkReduction(op, reduction);
  checkPower(op, p);
  if (input.ndim > 2) throw new ShapeError(`${op}: expected scores [N, C] or [C], got ${formatAval(input)}`);
  return composed(() => {
    const [x, y] = checkLabels(op, input, target, { weight, ignoreIndex: null });
    const [, classes] = x.shape;
    const label = y.unsqueeze(1);
    const excess = x.sub(x.gather(1, label)).add(margin).relu();
    const others = where(iota(classes, x.device).eq(label), 0, p === 1 ? excess : excess.square());
    const losses = others.sum(1).div(literal(classes, x));
    return unbatch(reduced(weight ? losses.mul(weight.indexSelect(0, y)) : losses, reduction), input);
  });
}

/** Throws unless p is 1 or 2. */
export function checkPower(op: string, p: number): void {
  if (p !== 1 && p !== 2) throw new OutOfRangeError(`${op}: p is 1 or 2, got ${p}`);
}

/**
 * The hinge loss of several right classes, as `F.multilabel_margin_loss`: over the right classes y and the others c,
 * 1/C · Σ over y, c of max(0, 1 − x[y] + x[c]).
 *
 * Shape: input `[N, C]` or `[C]`; target int32 in the same shape: the right classes, then −1; result `[]`, or `[N]`
 * for reduction 'none'.
 *
 * @throws ShapeError unless the shapes are equal; OutOfRangeError for a class out of range.
 * @example
 * const scores = tensor([[0.1, 0.2, 0.4, 0.8]]);
 * const target = tensor([[3, 0, -1, 1]], { dtype: 'int32' }); // classes 3 and 0
 * await nn.functional.multilabelMarginLoss(scores, target).item(); // 0.85
 */
export function multilabelMarginLoss(input: Tensor, target: Tensor, options: ReductionOptions = {}): Tensor {
  const op = 'multilabelMarginLoss';
  checkScores(op, input, target);
  checkOptions(op, options, ['reduction'] satisfies (keyof ReductionOptions)[]);
  const { reduction = 'mean' } = options;
  checkReduction(op, reduction);
  if (input.ndim > 2 || target.dtype !== 'int32' || !sameShape(input.shape, target.shape)) {
    throw new ShapeError(
      `${op}: expected scores [N, C] or [C] and a target int32 of that shape (the right classes, then −1), got ` +
        `${formatAval(input)} and ${formatAval(target)}`,
    );
  }
  const classes = input.shape[input.ndim - 1];
  checkElements(op, 'classes', target, (c) => c >= -1 && c < classes, `from 0 to ${classes - 1}, or −1 at the end`);
  return composed(() => {
    const [x, y] = input.ndim === 1 ? [input.unsqueeze(0), target.unsqueeze(0)] : [input, target];
    const isRight = y.lt(0).to('int32').cumsum(1).eq(0);
    const label = where(isRight, y, 0);
    const others = filled(0, x.shape, label).scatterAdd(1, label, isRight.to('int32')).eq(0);
    const excess = x.unsqueeze(1).sub(x.gather(1, label).unsqueeze(2)).add(literal(1, x)).relu();
    const counted = isRight.unsqueeze(2).logicalAnd(others.unsqueeze(1));
    const losses = where(counted, excess, 0).sum([1, 2]).div(literal(classes, x));
    return unbatch(reduced(losses, reduction), input);
  });
}

/**
 * ln(1 + e^(−y·x)) for targets y of 1 or −1, as `F.soft_margin_loss`. Where PyTorch's overflows this one doesn't.
 *
 * When to use: two classes called 1 and −1: it is the binary cross-entropy of the logit x.
 *
 * @throws ShapeError unless the shapes are equal.
 * @example
 * await nn.functional.softMarginLoss(tensor([0]), tensor([1])).item(); // 0.6931471824645996
 */
export function softMarginLoss(input: Tensor, target: Tensor, options: ReductionOptions = {}): Tensor {
  checkOptions('softMarginLoss', options, ['reduction'] satisfies (keyof ReductionOptions)[]);
  const reduction = options.reduction ?? 'mean';
  return elementLoss('softMarginLoss', input, target, reduction, (x, y) => x.mul(y).logsigmoid().neg());
}

/** What losses with a margin take. */
export interface MarginOptions extends ReductionOptions {
  margin?: number;
}

const MARGIN_OPTIONS = ['margin', 'reduction'] satisfies (keyof MarginOptions)[];

/**
 * For distances x and targets of 1 (alike) or −1 (unlike), as `F.hinge_embedding_loss`: x where they are alike, else
 * max(0, margin − x).
 *
 * When to use: learning distances from pairs that are known to be alike or unlike.
 *
 * @param options `margin`: the distance from which unlike pairs are far enough apart. Default 1.
 * @throws ShapeError unless the shapes are equal.
 * @example
 * const loss = nn.functional.hingeEmbeddingLoss(tensor([0.2, 0.3]), tensor([1, -1]), { reduction: 'none' });
 * await loss.toArray(); // [0.2, 0.7]
 */
export function hingeEmbeddingLoss(input: Tensor, target: Tensor, options: MarginOptions = {}): Tensor {
  checkOptions('hingeEmbeddingLoss', options, MARGIN_OPTIONS);
  const { margin = 1, reduction = 'mean' } = options;
  return elementLoss('hingeEmbeddingLoss', input, target, reduction, (x, y) => {
    const apart = x.neg().add(margin).clampMin(0);
    return where(y.ne(1), apart, 0).add(where(y.ne(-1), x, 0));
  });
}

/**
 * Whether the right one of two scores is larger, as `F.margin_ranking_loss`: max(0, −y · (x1 − x2) + margin), where
 * y = 1 says that x1 should be the larger, −1 that x2 should.
 *
 * Shape: all three broadcast; the result is `[]`, or their shape for reduction 'none'.
 *
 * When to use: learning an order from pairs.
 *
 * @param options `margin`: by how much the right one is to lead. Default 0.
 * @throws ShapeError if the shapes don't broadcast.
 * @example
 * await nn.functional.marginRankingLoss(tensor([1, 2]), tensor([3, 1]), tensor([1, 1])).item(); // 1
 */
export function marginRankingLoss(x1: Tensor, x2: Tensor, target: Tensor, options: MarginOptions = {}): Tensor {
  const op = 'marginRankingLoss';
  for (const t of [x1, x2, target]) checkTensor(op, t);
  checkFloat(op, [x1, x2]);
  checkOptions(op, options, MARGIN_OPTIONS);
  const { margin = 0, reduction = 'mean' } = options;
  checkReduction(op, reduction);
  broadcastShapes(op, [x1, x2, target]);
  return composed(() => {
    const lead = x1.sub(x2).mul(castTo(target, x1.dtype));
    return reduced(lead.neg().add(margin).clampMin(0), reduction);
  });
}
