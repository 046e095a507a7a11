import type { Optimizer } from '../optimizer.js';
import { checkOptions, type ParamGroup } from '../param-groups.js';
import { checkChoice, LRScheduler, perGroup, type SchedulerOptions } from '../schedulers/lr-scheduler.js';
import { checkAtLeastZero } from '../validation.js';

/** Configuration of {@link SWALR}. */
export interface SWALROptions {
  /** The rate to go to: a number, or one a group. */
  swaLr: number | readonly number[];
  /** Epochs on the way. Default 10. */
  annealEpochs?: number;
  /** Along half a cosine (`'cos'`, the default) or a line. */
  annealStrategy?: 'cos' | 'linear';
}

interface Config {
  swaLrs: number[];
  annealEpochs: number;
  annealStrategy: string;
}

/** How far between two rates, from 0 to 1, at a time from 0 to 1. */
const ANNEAL: Readonly<Record<string, (t: number) => number>> = {
  cos: (t) => (1 - Math.cos(Math.PI * t)) / 2,
  linear: (t) => t,
};

/**
 * Moves the learning rate of every group, from where it is, to a constant one.
 *
 * When to use: with {@link AveragedModel}, whose models should differ: a constant, rather high rate keeps the weights
 * moving around the minimum. Step another scheduler before, and this one from the epoch on that averaging begins with;
 * both may exist from the beginning. Source: Izmailov et al., "Averaging Weights Leads to Wider Optima and Better
 * Generalization", UAI 2018, https://arxiv.org/abs/1803.05407.
 *
 * @example
 * const optimizer = new SGD(new nn.Linear(2, 1).parameters(), { lr: 0.1, momentum: 0.9 });
 * const decay = new ExponentialLR(optimizer, { gamma: 0.95 });
 * const constant = new SWALR(optimizer, { swaLr: 0.05, annealEpochs: 5 });
 * for (let epoch = 0; epoch < 10; epoch++) {
 *   await optimizer.step();
 *   (epoch < 7 ? decay : constant).step();
 * }
 */
export class SWALR extends LRScheduler<Config> {
  constructor(optimizer: Optimizer, options: SWALROptions & SchedulerOptions) {
    checkOptions('SWALR', options, ['swaLr', 'annealEpochs', 'annealStrategy', 'lastEpoch']);
    const { annealEpochs = 10, annealStrategy = 'cos', lastEpoch } = options;
    const swaLrs = perGroup('SWALR', optimizer, 'swaLr', options.swaLr);
    super(optimizer, { swaLrs, annealEpochs, annealStrategy, lastEpoch });
  }

  protected override validate({ annealEpochs, annealStrategy }: Config): void {
    checkAtLeastZero('SWALR', { annealEpochs });
    checkChoice('SWALR', 'annealStrategy', annealStrategy, Object.keys(ANNEAL));
  }

  // As in PyTorch the rate is an option of the groups, so that the optimizer's state dict has it.
  protected override prepare(): void {
    this.groups.forEach((group, i) => Object.assign(group, { swaLr: this.config.swaLrs[i] }));
  }

  protected override savedConfig(): object {
    const { annealEpochs, annealStrategy } = this.config;
    return { annealEpochs, annealStrategy };
  }

  override _begin(): void {
    this.advance(0);
  }

  protected getLr(): number[] {
    const { annealEpochs, annealStrategy } = this.config;
    // 0 in the constructor's step; without a way there is nothing to wait for.
    const step = annealEpochs === 0 ? Math.max(1, this.stepCount - 1) : this.stepCount - 1;
    const at = (epoch: number): number =>
      ANNEAL[annealStrategy](Math.max(0, Math.min(1, epoch / Math.max(1, annealEpochs))));
    const [before, now] = [at(step - 1), at(step)];
    return (this.groups as (ParamGroup & { swaLr: number })[]).map(({ lr, swaLr }) => {
      const from = before === 1 ? swaLr : (lr - before * swaLr) / (1 - before);
      return swaLr * now + from * (1 - now);
    });
  }
}
