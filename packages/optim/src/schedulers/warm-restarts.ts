import { FakkelError } from '@fakkel/core';
import type { Optimizer } from '../optimizer.js';
import { checkOptions } from '../param-groups.js';
import { checkCount, checkNumber } from '../validation.js';
import { LRScheduler, type SchedulerOptions } from './lr-scheduler.js';

/** Configuration of {@link CosineAnnealingWarmRestarts}. */
export interface CosineAnnealingWarmRestartsOptions {
  /** Epochs (or steps) until the first restart. */
  t0: number;
  /** How many times longer each cycle is than the one before: a whole number. Default 1. */
  tMult?: number;
  /** The lowest rate. Default 0. */
  etaMin?: number;
}

/** The options, and where in its cycle the schedule is. */
interface Config extends Required<CosineAnnealingWarmRestartsOptions> {
  /** The length of the present cycle. */
  tI: number;
  /** Epochs since it began. */
  tCur: number;
}

const STATE_NAMES: Readonly<Record<string, string>> = { t0: 'T_0', tI: 'T_i', tMult: 'T_mult', tCur: 'T_cur' };

/**
 * Lowers the learning rate along half a cosine, and begins again from the initial rate, in cycles of t0, t0 · tMult,
 * t0 · tMult², … epochs: γ = etaMin + (γ₀ − etaMin) (1 + cos(π Tcur / Tᵢ)) / 2, Tcur epochs into a cycle of length Tᵢ.
 *
 * When to use: to look for several good minima in one run, the weights at the end of each cycle being one (snapshot
 * ensembles), and when it is not known how long to train: the end of every cycle is a good place to stop. Source:
 * Loshchilov, Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017,
 * https://arxiv.org/abs/1608.03983.
 *
 * @example
 * const optimizer = new SGD(new nn.Linear(2, 1).parameters(), { lr: 0.1 });
 * const scheduler = new CosineAnnealingWarmRestarts(optimizer, { t0: 10, tMult: 2 }); // restarts at 10, 30, 70, …
 * const batches = 4;
 * for (let epoch = 0; epoch < 2; epoch++) {
 *   for (let i = 0; i < batches; i++) {
 *     await optimizer.step();
 *     scheduler.step(epoch + i / batches); // after every batch, as the paper does
 *   }
 * }
 */
export class CosineAnnealingWarmRestarts extends LRScheduler<Config> {
  constructor(optimizer: Optimizer, options: CosineAnnealingWarmRestartsOptions & SchedulerOptions) {
    checkOptions('CosineAnnealingWarmRestarts', options, ['t0', 'tMult', 'etaMin', 'lastEpoch']);
    const { t0, tMult = 1, etaMin = 0, lastEpoch } = options;
    super(optimizer, { t0, tMult, etaMin, tI: t0, tCur: 0, lastEpoch });
  }

  protected override validate({ t0, tMult, etaMin }: Config): void {
    checkCount('CosineAnnealingWarmRestarts', 't0', t0);
    checkCount('CosineAnnealingWarmRestarts', 'tMult', tMult);
    checkNumber('CosineAnnealingWarmRestarts', 'etaMin', etaMin);
  }

  protected override stateName(key: string): string {
    return STATE_NAMES[key] ?? super.stateName(key);
  }

  /**
   * The next epoch, or the one given: it may be a fraction, and may go back.
   *
   * @throws FakkelError for an epoch below 0.
   */
  override step(epoch?: number): void {
    if (epoch !== undefined && !(epoch >= 0 && Number.isFinite(epoch))) {
      throw new FakkelError(`CosineAnnealingWarmRestarts: expected an epoch of at least 0, got ${String(epoch)}.`);
    }
    if (epoch === undefined && this.stepCount > 0) {
      // From where it is, which may be a fraction of an epoch into the cycle.
      const { tCur, tI, tMult } = this.config;
      const restarts = tCur + 1 >= tI;
      this.config = {
        ...this.config,
        tCur: restarts ? tCur + 1 - tI : tCur + 1,
        tI: restarts ? tI * tMult : tI,
      };
    } else {
      this.locate(epoch ?? this.lastEpoch + 1);
    }
    this.advance(Math.floor(epoch ?? this.lastEpoch + 1));
  }

  override _begin(): void {
    this.step(0);
  }

  /** Finds the cycle that an epoch is in. */
  private locate(epoch: number): void {
    const { t0, tMult } = this.config;
    let [tCur, tI] = tMult === 1 ? [epoch % t0, t0] : [epoch, t0];
    while (tCur >= tI) [tCur, tI] = [tCur - tI, tI * tMult];
    this.config = { ...this.config, tCur, tI };
  }

  protected getLr(): number[] {
    const { etaMin, tCur, tI } = this.config;
    return this.baseLrs.map((lr) => etaMin + ((lr - etaMin) * (1 + Math.cos((Math.PI * tCur) / tI))) / 2);
  }
}
