/**
 * Losses of numbers: how far the input is from the target.
 */
import type { Tensor } from '../../graph/tensor.js';
import { checkOptions, checkReduction } from '../arguments.js';
import { composed } from '../compose.js';
import { checkPair, reduced, type ReductionOptions } from './reduction.js';

function elementLoss(
  op: string,
  input: Tensor,
  target: Tensor,
  options: ReductionOptions,
  loss: (difference: Tensor) => Tensor,
): Tensor {
  checkOptions(op, options, ['reduction'] satisfies (keyof ReductionOptions)[]);
  const { reduction = 'mean' } = options;
  checkReduction(op, reduction);
  checkPair(op, input, target);
  return composed(() => {
    return reduced(loss(input.sub(target)), reduction);
  });
}

/**
 * The mean squared error (input − target)², as `F.mse_loss`; shapes must be equal.
 *
 * @throws ShapeError unless the shapes are equal: PyTorch would broadcast, with a warning.
 * @example
 * await nn.functional.mseLoss(tensor([1, 2]), tensor([0, 4])).item(); // 2.5
 */
export function mseLoss(input: Tensor, target: Tensor, options: ReductionOptions = {}): Tensor {
  return elementLoss('mseLoss', input, target, options, (difference) => difference.square());
}

/**
 * The mean absolute error |input − target|, as `F.l1_loss`; shapes must be equal.
 *
 * @throws ShapeError unless the shapes are equal.
 * @example
 * await nn.functional.l1Loss(tensor([1, 2]), tensor([0, 4])).item(); // 1.5
 */
export function l1Loss(input: Tensor, target: Tensor, options: ReductionOptions = {}): Tensor {
  return elementLoss('l1Loss', input, target, options, (difference) => difference.abs());
}
