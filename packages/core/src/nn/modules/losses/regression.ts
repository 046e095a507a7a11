/**
 * Losses of numbers as modules. What they compute is in `ops/losses/regression.ts`.
 */
import type { Tensor } from '../../../graph/tensor.js';
import { l1Loss, mseLoss } from '../../../ops/losses/regression.js';
import { ElementLoss } from './element-loss.js';

/**
 * Mean squared error: (x − y)², averaged over all elements.
 *
 * Shape: input and target equal. Output `[]`, or theirs for reduction 'none'.
 *
 * @param options `reduction`: 'mean' (default), 'sum' or 'none'.
 * @throws ShapeError unless the shapes are equal.
 * @example
 * const loss = new nn.MSELoss()(tensor([1, 2]), tensor([1, 4]));
 * await loss.item(); // 2
 */
export class MSELoss extends ElementLoss {
  override forward(input: Tensor, target: Tensor): Tensor {
    return mseLoss(input, target, { reduction: this.reduction });
  }
}

/**
 * Mean absolute error: |x − y|, averaged over all elements.
 *
 * Shape: input and target equal. Output `[]`, or theirs for reduction 'none'.
 *
 * @param options `reduction`: 'mean' (default), 'sum' or 'none'.
 * @throws ShapeError unless the shapes are equal.
 * @example
 * const loss = new nn.L1Loss()(tensor([1, 2]), tensor([1, 4]));
 * await loss.item(); // 1
 */
export class L1Loss extends ElementLoss {
  override forward(input: Tensor, target: Tensor): Tensor {
    return l1Loss(input, target, { reduction: this.reduction });
  }
}
