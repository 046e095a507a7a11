/**
 * The output layer of LeNet-5 in 1998 and its loss. What they compute is in `ops/losses/rbf.ts`.
 */
import { DTypeError, ShapeError } from '../../errors.js';
import { isFloat } from '../../dtype.js';
import { checkTensor } from '../../graph/record.js';
import type { Tensor } from '../../graph/tensor.js';
import { checkOptions } from '../../ops/arguments.js';
import { checkCriterion, rbf, rbfLoss, type RBFLossOptions } from '../../ops/losses/rbf.js';
import { Buffer, Parameter } from '../../runtime/cell.js';
import { formatAval } from '../../shape.js';
import { Module } from '../module.js';
import { pyBool } from '../python.js';
import { ElementLoss } from './losses/element-loss.js';
import { checkNumber } from './factory.js';

export interface RBFOptions {
  /** Whether the centers are parameters, which an optimizer trains; else they are a buffer. Default false. */
  trainable?: boolean;
}

/**
 * The squared distance of the input to a center of each class (Euclidean radial basis functions):
 * y[i] = Σ over j of (x[j] − weight[i][j])². The class with the smallest is the answer: `y.argmin(1)`.
 *
 * When to use: as the last layer of LeNet-5 as it was in 1998, with the bitmaps of the characters as centers and
 * {@link RBFLoss}. What belongs to no class is far from all centers, which a softmax can't say.
 *
 * Shape: input `[…, D]`, output `[…, C]`.
 *
 * Buffer or parameter: `weight` `[C, D]`.
 *
 * Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, equation 7.
 *
 * @param centers `[C, D]`: a center for each class.
 * @throws ShapeError unless the centers have two axes.
 * @example
 * const layer = new nn.RBF(tensor([[1, 1], [-1, 1]]));
 * await layer(tensor([[1, 1]])).toArray(); // [[0, 4]]
 */
export class RBF extends Module {
  weight: Buffer | Parameter;

  constructor(centers: Tensor, options: RBFOptions = {}) {
    super();
    checkOptions('RBF', options, ['trainable'] satisfies (keyof RBFOptions)[]);
    checkTensor('RBF', centers);
    if (centers.ndim !== 2) throw new ShapeError(`RBF: expected centers [C, D], got ${formatAval(centers)}`);
    if (!isFloat(centers.dtype)) throw new DTypeError(`RBF: expected float centers, got ${formatAval(centers)}`);
    this.weight = (options.trainable ?? false) ? new Parameter(centers.detach()) : new Buffer(centers.detach());
  }

  override forward(x: Tensor): Tensor {
    return rbf(x, this.weight);
  }

  override extraRepr(): string {
    const [classes, features] = this.weight.shape;
    return `in_features=${features}, out_features=${classes}, trainable=${pyBool(this.weight instanceof Parameter)}`;
  }
}

/**
 * The loss of LeNet-5 in 1998 on the distances y of {@link RBF}, where D is the right class. Criterion 'mse': y[D].
 * Criterion 'map': y[D] + ln(e^(−j) + Σ over i of e^(−y[i])), which also pushes the other classes away, as far as j.
 *
 * When to use: to train LeNet-5 as it was; elsewhere {@link CrossEntropyLoss}.
 *
 * Shape: distances `[N, C]` or `[C]`; targets int32 `[N]` or `[]`. Output `[]`, or the targets' shape for reduction
 * 'none'.
 *
 * Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, equations 8 and 9.
 * There j is some positive constant; 10 is our choice, and trains well on the digits.
 *
 * @param options `criterion`: 'map' (default) or 'mse'; `j` (10); `reduction` ('mean').
 * @throws OutOfRangeError for a class out of range.
 * @example
 * const criterion = new nn.RBFLoss();
 * const loss = criterion(tensor([[1, 9], [4, 2]]), tensor([0, 1], { dtype: 'int32' }));
 */
export class RBFLoss extends ElementLoss {
  readonly criterion: 'mse' | 'map';
  readonly j: number;

  constructor(options: RBFLossOptions = {}) {
    super(options, ['criterion', 'j']);
    this.criterion = options.criterion ?? 'map';
    this.j = options.j ?? 10;
    checkCriterion('RBFLoss', this.criterion);
    checkNumber('RBFLoss', 'j', this.j);
  }

  override forward(distances: Tensor, target: Tensor): Tensor {
    const { criterion, j, reduction } = this;
    return rbfLoss(distances, target, { criterion, j, reduction });
  }

  override extraRepr(): string {
    return `criterion=${this.criterion}${this.criterion === 'map' ? `, j=${this.j}` : ''}`;
  }
}
