/**
 * From a loss of each element to the result.
 */
import { OutOfRangeError, ShapeError } from '../../errors.js';
import { checkTensor } from '../../graph/record.js';
import type { Tensor } from '../../graph/tensor.js';
import { formatAval, sameShape, sizeOf } from '../../shape.js';
import { checkReduction, type Reduction } from '../arguments.js';
import { castTo, checkFloat } from '../common.js';
import { composed } from '../compose.js';

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
    const shape = `[${input.shape.join(', ')}]`;
    const repeats =
      target.ndim <= input.ndim && target.shape.every((n, i) => n === 1 || n === input.shape.at(i - target.ndim));
    const remedy =
      sizeOf(input.shape) === sizeOf(target.shape)
        ? `. Use target.reshape(${shape}): broadcast, they might be pairs that nobody meant.`
        : repeats
          ? `: they would broadcast to pairs that nobody meant. If it is meant to be repeated: target.expand(${shape}).`
          : '.';
    throw new ShapeError(
      `${op}: expected input and target of one shape, got ${formatAval(input)} and ${formatAval(target)}${remedy}`,
    );
  }
}

/** What an element loss takes: the checks and the reduction around `loss`. */
export function elementLoss(
  op: string,
  input: Tensor,
  target: Tensor,
  reduction: Reduction,
  loss: (x: Tensor, y: Tensor) => Tensor,
): Tensor {
  checkReduction(op, reduction);
  checkPair(op, input, target);
  return composed(() => reduced(loss(input, castTo(target, input.dtype)), reduction));
}

/** Throws where an element that is on the host does not satisfy `holds`; what is computed is not looked at. */
export function checkElements(
  op: string,
  name: string,
  x: Tensor,
  holds: (value: number) => boolean,
  expected: string,
): void {
  const data = x._resolve()._storage?.host;
  const at = data ? data.findIndex((value: number) => !holds(value)) : -1;
  if (at < 0) return;
  throw new OutOfRangeError(`${op}: expected ${name} ${expected}, got ${data![at]} at ${at} of ${formatAval(x)}`);
}
