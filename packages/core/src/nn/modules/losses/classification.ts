/**
 * Losses of classes as modules. What they compute is in `ops/losses/classification.ts`.
 */
import type { Tensor } from '../../../graph/tensor.js';
import { checkOptions, checkReduction, type Reduction } from '../../../ops/arguments.js';
import {
  crossEntropy,
  nllLoss,
  type CrossEntropyOptions,
  type NLLLossOptions,
} from '../../../ops/losses/classification.js';
import type { Buffer } from '../../../runtime/cell.js';
import { Module } from '../../module.js';
import { checkCount, checkNumber } from '../factory.js';
import { weightBuffer } from './element-loss.js';

/** A loss with class weights, which are a buffer: they are saved and move with the module. */
abstract class WeightedLoss extends Module {
  readonly reduction: Reduction;
  readonly ignoreIndex: number;
  weight: Buffer | null;

  constructor({ weight, ignoreIndex = -100, reduction = 'mean' }: NLLLossOptions) {
    super();
    const layer = new.target.name;
    checkReduction(layer, reduction);
    checkCount(layer, 'ignoreIndex', ignoreIndex, -Infinity);
    this.reduction = reduction;
    this.ignoreIndex = ignoreIndex;
    this.weight = weightBuffer(new.target.name, 'weight', weight);
  }
}

/**
 * Cross-entropy between the softmax of logits and classes:
 * loss = −weight[y] · log(exp(x[y]) / Σⱼ exp(x[j])), averaged over the batch with the weights.
 *
 * When to use: classification into classes of which one is right. Give it logits, not probabilities. Weights help where
 * classes are rare, label smoothing (0.1) against over-confidence.
 *
 * Shape: logits `[N, C]`, `[N, C, …]` or `[C]`; targets int32 `[N]`, `[N, …]` or `[]` with classes from 0 to C − 1, or
 * probabilities in the shape of the logits. Output `[]`, or the targets' shape for reduction 'none'.
 *
 * @param options `weight` `[C]` (default: 1 each), `ignoreIndex` (targets that count for nothing; −100), `reduction`
 *   ('mean', 'sum' or 'none'; 'mean'), `labelSmoothing` (from 0 to 1; 0).
 * @throws OutOfRangeError for a class out of range.
 * @example
 * const criterion = new nn.CrossEntropyLoss();
 * const loss = criterion(randn([3, 5]), tensor([1, 0, 4], { dtype: 'int32' }));
 */
export class CrossEntropyLoss extends WeightedLoss {
  readonly labelSmoothing: number;

  constructor(options: CrossEntropyOptions = {}) {
    checkOptions('CrossEntropyLoss', options, ['weight', 'ignoreIndex', 'reduction', 'labelSmoothing']);
    super(options);
    this.labelSmoothing = options.labelSmoothing ?? 0;
    checkNumber('CrossEntropyLoss', 'labelSmoothing', this.labelSmoothing, 0, 1);
  }

  override forward(logits: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction, labelSmoothing } = this;
    return crossEntropy(logits, target, { weight, ignoreIndex, reduction, labelSmoothing });
  }
}

/**
 * Negative log-likelihood of classes, given log-probabilities: loss = −weight[y] · x[y], averaged over the batch with
 * the weights.
 *
 * When to use: where there are log-probabilities already. {@link CrossEntropyLoss} takes the logits.
 *
 * Shape: log-probabilities `[N, C]`, `[N, C, …]` or `[C]`; targets int32 `[N]`, `[N, …]` or `[]`. Output `[]`, or the
 * targets' shape for reduction 'none'.
 *
 * @param options `weight` `[C]` (default: 1 each), `ignoreIndex` (−100), `reduction` ('mean').
 * @throws OutOfRangeError for a class out of range.
 * @example
 * const criterion = new nn.NLLLoss();
 * const loss = criterion(randn([3, 5]).logSoftmax(1), tensor([1, 0, 4], { dtype: 'int32' }));
 */
export class NLLLoss extends WeightedLoss {
  constructor(options: NLLLossOptions = {}) {
    checkOptions('NLLLoss', options, ['weight', 'ignoreIndex', 'reduction']);
    super(options);
  }

  override forward(logProbabilities: Tensor, target: Tensor): Tensor {
    const { weight, ignoreIndex, reduction } = this;
    return nllLoss(logProbabilities, target, { weight, ignoreIndex, reduction });
  }
}
