/**
 * From a loss of each element to the result.
 */
import { ShapeError } from '../../errors.js';
import { checkTensor } from '../../graph/record.js';
import type { Tensor } from '../../graph/tensor.js';
import { formatAval, sameShape, sizeOf } from '../../shape.js';
import type { Reduction } from '../arguments.js';
import { checkFloat } from '../common.js';

/** How a loss of each element becomes the result. */
export interface ReductionOptions {
  /** Default 'mean'. */
  reduction?: Reduction;
}

/** The mean or the sum of the losses, or the losses themselves. */
export function reduced(losses: Tensor, reduction: Reduction): Tensor {
  return reduction === 'none' ? losses : reduction === 'sum' ? losses.sum() : losses.mean();
}

/** Throws unless input and target are tensors of one shape, the input of floats. */
export function checkPair(op: string, input: Tensor, target: Tensor): void {
  checkTensor(op, input);
  checkTensor(op, target);
  checkFloat(op, [input]);
  if (!sameShape(input.shape, target.shape)) {
    const remedy =
      sizeOf(input.shape) === sizeOf(target.shape)
        ? `Use target.reshape([${input.shape.join(', ')}]).`
        : `If it is meant to be repeated: target.expand([${input.shape.join(', ')}]).`;
    throw new ShapeError(
      `${op}: expected input and target of one shape, got ${formatAval(input)} and ${formatAval(target)}: they would ` +
        `broadcast to pairs that nobody meant. ${remedy}`,
    );
  }
}
