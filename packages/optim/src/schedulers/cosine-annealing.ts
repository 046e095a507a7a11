import type { Optimizer } from '../optimizer.js';
import { checkCount, checkNumber } from '../validation.js';
import { LRScheduler, type SchedulerOptions } from './lr-scheduler.js';

/** Configuration of {@link CosineAnnealingLR}. */
export interface CosineAnnealingLROptions {
  /** Epochs (or steps) from the highest rate to the lowest. */
  tMax: number;
  /** The lowest rate. Default 0. */
  etaMin?: number;
}

/**
 * Lowers the learning rate along half a cosine:
 * γ(t) = etaMin + (γ₀ − etaMin) (1 + cos(π t / tMax)) / 2; after `tMax` it rises again.
 *
 * When to use: runs of a length that is known beforehand; no further choice to make. Source: Loshchilov, Hutter, "SGDR:
 * Stochastic Gradient Descent with Warm Restarts", ICLR 2017, https://arxiv.org/abs/1608.03983 (the annealing, without
 * restarts).
 *
 * @example
 * const optimizer = new SGD(new nn.Linear(2, 1).parameters(), { lr: 0.1 });
 * const scheduler = new CosineAnnealingLR(optimizer, { tMax: 50 });
 */
export class CosineAnnealingLR extends LRScheduler<Required<CosineAnnealingLROptions>> {
  constructor(optimizer: Optimizer, options: CosineAnnealingLROptions & SchedulerOptions) {
    super(optimizer, { ...options, etaMin: options.etaMin ?? 0 });
  }

  protected override validate({ tMax, etaMin }: CosineAnnealingLROptions): void {
    checkCount('CosineAnnealingLR', 'tMax', tMax);
    checkNumber('CosineAnnealingLR', 'etaMin', etaMin);
  }

  protected override stateName(key: string): string {
    return key === 'tMax' ? 'T_max' : super.stateName(key);
  }

  protected getLr(): number[] {
    const { tMax, etaMin } = this.config;
    const t = this.lastEpoch;
    const cosine = (at: number): number => 1 + Math.cos((Math.PI * at) / tMax);
    return this.groups.map(({ lr }, i) => {
      const base = this.baseLrs[i] - etaMin;
      if (t === 0) return lr;
      if (this.isInitial) return etaMin + (base * (1 + Math.cos((t * Math.PI) / tMax))) / 2;
      // The rate before was the lowest, from which no factor leads up.
      if ((t - 1 - tMax) % (2 * tMax) === 0) return lr + (base * (1 - Math.cos(Math.PI / tMax))) / 2;
      return (cosine(t) / cosine(t - 1)) * (lr - etaMin) + etaMin;
    });
  }
}
