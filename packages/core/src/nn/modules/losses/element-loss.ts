/**
 * What losses have in common.
 */
import { describe } from '../../../graph/record.js';
import { isTensor, type Tensor } from '../../../graph/tensor.js';
import { checkOptions, checkReduction, type Reduction } from '../../../ops/arguments.js';
import type { ReductionOptions } from '../../../ops/losses/reduction.js';
import { Buffer } from '../../../runtime/cell.js';
import { Module } from '../../module.js';

/** A loss of each element, and how the losses are reduced. */
export abstract class ElementLoss extends Module {
  readonly reduction: Reduction;

  constructor(options: ReductionOptions = {}, names: readonly string[] = []) {
    super();
    checkOptions(new.target.name, options, [...names, 'reduction']);
    this.reduction = options.reduction ?? 'mean';
    checkReduction(new.target.name, this.reduction);
  }
}

/** Weights of a loss: they are saved with the module and move with it. */
export function weightBuffer(layer: string, name: string, weight: Tensor | null | undefined): Buffer | null {
  if (!weight) return null;
  if (!isTensor(weight)) throw new TypeError(`${layer}: expected a tensor as ${name}, got ${describe(weight)}`);
  return weight instanceof Buffer ? weight : new Buffer(weight.detach());
}
