/**
 * What losses of elements have in common.
 */
import { checkOptions, checkReduction, type Reduction } from '../../../ops/arguments.js';
import type { ReductionOptions } from '../../../ops/losses/reduction.js';
import { Module } from '../../module.js';

/** A loss of each element, and how the losses are reduced. */
export abstract class ElementLoss extends Module {
  readonly reduction: Reduction;

  constructor(options: ReductionOptions = {}) {
    super();
    checkOptions(new.target.name, options, ['reduction']);
    this.reduction = options.reduction ?? 'mean';
    checkReduction(new.target.name, this.reduction);
  }
}
