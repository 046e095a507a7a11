/**
 * Losses of probabilities: binary cross-entropy and the Kullback–Leibler divergence.
 */
import { FakkelError, ShapeError } from '../../errors.js';
import { record1 } from '../../graph/record.js';
import type { Tensor } from '../../graph/tensor.js';
import { formatAval, sameShape } from '../../shape.js';
import { checkOptions, checkReduction, type Reduction } from '../arguments.js';
import { NO_ATTRS, type NoAttrs } from '../common.js';
import { composed } from '../compose.js';
import { literal } from '../constants.js';
import { defineOp } from '../def.js';
import { where } from '../logic.js';
import { checkElements, elementLoss, reduced, checkPair, type ReductionOptions } from './reduction.js';

const complement = (x: Tensor): Tensor => x.neg().add(literal(1, x));

/** ln x and ln(1 − x), at least −100: a sure mistake costs 100, not ∞, which is not computed on the way either. */
function logs(x: Tensor): [Tensor, Tensor] {
  const [isZero, isOne] = [x.eq(literal(0, x)), x.eq(literal(1, x))];
  const [positive, below] = [where(isZero, 1, x), where(isOne, 0, x)];
  return [where(isZero, -100, positive.log().clampMin(-100)), where(isOne, -100, below.neg().log1p().clampMin(-100))];
}

/** What the gradient divides by at least; a float32 in PyTorch, in float64 too. */
const EPSILON = Math.fround(1e-12);

/** −y·ln x − (1 − y)·ln(1 − x), elementwise. */
const binaryCrossEntropyOp = defineOp<NoAttrs>({
  name: 'binaryCrossEntropy',
  infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  vjp: {
    reads: { inputs: [0, 1] },
    // As in PyTorch the gradient does not know of the −100.
    backward({ inputs: [x, y], gradient, needs }) {
      const [yes, no] = logs(x);
      return [
        gradient.mul(x.sub(y)).div(x.mul(complement(x)).clampMin(EPSILON)),
        needs[1] ? gradient.mul(no.sub(yes)) : null,
      ];
    },
  },
  decompose([x, y]) {
    const [yes, no] = logs(x);
    return [y.mul(yes).add(complement(y).mul(no)).neg()];
  },
});

/** What {@link binaryCrossEntropy} takes beside input and target. */
export interface BinaryCrossEntropyOptions extends ReductionOptions {
  /** A factor of each loss; broadcasts. */
  weight?: Tensor | null;
}

/**
 * Binary cross-entropy between probabilities and targets from 0 to 1, as `F.binary_cross_entropy`:
 *
 * loss = −weight · (y · ln x + (1 − y) · ln(1 − x)), where a logarithm is at least −100
 *
 * When to use: where the probabilities come from elsewhere. For a network's own output, take the logits and
 * {@link binaryCrossEntropyWithLogits}: it is exact where the sigmoid saturates.
 *
 * @throws ShapeError unless the shapes of input and target are equal; OutOfRangeError for an input outside 0 to 1, where
 *   it is on the host. Elsewhere the loss is NaN there.
 * @example
 * await nn.functional.binaryCrossEntropy(tensor([0.5, 1]), tensor([1, 0]), { reduction: 'none' }).toArray(); // [0.6931, 100]
 */
export function binaryCrossEntropy(input: Tensor, target: Tensor, options: BinaryCrossEntropyOptions = {}): Tensor {
  const op = 'binaryCrossEntropy';
  checkOptions(op, options, ['weight', 'reduction'] satisfies (keyof BinaryCrossEntropyOptions)[]);
  const { weight, reduction = 'mean' } = options;
  checkPair(op, input, target);
  const expected = 'from 0 to 1 (for logits: binaryCrossEntropyWithLogits)';
  checkElements(op, 'probabilities', input, (value) => value >= 0 && value <= 1, expected);
  return elementLoss(op, input, target, reduction, (x, y) =>
    weighted(op, record1(binaryCrossEntropyOp, [x, y], NO_ATTRS), weight),
  );
}

/** Losses times a factor that broadcasts to them. */
function weighted(op: string, losses: Tensor, weight: Tensor | null | undefined): Tensor {
  if (!weight) return losses;
  const result = losses.mul(weight);
  if (sameShape(result.shape, losses.shape)) return result;
  throw new ShapeError(
    `${op}: expected a weight that broadcasts to the losses, [${losses.shape.join(', ')}], got ${formatAval(weight)}`,
  );
}

/** What {@link binaryCrossEntropyWithLogits} takes beside input and target. */
export interface BinaryCrossEntropyWithLogitsOptions extends BinaryCrossEntropyOptions {
  /** A factor of the positive part, one for each class; broadcasts. */
  posWeight?: Tensor | null;
}

/**
 * Binary cross-entropy between sigmoid(input) and targets from 0 to 1, as `F.binary_cross_entropy_with_logits`:
 *
 * loss = weight · (posWeight · y · −ln σ(x) + (1 − y) · −ln σ(−x))
 *
 * When to use: classes that don't exclude each other (each is there or not), or two classes with one logit. A
 * `posWeight` above 1 raises recall, below 1 precision; negatives / positives balances them.
 *
 * @throws ShapeError unless the shapes of input and target are equal.
 * @example
 * await nn.functional.binaryCrossEntropyWithLogits(tensor([0]), tensor([1])).item(); // 0.6931471824645996
 */
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  target: Tensor,
  options: BinaryCrossEntropyWithLogitsOptions = {},
): Tensor {
  const op = 'binaryCrossEntropyWithLogits';
  const names = ['weight', 'posWeight', 'reduction'] satisfies (keyof BinaryCrossEntropyWithLogitsOptions)[];
  checkOptions(op, options, names);
  const { weight, posWeight, reduction = 'mean' } = options;
  return elementLoss(op, input, target, reduction, (x, y) => {
    const positive = x.logsigmoid().mul(y);
    const negative = x.neg().logsigmoid().mul(complement(y));
    return weighted(op, weighted(op, positive, posWeight).add(negative).neg(), weight);
  });
}

/** What {@link klDiv} takes beside input and target. */
export interface KLDivOptions {
  /**
   * 'batchmean' divides the sum by the size of the first axis: the divergence as it is defined. 'mean' divides by the
   * number of elements, as PyTorch's default does. Default 'mean'.
   */
  reduction?: Reduction | 'batchmean';
  /** Whether the target holds log-probabilities, too. Default false. */
  logTarget?: boolean;
}

/**
 * The Kullback–Leibler divergence of log-probabilities (the input) from a target, as `F.kl_div`:
 *
 * loss = y · (ln y − input), with 0 · ln 0 = 0; with `logTarget` e^y · (y − input)
 *
 * When to use: to make one distribution like another, with reduction 'batchmean': distillation (`logSoftmax` of the
 * student against `softmax` of the teacher), variational models.
 *
 * @param input Log-probabilities, such as those of `logSoftmax(1)`.
 * @param target Probabilities, or log-probabilities with `logTarget`.
 * @throws ShapeError unless the shapes are equal.
 * @example
 * const p = tensor([[0.5, 0.5]]);
 * await nn.functional.klDiv(tensor([[0.25, 0.75]]).log(), p, { reduction: 'batchmean' }).item(); // 0.14384103
 */
export function klDiv(input: Tensor, target: Tensor, options: KLDivOptions = {}): Tensor {
  checkOptions('klDiv', options, ['reduction', 'logTarget'] satisfies (keyof KLDivOptions)[]);
  const { reduction = 'mean', logTarget = false } = options;
  const losses = (x: Tensor, y: Tensor): Tensor =>
    logTarget ? y.exp().mul(y.sub(x)) : y.mul(where(y.eq(literal(0, y)), literal(1, y), y).log()).sub(y.mul(x));
  if (reduction !== 'batchmean') {
    if (!['mean', 'sum', 'none'].includes(reduction)) {
      throw new FakkelError(`klDiv: reduction is 'batchmean', 'mean', 'sum' or 'none', got '${reduction as string}'`);
    }
    return elementLoss('klDiv', input, target, reduction, losses);
  }
  return composed(() => {
    const sum = elementLoss('klDiv', input, target, 'sum', losses);
    return input.ndim === 0 ? sum : sum.div(literal(input.shape[0], sum));
  });
}

/** What {@link multilabelSoftMarginLoss} takes beside input and target. */
export interface MultiLabelSoftMarginLossOptions extends ReductionOptions {
  /** A weight for each class. Default: 1 each. */
  weight?: Tensor | null;
}

/**
 * Binary cross-entropy of each class, averaged over the classes, as `F.multilabel_soft_margin_loss`:
 * −1/C · Σ over c of weight[c] · (y[c] · ln σ(x[c]) + (1 − y[c]) · ln σ(−x[c])).
 *
 * Shape: input and target `[…, C]`; result `[]`, or `[…]` for reduction 'none'.
 *
 * When to use: as {@link binaryCrossEntropyWithLogits}, for one number a sample.
 *
 * @throws ShapeError unless the shapes are equal.
 * @example
 * await nn.functional.multilabelSoftMarginLoss(tensor([[0, 0]]), tensor([[1, 0]])).item(); // 0.6931471824645996
 */
export function multilabelSoftMarginLoss(
  input: Tensor,
  target: Tensor,
  options: MultiLabelSoftMarginLossOptions = {},
): Tensor {
  const op = 'multilabelSoftMarginLoss';
  checkOptions(op, options, ['weight', 'reduction'] satisfies (keyof MultiLabelSoftMarginLossOptions)[]);
  const { weight, reduction = 'mean' } = options;
  checkReduction(op, reduction);
  checkPair(op, input, target);
  if (input.ndim === 0) throw new ShapeError(`${op}: expected scores […, C], got ${formatAval(input)}`);
  return composed(() =>
    reduced(binaryCrossEntropyWithLogits(input, target, { weight, reduction: 'none' }).mean(-1), reduction),
  );
}
