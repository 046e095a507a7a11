/**
 * Dropout layers.
 */
import type { Tensor } from '../../graph/tensor.js';
import { dropout } from '../../ops/dropout.js';
import { Module } from '../module.js';
import { pyFloat } from '../python.js';
import { checkNumber } from './factory.js';

/**
 * In training, sets each element to zero with probability p and multiplies the others by 1 / (1 − p); in evaluation
 * mode, returns its input.
 *
 * The masks come from a counter-based generator of their own: `manualSeed` restarts it, they are the same on every
 * backend, and they differ from PyTorch's.
 *
 * Shape: any; the output has the input's.
 *
 * Source: Hinton et al., "Improving neural networks by preventing co-adaptation of feature detectors", 2012.
 *
 * @param p Probability of an element to be zeroed. Default 0.5.
 * @throws OutOfRangeError unless p is from 0 to 1.
 * @example
 * const layer = new nn.Dropout(0.2);
 * layer.eval()(ones([2, 3])); // unchanged
 */
export class Dropout extends Module {
  constructor(readonly p = 0.5) {
    super();
    checkNumber('Dropout', 'p', p, 0, 1);
  }

  override forward(x: Tensor): Tensor {
    return dropout(x, this.p, this.training);
  }

  override extraRepr(): string {
    return `p=${pyFloat(this.p)}, inplace=False`;
  }
}
