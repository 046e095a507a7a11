/**
 * Rates by functions of your own: of the initial rate, or of the one before.
 */
import { FakkelError } from '@fakkel/core';
import type { Optimizer } from '../optimizer.js';
import { kindOf } from '../param-groups.js';
import { LRScheduler, type SchedulerOptions } from './lr-scheduler.js';

/** A factor for every epoch: one function, or one a group. */
type Factors = LambdaLROptions['lrLambda'];

/** Configuration of {@link LambdaLR}. */
export interface LambdaLROptions {
  /** The factor on the initial rate at an epoch: one function, or one a group. */
  lrLambda: ((epoch: number) => number) | readonly ((epoch: number) => number)[];
}

/** Configuration of {@link MultiplicativeLR}. */
export interface MultiplicativeLROptions {
  /** The factor on the present rate at an epoch: one function, or one a group. */
  lrLambda: ((epoch: number) => number) | readonly ((epoch: number) => number)[];
}

/** What schedules by functions have in common. */
abstract class FunctionLR extends LRScheduler<{ lrLambda: Factors }> {
  protected override validate({ lrLambda }: { lrLambda: Factors }): void {
    const { name } = this.constructor;
    const given = Array.isArray(lrLambda) ? lrLambda : [lrLambda];
    const odd: unknown = given.find((fn) => typeof fn !== 'function');
    if (odd !== undefined)
      throw new TypeError(`${name}: lrLambda must be a function, or one a group, got ${kindOf(odd)}`);
    if (Array.isArray(lrLambda) && lrLambda.length !== this.groups.length) {
      throw new FakkelError(`${name}: expected ${this.groups.length} functions, one a group, got ${lrLambda.length}`);
    }
  }

  protected override savedConfig(): object {
    return {};
  }

  /** The factor of every group at the present epoch. */
  protected factors(): number[] {
    const { lrLambda } = this.config;
    return this.groups.map((_, i) => (typeof lrLambda === 'function' ? lrLambda : lrLambda[i])(this.lastEpoch));
  }
}

/**
 * Sets the learning rate of every group to its initial rate times a function of the epoch. Functions are not saved: give
 * them again when resuming.
 *
 * When to use: schedules of your own.
 *
 * @example
 * const optimizer = new SGD(new nn.Linear(2, 1).parameters(), { lr: 0.1 });
 * const scheduler = new LambdaLR(optimizer, { lrLambda: (epoch) => Math.min(1, (epoch + 1) / 5) });
 */
export class LambdaLR extends FunctionLR {
  constructor(optimizer: Optimizer, options: LambdaLROptions & SchedulerOptions) {
    super(optimizer, options);
  }

  protected getLr(): number[] {
    const factors = this.factors();
    return this.baseLrs.map((lr, i) => lr * factors[i]);
  }
}

/**
 * Multiplies the learning rate of every group by a function of the epoch, from epoch 1 on. Functions are not saved: give
 * them again when resuming.
 *
 * When to use: decays of your own that other changes of the rate may join. In a {@link SequentialLR} it begins with the
 * rate that it finds.
 *
 * @example
 * const optimizer = new SGD(new nn.Linear(2, 1).parameters(), { lr: 0.1 });
 * const scheduler = new MultiplicativeLR(optimizer, { lrLambda: (epoch) => (epoch < 10 ? 1 : 0.95) });
 */
export class MultiplicativeLR extends FunctionLR {
  constructor(optimizer: Optimizer, options: MultiplicativeLROptions & SchedulerOptions) {
    super(optimizer, options);
  }

  override _begin(): void {
    this.advance(0);
  }

  protected getLr(): number[] {
    const factors = this.lastEpoch > 0 ? this.factors() : null;
    return this.groups.map(({ lr }, i) => (factors ? lr * factors[i] : lr));
  }
}
