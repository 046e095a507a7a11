/**
 * Distances to a fixed vector for each class, and the losses of LeNet-5 that are made of them.
 */
import { DTypeError, OutOfRangeError, ShapeError } from '../../errors.js';
import { checkTensor } from '../../graph/record.js';
import type { Tensor } from '../../graph/tensor.js';
import { formatAval } from '../../shape.js';
import { checkOptions, checkReduction, numberInput } from '../arguments.js';
import { checkFloat } from '../common.js';
import { composed } from '../compose.js';
import { cat } from '../joining.js';
import { crossEntropy, nllLoss } from './classification.js';
import { checkLabels } from './labels.js';
import type { ReductionOptions } from './reduction.js';

/**
 * The squared distance of vectors to each of several centers (radial basis functions): y[i] = Σ over j of
 * (x[j] − centers[i][j])².
 *
 * Shape: x `[…, D]`, centers `[C, D]`; result `[…, C]`.
 *
 * Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, equation 7.
 *
 * @throws ShapeError unless the vectors are as long as the centers; DTypeError unless both have one float dtype.
 * @example
 * await nn.functional.rbf(tensor([[1, 1]]), tensor([[1, 1], [-1, 1]])).toArray(); // [[0, 4]]
 */
export function rbf(x: Tensor, centers: Tensor): Tensor {
  checkTensor('rbf', x);
  checkTensor('rbf', centers);
  checkFloat('rbf', [x, centers]);
  if (centers.ndim !== 2 || x.ndim === 0 || x.shape[x.ndim - 1] !== centers.shape[1]) {
    throw new ShapeError(
      `rbf: expected vectors […, D] and centers [C, D], got ${formatAval(x)} and ${formatAval(centers)}`,
    );
  }
  if (x.dtype !== centers.dtype) {
    throw new DTypeError(
      `rbf: expected vectors and centers of one dtype, got ${formatAval(x)} and ${formatAval(centers)}`,
    );
  }
  return composed(() => x.unsqueeze(-2).sub(centers).square().sum(-1));
}

/** What {@link rbfLoss} takes beside distances and target. */
export interface RBFLossOptions extends ReductionOptions {
  /** 'mse': the distance to the right class counts, equation 8; 'map': those to the others, too, equation 9. Default 'map'. */
  criterion?: 'mse' | 'map';
  /** For 'map': classes that are farther away than about this are far enough. Default 10. */
  j?: number;
}

/**
 * The loss of LeNet-5 in 1998 on the squared distances y to the codes of the classes ({@link rbf}), where D is the right
 * one:
 *
 * 'mse': y[D]
 *
 * 'map': y[D] + ln(e^(−j) + Σ over i of e^(−y[i]))
 *
 * The second, "maximum a posteriori", also pushes the other classes away, as far as j: it is the cross-entropy of the
 * scores −y and of one more class, of rubbish, with the score −j. It is computed without overflow.
 *
 * Shape: distances `[N, C]` or `[C]`; target int32 `[N]` or `[]`; result `[]`, or the target's shape for reduction
 * 'none'.
 *
 * When to use: to train LeNet-5 as it was. "The idea of the method holds with SGD and softmax": elsewhere take
 * {@link crossEntropy}. With trainable centers only 'map' makes sense: 'mse' is lowest where all are equal.
 *
 * Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, equations 8 and 9.
 * There j is some positive constant; 10 is our choice, and trains well on the digits.
 *
 * @param distances Squared distances to the centers of the classes: the class with the smallest is the answer.
 * @param target Class indices from 0 to C − 1.
 * @throws OutOfRangeError for a label out of range, or an unknown criterion.
 * @example
 * const distances = tensor([[1, 9], [4, 2]]);
 * const target = tensor([0, 1], { dtype: 'int32' });
 * await nn.functional.rbfLoss(distances, target, { criterion: 'mse' }).item(); // 1.5
 */
export function rbfLoss(distances: Tensor, target: Tensor, options: RBFLossOptions = {}): Tensor {
  checkTensor('rbfLoss', distances);
  checkOptions('rbfLoss', options, ['criterion', 'j', 'reduction'] satisfies (keyof RBFLossOptions)[]);
  const { criterion = 'map', j = 10, reduction = 'mean' } = options;
  checkReduction('rbfLoss', reduction);
  checkCriterion('rbfLoss', criterion);
  if (distances.ndim < 1 || distances.ndim > 2) {
    throw new ShapeError(`rbfLoss: expected distances [N, C] or [C], got ${formatAval(distances)}`);
  }
  checkLabels('rbfLoss', distances, target, { ignoreIndex: null });
  return composed(() => {
    const scores = distances.neg();
    if (criterion === 'mse') return nllLoss(scores, target, { reduction });
    const rubbish = numberInput(-j, scores).expand([...scores.shape.slice(0, -1), 1]);
    return crossEntropy(cat([scores, rubbish], -1), target, { reduction });
  });
}

/** Throws unless it is one. */
export function checkCriterion(op: string, criterion: string): void {
  if (criterion === 'mse' || criterion === 'map') return;
  throw new OutOfRangeError(`${op}: criterion is 'mse' or 'map', got '${criterion}'`);
}
