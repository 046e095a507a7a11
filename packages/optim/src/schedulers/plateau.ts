import { FakkelError, isTensor, StateDictError } from '@fakkel/core';
import type { Optimizer } from '../optimizer.js';
import { checkOptions, kindOf } from '../param-groups.js';
import { checkAtLeastZero } from '../validation.js';
import { checkChoice, checkOptimizer, perGroup, type Scheduler } from './lr-scheduler.js';

/** Configuration of {@link ReduceLROnPlateau}. */
export interface ReduceLROnPlateauOptions {
  /** Whether the metric is to fall (`'min'`, the default: a loss) or to rise (`'max'`: an accuracy). */
  mode?: 'min' | 'max';
  /** What the rate is multiplied with: below 1. Default 0.1. */
  factor?: number;
  /** How many epochs without improvement are let pass: the rate falls after one more. Default 10. */
  patience?: number;
  /** How much better an improvement must be. Default 1e-4. */
  threshold?: number;
  /** Whether `threshold` is a part of the best metric (`'rel'`, the default) or a difference. */
  thresholdMode?: 'rel' | 'abs';
  /** Epochs after a reduction in which none is counted as bad. Default 0. */
  cooldown?: number;
  /** The lowest rate: a number, or one a group. Default 0. */
  minLr?: number | readonly number[];
  /** A reduction by less than this is left out. Default 1e-8. */
  eps?: number;
}

const OPTIONS = ['mode', 'factor', 'patience', 'threshold', 'thresholdMode', 'cooldown', 'minLr', 'eps'];

/** A {@link ReduceLROnPlateau}'s state by PyTorch's names; `best` is null before the first metric. */
export interface ReduceLROnPlateauStateDict {
  mode: string;
  factor: number;
  patience: number;
  threshold: number;
  threshold_mode: string;
  cooldown: number;
  min_lrs: number[];
  eps: number;
  best: number | null;
  num_bad_epochs: number;
  cooldown_counter: number;
  last_epoch: number;
  _last_lr: number[];
}

/** The options as they are kept and saved. */
type Settings = Omit<
  ReduceLROnPlateauStateDict,
  'best' | 'num_bad_epochs' | 'cooldown_counter' | 'last_epoch' | '_last_lr'
>;

/**
 * Lowers the learning rate when a metric has stopped improving: after more than `patience` epochs that were not better
 * than the best one, every rate is multiplied by `factor`, down to `minLr`.
 *
 * When to use: runs of unknown length, with a validation set to watch: "run a few epochs and inspect plots of the loss
 * function" (the lecture) by itself. What falls then is the staircase of {@link StepLR}, with steps where they are due.
 *
 * @example
 * const optimizer = new SGD(new nn.Linear(2, 1).parameters(), { lr: 0.1 });
 * const scheduler = new ReduceLROnPlateau(optimizer, { patience: 2 });
 * for (const validationLoss of [tensor(0.9), tensor(0.5), tensor(0.5)]) {
 *   await optimizer.step();
 *   scheduler.step(await validationLoss.item());
 * }
 */
export class ReduceLROnPlateau implements Scheduler {
  /** The epochs done: how often `step()` was called. */
  lastEpoch = 0;
  /** The best metric so far: infinity (or its negative) before the first. */
  best: number;
  /** Epochs since the best metric, or since the last reduction. */
  numBadEpochs = 0;
  /** Epochs of cool-down that are left. */
  cooldownCounter = 0;
  private settings: Settings;
  private lastLr: number[];

  constructor(
    readonly optimizer: Optimizer,
    options: ReduceLROnPlateauOptions = {},
  ) {
    checkOptimizer('ReduceLROnPlateau', optimizer);
    checkOptions('ReduceLROnPlateau', options, OPTIONS);
    const { mode = 'min', factor = 0.1, patience = 10, threshold = 1e-4, thresholdMode = 'rel' } = options;
    const { cooldown = 0, minLr = 0, eps = 1e-8 } = options;
    const min_lrs = perGroup('ReduceLROnPlateau', optimizer, 'minLr', minLr);
    this.settings = { mode, factor, patience, threshold, threshold_mode: thresholdMode, cooldown, min_lrs, eps };
    check(this.settings);
    this.best = worst(mode);
    this.lastLr = this.rates();
  }

  private rates(): number[] {
    return this.optimizer.paramGroups.map(({ lr }) => lr);
  }

  /** Whether epochs are not counted yet after a reduction. */
  get inCooldown(): boolean {
    return this.cooldownCounter > 0;
  }

  /**
   * Takes the metric of an epoch: call it after validating. NaN counts as an epoch without improvement.
   *
   * @throws TypeError unless `metric` is a number.
   */
  step(metric: number): void {
    if (typeof metric !== 'number') {
      const remedy =
        isTensor(metric) || (metric as unknown) instanceof Promise ? ' Write step(await loss.item()).' : '';
      throw new TypeError(`ReduceLROnPlateau: step() expects the metric as a number, got ${kindOf(metric)}.${remedy}`);
    }
    this.lastEpoch++;
    if (this.isBetter(metric)) {
      this.best = metric;
      this.numBadEpochs = 0;
    } else {
      this.numBadEpochs++;
    }
    if (this.inCooldown) {
      this.cooldownCounter--;
      this.numBadEpochs = 0;
    }
    if (this.numBadEpochs > this.settings.patience) {
      this.reduce();
      this.cooldownCounter = this.settings.cooldown;
      this.numBadEpochs = 0;
    }
    this.lastLr = this.rates();
  }

  private isBetter(metric: number): boolean {
    const { mode, threshold, threshold_mode } = this.settings;
    const sign = mode === 'min' ? -1 : 1;
    const bound = threshold_mode === 'rel' ? this.best * (1 + sign * threshold) : this.best + sign * threshold;
    return mode === 'min' ? metric < bound : metric > bound;
  }

  private reduce(): void {
    const { factor, min_lrs, eps } = this.settings;
    this.optimizer.paramGroups.forEach((group, i) => {
      const lr = Math.max(group.lr * factor, min_lrs[i]);
      if (group.lr - lr > eps) group.lr = lr;
    });
  }

  /** The rates that the last `step()` has left, one a group. */
  getLastLr(): number[] {
    return [...this.lastLr];
  }

  /** What a checkpoint needs, beside the optimizer's state dict, which has the rates themselves. */
  stateDict(): ReduceLROnPlateauStateDict {
    const { settings, best, numBadEpochs, cooldownCounter, lastEpoch } = this;
    return {
      ...structuredClone(settings),
      // JSON has no infinity.
      best: Number.isFinite(best) ? best : null,
      num_bad_epochs: numBadEpochs,
      cooldown_counter: cooldownCounter,
      last_epoch: lastEpoch,
      _last_lr: this.getLastLr(),
    };
  }

  /**
   * Continues where the scheduler whose `stateDict()` this is stopped. Load the optimizer's too.
   *
   * @throws StateDictError if something is missing, or the number of groups differs.
   */
  loadStateDict(state: ReduceLROnPlateauStateDict): void {
    const name = 'ReduceLROnPlateau.loadStateDict';
    const given = (state ?? {}) as object as Record<string, unknown>;
    const missing = Object.keys(this.stateDict()).filter((key) => given[key] === undefined);
    if (missing.length > 0) {
      throw new StateDictError(
        `${name}: expected what stateDict() gives, got ${kindOf(state)} without ${missing.join(', ')}`,
      );
    }
    const { best, num_bad_epochs, cooldown_counter, last_epoch, _last_lr } = state;
    const settings = structuredClone(
      Object.fromEntries(Object.keys(this.settings).map((key) => [key, given[key]])),
    ) as object as Settings;
    check(settings);
    const groups = this.optimizer.paramGroups.length;
    if (settings.min_lrs.length !== groups) {
      throw new StateDictError(
        `${name}: the optimizer has ${groups} parameter groups, the state dict ${settings.min_lrs.length}`,
      );
    }
    this.settings = settings;
    this.best = best ?? worst(settings.mode);
    this.numBadEpochs = num_bad_epochs;
    this.cooldownCounter = cooldown_counter;
    this.lastEpoch = last_epoch;
    this.lastLr = [..._last_lr];
  }
}

/** What every metric is better than. */
const worst = (mode: string): number => (mode === 'min' ? Infinity : -Infinity);

function check({ mode, factor, patience, threshold, threshold_mode, cooldown, eps }: Settings): void {
  checkChoice('ReduceLROnPlateau', 'mode', mode, ['min', 'max']);
  checkChoice('ReduceLROnPlateau', 'thresholdMode', threshold_mode, ['rel', 'abs']);
  checkAtLeastZero('ReduceLROnPlateau', { factor, patience, threshold, cooldown, eps });
  if (factor >= 1) throw new FakkelError(`ReduceLROnPlateau: factor must be below 1, got ${factor}.`);
}
