import { FakkelError } from '@fakkel/core';
import type { Optimizer } from '../optimizer.js';
import { kindOf } from '../param-groups.js';
import { checkCount, checkNumber } from '../validation.js';
import { LRScheduler, type SchedulerOptions } from './lr-scheduler.js';

/** Configuration of {@link StepLR}. */
export interface StepLROptions {
  /** Epochs between two decays. */
  stepSize: number;
  /** What the rate is multiplied with. Default 0.1. */
  gamma?: number;
}

/**
 * Multiplies the learning rate of every group by gamma every `stepSize` epochs: γ(epoch) = γ₀ · gamma^⌊epoch / stepSize⌋.
 *
 * When to use: long runs whose loss has stopped falling between the steps. A decay "typically helps to get away from
 * saddle points and the loss function often looks like a staircase" (the lecture): it drops right after each decay.
 *
 * @example
 * const optimizer = new SGD(new nn.Linear(2, 1).parameters(), { lr: 0.1 });
 * const scheduler = new StepLR(optimizer, { stepSize: 30 }); // 0.1, from epoch 30 on 0.01, from 60 on 0.001, …
 */
export class StepLR extends LRScheduler<Required<StepLROptions>> {
  constructor(optimizer: Optimizer, options: StepLROptions & SchedulerOptions) {
    super(optimizer, { ...options, gamma: options.gamma ?? 0.1 });
  }

  protected override validate({ stepSize, gamma }: StepLROptions): void {
    checkCount('StepLR', 'stepSize', stepSize);
    checkNumber('StepLR', 'gamma', gamma);
  }

  protected getLr(): number[] {
    const decays = this.lastEpoch !== 0 && this.lastEpoch % this.config.stepSize === 0;
    return this.groups.map(({ lr }) => (decays ? lr * this.config.gamma : lr));
  }
}

/** Configuration of {@link MultiStepLR}. */
export interface MultiStepLROptions {
  /** Epochs at which the rate decays; one that comes twice decays it twice. */
  milestones: readonly number[];
  /** What the rate is multiplied with. Default 0.1. */
  gamma?: number;
}

/**
 * Multiplies the learning rate of every group by gamma at every milestone.
 *
 * When to use: a staircase whose epochs are known, such as the published schedules of residual networks.
 *
 * @example
 * const optimizer = new SGD(new nn.Linear(2, 1).parameters(), { lr: 0.1 });
 * const scheduler = new MultiStepLR(optimizer, { milestones: [100, 150] });
 */
export class MultiStepLR extends LRScheduler<Required<MultiStepLROptions>> {
  constructor(optimizer: Optimizer, options: MultiStepLROptions & SchedulerOptions) {
    super(optimizer, { ...options, gamma: options.gamma ?? 0.1 });
  }

  protected override validate({ milestones, gamma }: MultiStepLROptions): void {
    if (!Array.isArray(milestones)) {
      throw new FakkelError(`MultiStepLR: milestones must be an array of epochs, got ${kindOf(milestones)}`);
    }
    for (const milestone of milestones as readonly number[]) checkCount('MultiStepLR', 'a milestone', milestone);
    checkNumber('MultiStepLR', 'gamma', gamma);
  }

  protected getLr(): number[] {
    const times = this.config.milestones.filter((epoch) => epoch === this.lastEpoch).length;
    return this.groups.map(({ lr }) => (times === 0 ? lr : lr * this.config.gamma ** times));
  }
}
