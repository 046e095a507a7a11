/**
 * Losses of probabilities.
 */
import type { Tensor } from '../../graph/tensor.js';
import { checkOptions, checkReduction } from '../arguments.js';
import { composed } from '../compose.js';
import { filled } from '../constants.js';
import { checkPair, reduced, type ReductionOptions } from './reduction.js';

/** What {@link binaryCrossEntropyWithLogits} takes beside input and target. */
export interface BinaryCrossEntropyOptions extends ReductionOptions {
  /** A factor of each loss; broadcasts. */
  weight?: Tensor | null;
  /** A factor of the positive part, one for each class; broadcasts. */
  posWeight?: Tensor | null;
}

/**
 * Binary cross-entropy between sigmoid(input) and targets from 0 to 1, as `F.binary_cross_entropy_with_logits`:
 *
 * loss = weight · (posWeight · y · −ln σ(x) + (1 − y) · −ln σ(−x))
 *
 * @throws ShapeError unless the shapes of input and target are equal.
 * @example
 * await nn.functional.binaryCrossEntropyWithLogits(tensor([0]), tensor([1])).item(); // 0.6931471824645996
 */
export function binaryCrossEntropyWithLogits(
  input: Tensor,
  target: Tensor,
  options: BinaryCrossEntropyOptions = {},
): Tensor {
  const op = 'binaryCrossEntropyWithLogits';
  checkOptions(op, options, ['weight', 'posWeight', 'reduction'] satisfies (keyof BinaryCrossEntropyOptions)[]);
  const { weight, posWeight, reduction = 'mean' } = options;
  checkReduction(op, reduction);
  checkPair(op, input, target);
  return composed(() => {
    const positive = input.logsigmoid().mul(target);
    const negative = input
      .neg()
      .logsigmoid()
      .mul(target.neg().add(filled(1, [], input)));
    const losses = (posWeight ? positive.mul(posWeight) : positive).add(negative).neg();
    const weighted = weight ? losses.mul(weight) : losses;
    return reduced(weighted, reduction);
  });
}
