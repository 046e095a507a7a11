import { FakkelError } from '@fakkel/core';
import type { Optimizer } from '../optimizer.js';
import { kindOf } from '../param-groups.js';
import { LRScheduler, type SchedulerOptions } from './lr-scheduler.js';

/** Configuration of {@link LambdaLR}. */
export interface LambdaLROptions {
  /** The factor on the initial rate at an epoch: one function, or one a group. */
  lrLambda: ((epoch: number) => number) | readonly ((epoch: number) => number)[];
}

/**
 * Sets the learning rate of every group to its initial rate times a function of the epoch. Functions are not saved: give
 * them again when resuming.
 *
 * When to use: schedules of your own, such as the lecture's k / √epoch or a warm-up.
 *
 * @example
 * const optimizer = new SGD(new nn.Linear(2, 1).parameters(), { lr: 0.1 });
 * const scheduler = new LambdaLR(optimizer, { lrLambda: (epoch) => Math.min(1, (epoch + 1) / 5) });
 */
export class LambdaLR extends LRScheduler<LambdaLROptions> {
  constructor(optimizer: Optimizer, options: LambdaLROptions & SchedulerOptions) {
    super(optimizer, options);
  }

  protected override validate({ lrLambda }: LambdaLROptions): void {
    const given = Array.isArray(lrLambda) ? lrLambda : [lrLambda];
    const odd: unknown = given.find((fn) => typeof fn !== 'function');
    if (odd !== undefined)
      throw new TypeError(`LambdaLR: lrLambda must be a function, or one a group, got ${kindOf(odd)}`);
    if (Array.isArray(lrLambda) && lrLambda.length !== this.groups.length) {
      throw new FakkelError(`LambdaLR: expected ${this.groups.length} functions, one a group, got ${lrLambda.length}`);
    }
  }

  protected override savedConfig(): object {
    return {};
  }

  protected getLr(): number[] {
    const { lrLambda } = this.config;
    return this.baseLrs.map((lr, i) => lr * (typeof lrLambda === 'function' ? lrLambda : lrLambda[i])(this.lastEpoch));
  }
}
