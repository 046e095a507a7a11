/**
 * Rates that begin as a part of the initial one: rising along a line, or constant.
 */
import { FakkelError } from '@fakkel/core';
import type { Optimizer } from '../optimizer.js';
import { checkOptions } from '../param-groups.js';
import { checkCount, checkNumber } from '../validation.js';
import { LRScheduler, type SchedulerOptions } from './lr-scheduler.js';

/** Configuration of {@link LinearLR}. */
export interface LinearLROptions {
  /** What part of the rate the first epoch has: above 0, at most 1. Default 1/3. */
  startFactor?: number;
  /** What part of it there is from `totalIters` on: from 0 to 1. Default 1. */
  endFactor?: number;
  /** Epochs (or steps) from one to the other. Default 5. */
  totalIters?: number;
}

/**
 * Moves the learning rate along a line:
 * γ(t) = γ₀ · (startFactor + (endFactor − startFactor) · min(t, totalIters) / totalIters).
 *
 * When to use: as warm-up, before another schedule, per epoch or per step. Large batches, large rates and Adam diverge
 * less often when the first steps, whose gradients and averages mean little, are small. Source: Goyal et al., "Accurate,
 * Large Minibatch SGD: Training ImageNet in 1 Hour", 2017, https://arxiv.org/abs/1706.02677.
 *
 * @example
 * // Linear warm-up for 5 epochs, then a cosine to 0 over the other 85.
 * const optimizer = new SGD(new nn.Linear(2, 1).parameters(), { lr: 0.1, momentum: 0.9 });
 * const warmUp = new LinearLR(optimizer, { startFactor: 0.01, totalIters: 5 });
 * const cosine = new CosineAnnealingLR(optimizer, { tMax: 85 });
 * const scheduler = new SequentialLR(optimizer, [warmUp, cosine], { milestones: [5] });
 */
export class LinearLR extends LRScheduler<Required<LinearLROptions>> {
  constructor(optimizer: Optimizer, options: LinearLROptions & SchedulerOptions = {}) {
    checkOptions('LinearLR', options, ['startFactor', 'endFactor', 'totalIters', 'lastEpoch']);
    const { startFactor = 1 / 3, endFactor = 1, totalIters = 5, lastEpoch } = options;
    super(optimizer, { startFactor, endFactor, totalIters, lastEpoch });
  }

  protected override validate({ startFactor, endFactor, totalIters }: Required<LinearLROptions>): void {
    checkFactor('LinearLR', 'startFactor', startFactor);
    if (endFactor !== 0) checkFactor('LinearLR', 'endFactor', endFactor);
    checkCount('LinearLR', 'totalIters', totalIters);
  }

  protected getLr(): number[] {
    const { startFactor, endFactor, totalIters } = this.config;
    const t = this.lastEpoch;
    const rise = endFactor - startFactor;
    const factor = (): number => {
      if (t === 0) return startFactor;
      return t > totalIters ? 1 : 1 + rise / (totalIters * startFactor + (t - 1) * rise);
    };
    return this.groups.map(({ lr }) => lr * factor());
  }
}

/** Configuration of {@link ConstantLR}. */
export interface ConstantLROptions {
  /** What part of the rate the first epochs have: above 0, at most 1. Default 1/3. */
  factor?: number;
  /** How many epochs (or steps) have it. Default 5. */
  totalIters?: number;
}

/**
 * Multiplies the learning rate by `factor` until `totalIters`; from then on it is the initial one.
 *
 * When to use: as a warm-up without slope, or to hold a rate in a {@link SequentialLR} (`factor: 1`). Residual networks
 * of 110 layers need it: He et al. begin with 0.01 in place of 0.1 ("Deep Residual Learning", 2015, section 4.2).
 *
 * @example
 * const optimizer = new SGD(new nn.Linear(2, 1).parameters(), { lr: 0.1 });
 * const scheduler = new ConstantLR(optimizer, { factor: 0.1, totalIters: 1 }); // 0.01, then 0.1
 */
export class ConstantLR extends LRScheduler<Required<ConstantLROptions>> {
  constructor(optimizer: Optimizer, options: ConstantLROptions & SchedulerOptions = {}) {
    checkOptions('ConstantLR', options, ['factor', 'totalIters', 'lastEpoch']);
    const { factor = 1 / 3, totalIters = 5, lastEpoch } = options;
    super(optimizer, { factor, totalIters, lastEpoch });
  }

  protected override validate({ factor, totalIters }: Required<ConstantLROptions>): void {
    checkFactor('ConstantLR', 'factor', factor);
    checkCount('ConstantLR', 'totalIters', totalIters);
  }

  protected getLr(): number[] {
    const { factor, totalIters } = this.config;
    const t = this.lastEpoch;
    const change = t === 0 ? factor : t === totalIters ? 1 / factor : 1;
    return this.groups.map(({ lr }) => lr * change);
  }
}

/** A rate of 0 would stay there: the next one is made from it by a factor. */
function checkFactor(name: string, what: string, value: number): void {
  checkNumber(name, what, value);
  if (value <= 0 || value > 1) {
    throw new FakkelError(
      `${name}: ${what} must be above 0 and at most 1, got ${value}. It is a part of the optimizer's rate; ` +
        `for a start near 0 take a small one, such as 1e-3.`,
    );
  }
}
