/**
 * Losses of classes, of which one is right: negative log-likelihood and cross-entropy.
 */
import { isFloat } from '../../dtype.js';
import { FakkelError, OutOfRangeError } from '../../errors.js';
import { record1, scalarInput } from '../../graph/record.js';
import type { Tensor } from '../../graph/tensor.js';
import { sameShape, type Aval } from '../../shape.js';
import { checkOptions, checkReduction, type Reduction } from '../arguments.js';
import { castTo } from '../common.js';
import { composed } from '../compose.js';
import { filled, zerosOf } from '../constants.js';
import { defineOp } from '../def.js';
import { where } from '../logic.js';
import { throughDecomposition } from '../through-decomposition.js';
import { checkLabels, checkScores, checkWeight, unbatch } from './labels.js';
import { reduced } from './reduction.js';

type LossAttrs = { readonly reduction: Reduction };
type CrossEntropyAttrs = LossAttrs & { readonly weighted: boolean };

const lossAval = (x: Aval, target: Aval, reduction: Reduction): Aval[] => [
  { shape: reduction === 'none' ? target.shape : [], dtype: x.dtype },
];

/** What class indices say: which positions count, at which class (a safe one where not), and with which weight. */
function targetsOf(x: Tensor, target: Tensor, weight: Tensor | null, ignoreIndex: Tensor) {
  const valid = target.ne(ignoreIndex);
  const label = where(valid, target, 0);
  const weights = weight
    ? weight.indexSelect(0, label.reshape([label.numel()])).reshape(label.shape)
    : filled(1, [], x);
  return { valid, label: label.unsqueeze(1), weight: where(valid, weights, 0) };
}

function reduce(values: Tensor, weights: Tensor, reduction: Reduction): Tensor {
  if (reduction === 'none') return values;
  return reduction === 'sum' ? values.sum() : values.sum().div(weights.sum());
}

/** The gradient of each position's loss from that of the reduced one. */
function unreduce(g: Tensor, weights: Tensor, reduction: Reduction): Tensor {
  return reduction === 'mean' ? g.div(weights.sum()) : g;
}

/** Weights of classes beside scores [N, C, …]. */
const besideClasses = (weight: Tensor, rank: number): Tensor =>
  weight.reshape([1, weight.shape[0], ...new Array<number>(rank - 2).fill(1)]);

const nllLossOp = defineOp<LossAttrs>({
  name: 'nllLoss',
  infer: ([x, target], { reduction }) => lossAval(x, target, reduction),
  vjp: {
    reads: { inputs: [1, 2, 3] },
    backward({ gradient, inputs: [x, target, weight, ignoreIndex], attrs: { reduction } }) {
      const { valid, label, weight: weights } = targetsOf(x, target, weight, ignoreIndex);
      // Where nothing counts the mean is 0 / 0; positions that don't count have a gradient of 0 all the same.
      const share = where(valid, unreduce(gradient, weights, reduction).mul(weights).neg(), 0);
      return [zerosOf(x).scatterAdd(1, label, share.unsqueeze(1))];
    },
  },
  decompose([x, target, classWeight, ignoreIndex], { reduction }) {
    const { valid, label, weight } = targetsOf(x, target, classWeight, ignoreIndex);
    const picked = x.gather(1, label).squeeze(1);
    return [reduce(where(valid, picked.mul(weight).neg(), 0), weight, reduction)];
  },
});

// With p = softmax(x), label y, class weights w, smoothing ε and C classes, a position's loss is
//   (1 − ε)·w_y·(−ln p_y) + ε/C·Σ_c w_c·(−ln p_c)
// and its gradient, with a = (1 − ε)·w_y and b = ε/C: p·(a + b·Σ w) − b·w − (a at y).
function crossEntropyGradient(inputs: readonly Tensor[], { reduction, weighted }: CrossEntropyAttrs): Tensor[] {
  const [g, x, target, classWeight, ignoreIndex, smoothing] = inputs;
  const { valid, label, weight } = targetsOf(x, target, weighted ? classWeight : null, ignoreIndex);
  const each = where(valid, unreduce(g, weight, reduction), 0);
  const a = each.mul(weight).mul(smoothing.neg().add(1));
  const b = each.mul(smoothing.div(x.shape[1])).unsqueeze(1);
  const weights = weighted ? besideClasses(classWeight, x.ndim) : filled(1, [], x);
  const total = weighted ? classWeight.sum() : x.shape[1];
  const spread = x
    .softmax(1)
    .mul(a.unsqueeze(1).add(b.mul(total)))
    .sub(b.mul(weights));
  return [spread.scatterAdd(1, label, a.neg().unsqueeze(1))];
}

const crossEntropyGrad = defineOp<CrossEntropyAttrs>({
  name: 'crossEntropyGrad',
  infer: ([, x]) => [{ shape: x.shape, dtype: x.dtype }],
  vjp: throughDecomposition('crossEntropyGrad', crossEntropyGradient),
  decompose: crossEntropyGradient,
});

const crossEntropyOp = defineOp<CrossEntropyAttrs>({
  name: 'crossEntropy',
  infer: ([x, target], { reduction }) => lossAval(x, target, reduction),
  vjp: {
    reads: { inputs: 'all' },
    backward: ({ gradient, inputs, attrs }) => [record1(crossEntropyGrad, [gradient, ...inputs], attrs)],
  },
  decompose([x, target, classWeight, ignoreIndex, smoothing], { reduction, weighted }) {
    const { valid, label, weight } = targetsOf(x, target, weighted ? classWeight : null, ignoreIndex);
    const logs = x.logSoftmax(1);
    const nll = logs.gather(1, label).squeeze(1).mul(weight).neg();
    const weightedLogs = weighted ? logs.mul(besideClasses(classWeight, x.ndim)) : logs;
    // Without smoothing a class of probability 0 costs nothing: no 0 · ∞.
    const spread = where(smoothing.eq(0), 0, weightedLogs.sum(1).mul(smoothing.div(x.shape[1])).neg());
    const losses = nll.mul(smoothing.neg().add(1)).add(spread);
    return [reduce(where(valid, losses, 0), weight, reduction)];
  },
});

/** What {@link nllLoss} takes beside input and target. */
export interface NLLLossOptions {
  /** A weight for each class. Default: 1 each. */
  weight?: Tensor | null;
  /** Positions with this label count for nothing. Default −100. */
  ignoreIndex?: number;
  /** 'mean' divides by the summed weights of the labels that count. Default 'mean'. */
  reduction?: Reduction;
}

/** What {@link crossEntropy} takes beside input and target. */
export interface CrossEntropyOptions extends NLLLossOptions {
  /** So much of the target, from 0 to 1, is spread evenly over all classes. Default 0. */
  labelSmoothing?: number;
}

const NLL_OPTIONS = ['weight', 'ignoreIndex', 'reduction'] satisfies (keyof NLLLossOptions)[];
const CROSS_ENTROPY_OPTIONS = [...NLL_OPTIONS, 'labelSmoothing'] satisfies (keyof CrossEntropyOptions)[];

/** `ignoreIndex` as an input; a number that is no label would become one on the way to int32. */
function ignored(op: string, value: number, x: Tensor): Tensor {
  if (!Number.isInteger(value)) throw new OutOfRangeError(`${op}: ignoreIndex is a whole number, got ${String(value)}`);
  return scalarInput(value, 'int32', x.device);
}

/**
 * Negative log-likelihood, as `F.nll_loss`: −weight[y] · logProbabilities[y].
 *
 * Shape: input `[N, C]`, `[N, C, …]` or `[C]`; target int32 `[N]`, `[N, …]` or `[]`; result `[]`, or the target's shape
 * for reduction 'none'.
 *
 * @param input Log-probabilities, such as those of `logSoftmax(1)`.
 * @param target Class indices from 0 to C − 1.
 * @throws OutOfRangeError for a label out of range: at once where the labels are on the host, when it runs otherwise.
 * @example
 * const logp = tensor([[0.5, 0.5], [0.25, 0.75]]).log();
 * await nn.functional.nllLoss(logp, tensor([0, 1], { dtype: 'int32' })).item(); // 0.49041461944580078
 */
export function nllLoss(input: Tensor, target: Tensor, options: NLLLossOptions = {}): Tensor {
  checkScores('nllLoss', input, target);
  checkOptions('nllLoss', options, NLL_OPTIONS);
  const { weight, ignoreIndex = -100, reduction = 'mean' } = options;
  checkReduction('nllLoss', reduction);
  return composed(() => {
    const [x, y] = checkLabels('nllLoss', input, target, options);
    const weights = weight ?? filled(1, [x.shape[1]], x);
    return unbatch(record1(nllLossOp, [x, y, weights, ignored('nllLoss', ignoreIndex, x)], { reduction }), input);
  });
}

/**
 * Cross-entropy between the softmax of scores and classes, as `F.cross_entropy`. With class indices y, weights w and
 * label smoothing ε, over C classes:
 *
 * loss = (1 − ε) · w[y] · −ln softmax(x)[y] + ε/C · Σ over c of w[c] · −ln softmax(x)[c]
 *
 * The mean divides by the summed weights of the labels that are not ignored. With class probabilities as target it is
 * −Σ over c of w[c] · target[c] · ln softmax(x)[c], and the mean divides by the number of positions.
 *
 * Shape: input `[N, C]`, `[N, C, …]` or `[C]`; target int32 `[N]`, `[N, …]` or `[]`, or float probabilities in the
 * input's shape; result `[]`, or one number a position for reduction 'none'.
 *
 * @param input Scores (logits), before softmax.
 * @param target Class indices from 0 to C − 1, or class probabilities.
 * @throws OutOfRangeError for a label out of range: at once where the labels are on the host, when it runs otherwise.
 * @example
 * const logits = tensor([[2, 0], [0, 2]]);
 * await nn.functional.crossEntropy(logits, tensor([0, 1], { dtype: 'int32' })).item(); // 0.12692801654338837
 */
export function crossEntropy(input: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  const op = 'crossEntropy';
  checkScores(op, input, target);
  checkOptions(op, options, CROSS_ENTROPY_OPTIONS);
  const { weight, ignoreIndex = -100, reduction = 'mean', labelSmoothing = 0 } = options;
  checkReduction(op, reduction);
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new OutOfRangeError(`${op}: labelSmoothing lies between 0 and 1, got ${labelSmoothing}`);
  }
  return composed(() => {
    if (isFloat(target.dtype) && sameShape(target.shape, input.shape)) return ofProbabilities(input, target, options);
    const [x, y] = checkLabels(op, input, target, options);
    const weights = weight ?? filled(1, [x.shape[1]], x);
    const numbers = [ignored(op, ignoreIndex, x), scalarInput(labelSmoothing, x.dtype, x.device)];
    const loss = record1(crossEntropyOp, [x, y, weights, ...numbers], { reduction, weighted: Boolean(weight) });
    return unbatch(loss, input);
  });
}

function ofProbabilities(input: Tensor, target: Tensor, options: CrossEntropyOptions): Tensor {
  const { weight, ignoreIndex = -100, reduction = 'mean', labelSmoothing = 0 } = options;
  if (ignoreIndex >= 0) {
    throw new FakkelError(
      'crossEntropy: ignoreIndex is for class indices; set the probabilities of a position to 0 instead',
    );
  }
  checkWeight('crossEntropy', input, weight);
  const axis = input.ndim === 1 ? 0 : 1;
  const classes = input.shape[axis];
  let y = castTo(target, input.dtype);
  if (labelSmoothing > 0) {
    const smoothing = scalarInput(labelSmoothing, input.dtype, input.device);
    const even = filled(1 / classes, [], input);
    y = y.add(smoothing.mul(even.sub(y)));
  }
  let logs = input.logSoftmax(axis);
  if (weight) logs = logs.mul(input.ndim === 1 ? weight : besideClasses(weight, input.ndim));
  const losses = logs.mul(y).sum(axis).neg();
  return reduced(losses, reduction);
}
