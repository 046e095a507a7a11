import type { Optimizer } from '../optimizer.js';
import { checkOptions } from '../param-groups.js';
import { checkNumber } from '../validation.js';
import { LRScheduler, type SchedulerOptions } from './lr-scheduler.js';

/** Configuration of {@link InverseSqrtLR}. */
export interface InverseSqrtLROptions {
  /** The rate after the first epoch, relative to the initial one. Default 1. */
  k?: number;
}

/**
 * Lowers the learning rate with the square root of the epoch: γ(epoch) = k / √epoch · γ₀.
 *
 * Epochs are counted as everywhere here: `epoch` is how many are done. The first one is trained with γ₀, as the formula
 * says nothing of epoch 0; the second with k · γ₀, the fifth with k / 2 · γ₀.
 *
 * When to use: the lecture's λ = k / √epochnum · λ₀. It falls faster than {@link ExponentialLR} at first and more slowly
 * later, and never vanishes: Σ γ is infinite, so that the weights can get anywhere, however long it takes. Per step
 * instead of per epoch it is the decay of convergence proofs for stochastic gradient descent; PyTorch has no such class.
 *
 * @example
 * const optimizer = new SGD(new nn.Linear(2, 1).parameters(), { lr: 0.1 });
 * const scheduler = new InverseSqrtLR(optimizer, { k: 1 }); // 0.1, 0.1, 0.0707, 0.0577, 0.05, …
 */
export class InverseSqrtLR extends LRScheduler<Required<InverseSqrtLROptions>> {
  constructor(optimizer: Optimizer, options: InverseSqrtLROptions & SchedulerOptions = {}) {
    checkOptions('InverseSqrtLR', options, ['k', 'lastEpoch']);
    const { k = 1, lastEpoch } = options;
    super(optimizer, { k, lastEpoch });
  }

  protected override validate({ k }: Required<InverseSqrtLROptions>): void {
    checkNumber('InverseSqrtLR', 'k', k);
  }

  protected getLr(): number[] {
    const factor = this.lastEpoch === 0 ? 1 : this.config.k / Math.sqrt(this.lastEpoch);
    return this.baseLrs.map((lr) => lr * factor);
  }
}
