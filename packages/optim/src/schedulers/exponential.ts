import type { Optimizer } from '../optimizer.js';
import { checkNumber } from '../validation.js';
import { LRScheduler, type SchedulerOptions } from './lr-scheduler.js';

/** Configuration of {@link ExponentialLR}. */
export interface ExponentialLROptions {
  /** What the rate is multiplied with every epoch. */
  gamma: number;
}

/**
 * Multiplies the learning rate of every group by gamma every epoch: γ(epoch) = γ₀ · gammaᵉᵖᵒᶜʰ.
 *
 * When to use: the lecture's λ = 0.95ᵉᵖᵒᶜʰ λ₀ is `gamma: 0.95`; with SGD and momentum. "Setting the learning rate is
 * difficult, convergence is sensitive to it. Using a decay scheme is often effective"; {@link InverseSqrtLR} is the
 * lecture's other one.
 *
 * @example
 * const optimizer = new SGD(new nn.Linear(2, 1).parameters(), { lr: 0.1 });
 * const scheduler = new ExponentialLR(optimizer, { gamma: 0.95 });
 * scheduler.getLastLr(); // [0.1], then [0.095], [0.09025], …
 */
export class ExponentialLR extends LRScheduler<ExponentialLROptions> {
  constructor(optimizer: Optimizer, options: ExponentialLROptions & SchedulerOptions) {
    super(optimizer, options);
  }

  protected override validate({ gamma }: ExponentialLROptions): void {
    checkNumber('ExponentialLR', 'gamma', gamma);
  }

  protected getLr(): number[] {
    const factor = this.lastEpoch === 0 ? 1 : this.config.gamma;
    return this.groups.map(({ lr }) => lr * factor);
  }
}
