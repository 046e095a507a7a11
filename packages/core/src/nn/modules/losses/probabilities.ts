/**
 * Losses of probabilities as modules. What they compute is in `ops/losses/probabilities.ts`.
 */
import { FakkelError } from '../../../errors.js';
import type { Tensor } from '../../../graph/tensor.js';
import { checkOptions, type Reduction } from '../../../ops/arguments.js';
import {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  klDiv,
  multilabelSoftMarginLoss,
  type BinaryCrossEntropyOptions,
  type BinaryCrossEntropyWithLogitsOptions,
  type KLDivOptions,
  type MultiLabelSoftMarginLossOptions,
} from '../../../ops/losses/probabilities.js';
import type { Buffer } from '../../../runtime/cell.js';
import { Module } from '../../module.js';
import { ElementLoss, weightBuffer } from './element-loss.js';

/**
 * Binary cross-entropy of probabilities x and targets y from 0 to 1: −weight · (y · ln x + (1 − y) · ln(1 − x)), where a
 * logarithm is at least −100.
 *
 * When to use: where the probabilities come from elsewhere. For a network's own output take the logits and
 * {@link BCEWithLogitsLoss}: it is exact where the sigmoid saturates.
 *
 * Shape: input and target equal. Output `[]`, or theirs for reduction 'none'.
 *
 * @param options `weight`, which broadcasts to the losses (1 each); `reduction` ('mean').
 * @throws OutOfRangeError for an input outside 0 to 1, where it is on the host; ShapeError unless the shapes are equal.
 * @example
 * const loss = new nn.BCELoss()(tensor([0.5, 0.5]), tensor([1, 0]));
 * await loss.item(); // 0.6931471824645996
 */
export class BCELoss extends ElementLoss {
  weight: Buffer | null;

  constructor(options: BinaryCrossEntropyOptions = {}) {
    super(options, ['weight']);
    this.weight = weightBuffer(new.target.name, 'weight', options.weight);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return binaryCrossEntropy(input, target, { weight: this.weight, reduction: this.reduction });
  }
}

/**
 * Binary cross-entropy of logits x and targets y from 0 to 1:
 * weight · (posWeight · y · −ln σ(x) + (1 − y) · −ln σ(−x)).
 *
 * When to use: classes that don't exclude each other (each is there or not), or two classes with one logit. A
 * `posWeight` above 1 raises recall, below 1 precision; negatives / positives balances them.
 *
 * Shape: input and target equal. Output `[]`, or theirs for reduction 'none'.
 *
 * @param options `weight` and `posWeight`, which broadcast to the losses (1 each); `reduction` ('mean').
 * @throws ShapeError unless the shapes are equal.
 * @example
 * const criterion = new nn.BCEWithLogitsLoss({ posWeight: tensor([3, 1, 1]) });
 * const loss = criterion(randn([4, 3]), ones([4, 3]));
 */
export class BCEWithLogitsLoss extends ElementLoss {
  static override stateNames = { posWeight: 'pos_weight' };

  weight: Buffer | null;
  posWeight: Buffer | null;

  constructor(options: BinaryCrossEntropyWithLogitsOptions = {}) {
    super(options, ['weight', 'posWeight']);
    this.weight = weightBuffer(new.target.name, 'weight', options.weight);
    this.posWeight = weightBuffer(new.target.name, 'posWeight', options.posWeight);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    const { weight, posWeight, reduction } = this;
    return binaryCrossEntropyWithLogits(input, target, { weight, posWeight, reduction });
  }
}

/**
 * The Kullback–Leibler divergence of log-probabilities x from a target y: y · (ln y − x), with 0 · ln 0 = 0; with
 * `logTarget` e^y · (y − x).
 *
 * When to use: to make one distribution like another (distillation, variational models), with reduction 'batchmean',
 * which is the divergence as it is defined; 'mean', the default of PyTorch, divides by the number of classes, too.
 *
 * Shape: input and target equal. Output `[]`, or theirs for reduction 'none'.
 *
 * @param options `reduction`: 'mean' (default), 'batchmean', 'sum' or 'none'; `logTarget` (false).
 * @throws ShapeError unless the shapes are equal.
 * @example
 * const criterion = new nn.KLDivLoss({ reduction: 'batchmean' });
 * const loss = criterion(randn([3, 5]).logSoftmax(1), randn([3, 5]).softmax(1));
 */
export class KLDivLoss extends Module {
  readonly reduction: Reduction | 'batchmean';
  readonly logTarget: boolean;

  constructor(options: KLDivOptions = {}) {
    super();
    checkOptions('KLDivLoss', options, ['reduction', 'logTarget'] satisfies (keyof KLDivOptions)[]);
    this.reduction = options.reduction ?? 'mean';
    this.logTarget = options.logTarget ?? false;
    if (!['batchmean', 'mean', 'sum', 'none'].includes(this.reduction)) {
      throw new FakkelError(`KLDivLoss: reduction is 'batchmean', 'mean', 'sum' or 'none', got '${this.reduction}'`);
    }
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return klDiv(input, target, { reduction: this.reduction, logTarget: this.logTarget });
  }
}

/**
 * Binary cross-entropy of the logits of each class, averaged over the classes.
 *
 * When to use: as {@link BCEWithLogitsLoss}, for one number a sample.
 *
 * Shape: input and target `[…, C]`. Output `[]`, or `[…]` for reduction 'none'.
 *
 * @param options `weight` `[C]` (1 each); `reduction` ('mean').
 * @throws ShapeError unless the shapes are equal.
 * @example
 * const loss = new nn.MultiLabelSoftMarginLoss()(tensor([[0, 0]]), tensor([[1, 0]]));
 * await loss.item(); // 0.6931471824645996
 */
export class MultiLabelSoftMarginLoss extends ElementLoss {
  weight: Buffer | null;

  constructor(options: MultiLabelSoftMarginLossOptions = {}) {
    super(options, ['weight']);
    this.weight = weightBuffer(new.target.name, 'weight', options.weight);
  }

  override forward(input: Tensor, target: Tensor): Tensor {
    return multilabelSoftMarginLoss(input, target, { weight: this.weight, reduction: this.reduction });
  }
}
