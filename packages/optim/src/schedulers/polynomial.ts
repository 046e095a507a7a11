import type { Optimizer } from '../optimizer.js';
import { checkOptions } from '../param-groups.js';
import { checkCount, checkNumber } from '../validation.js';
import { LRScheduler, type SchedulerOptions } from './lr-scheduler.js';

/** Configuration of {@link PolynomialLR}. */
export interface PolynomialLROptions {
  /** Epochs (or steps) until the rate is 0. Default 5. */
  totalIters?: number;
  /** The power of the polynomial. Default 1: a straight line. */
  power?: number;
}

/**
 * Lowers the learning rate to 0 along a polynomial: γ(t) = γ₀ (1 − t / totalIters)^power, from `totalIters` on 0.
 *
 * When to use: runs of a length that is known beforehand; power 0.9 is the "poly" schedule of semantic segmentation
 * (Chen et al., "DeepLab", 2016,
 * https://arxiv.org/abs/1606.00915).
 *
 * @example
 * const optimizer = new SGD(new nn.Linear(2, 1).parameters(), { lr: 0.1 });
 * const scheduler = new PolynomialLR(optimizer, { totalIters: 100, power: 0.9 });
 */
export class PolynomialLR extends LRScheduler<Required<PolynomialLROptions>> {
  constructor(optimizer: Optimizer, options: PolynomialLROptions & SchedulerOptions = {}) {
    checkOptions('PolynomialLR', options, ['totalIters', 'power', 'lastEpoch']);
    const { totalIters = 5, power = 1, lastEpoch } = options;
    super(optimizer, { totalIters, power, lastEpoch });
  }

  protected override validate({ totalIters, power }: Required<PolynomialLROptions>): void {
    checkCount('PolynomialLR', 'totalIters', totalIters);
    checkNumber('PolynomialLR', 'power', power);
  }

  protected getLr(): number[] {
    const { totalIters, power } = this.config;
    const t = this.lastEpoch;
    if (t === 0 || t > totalIters) return this.groups.map(({ lr }) => lr);
    const factor = ((1 - t / totalIters) / (1 - (t - 1) / totalIters)) ** power;
    return this.groups.map(({ lr }) => lr * factor);
  }
}
