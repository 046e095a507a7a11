import { FakkelError } from '@fakkel/core';
import type { Optimizer } from '../optimizer.js';
import { checkOptions, kindOf } from '../param-groups.js';
import { checkCount, checkNumber } from '../validation.js';
import { checkChoice, LRScheduler, perGroup, type SchedulerOptions } from './lr-scheduler.js';
import { setMomenta, usesBeta1 } from './momentum.js';

/** Configuration of {@link CyclicLR}. Numbers with "a group" may be arrays, one entry a group. */
export interface CyclicLROptions {
  /** The lower end of the rate, a group. */
  baseLr: number | readonly number[];
  /** The upper end of the rate, a group. */
  maxLr: number | readonly number[];
  /** Steps of the rising half of a cycle. Default 2000. */
  stepSizeUp?: number;
  /** Steps of the falling half. Default: as many. */
  stepSizeDown?: number;
  /**
   * What becomes of the height of the cycles: it stays (`'triangular'`, the default), is halved by every cycle
   * (`'triangular2'`), or shrinks by `gamma` with every step (`'exp_range'`).
   */
  mode?: 'triangular' | 'triangular2' | 'exp_range';
  /** See `mode`. Default 1. */
  gamma?: number;
  /** A factor on the height in place of `mode`; not saved. */
  scaleFn?: (x: number) => number;
  /** What `scaleFn` is given: the cycle's number, from 1 (`'cycle'`, the default), or the step's, from 0. */
  scaleMode?: 'cycle' | 'iterations';
  /** Whether momentum (or the first beta) moves against the rate. Default true. */
  cycleMomentum?: boolean;
  /** The momentum at the highest rate, a group. Default 0.8. */
  baseMomentum?: number | readonly number[];
  /** The momentum at the lowest rate, a group. Default 0.9. */
  maxMomentum?: number | readonly number[];
}

const OPTIONS = [
  'baseLr',
  'maxLr',
  'stepSizeUp',
  'stepSizeDown',
  'mode',
  'gamma',
  'scaleFn',
  'scaleMode',
  'cycleMomentum',
  'baseMomentum',
  'maxMomentum',
  'lastEpoch',
];

interface Config {
  baseLrs: number[];
  maxLrs: number[];
  /** Steps of a cycle, and what part of them rises. */
  totalSize: number;
  stepRatio: number;
  mode: string;
  gamma: number;
  scaleFn: ((x: number) => number) | undefined;
  scaleMode: string;
  cycleMomentum: boolean;
  baseMomentums: number[];
  maxMomentums: number[];
}

/** By mode: what the height is multiplied with, in a cycle or at a step. */
const SCALES: Readonly<Record<string, { scaleMode: string; scale: (x: number, gamma: number) => number }>> = {
  triangular: { scaleMode: 'cycle', scale: () => 1 },
  triangular2: { scaleMode: 'cycle', scale: (cycle) => 1 / 2 ** (cycle - 1) },
  exp_range: { scaleMode: 'iterations', scale: (iteration, gamma) => gamma ** iteration },
};

/**
 * Moves the learning rate up and down between two bounds, in triangles, and momentum against it. Call `step()` after
 * every batch; nothing is compiled anew.
 *
 * It sets the rate, so it doesn't chain with other schedulers.
 *
 * When to use: where no one rate is right for the whole run, and to find bounds at all: one rising half from tiny to
 * large shows where the loss begins to fall and where it breaks out. `stepSizeUp` of 2 to 10 epochs' batches. Source:
 * Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017, https://arxiv.org/abs/1506.01186.
 *
 * @example
 * const optimizer = new SGD(new nn.Linear(2, 1).parameters(), { lr: 0.01, momentum: 0.9 });
 * const scheduler = new CyclicLR(optimizer, { baseLr: 0.01, maxLr: 0.1, stepSizeUp: 4 });
 * for (let batch = 0; batch < 10; batch++) {
 *   await optimizer.step();
 *   scheduler.step();
 * }
 */
export class CyclicLR extends LRScheduler<Config> {
  constructor(optimizer: Optimizer, options: CyclicLROptions & SchedulerOptions) {
    checkOptions('CyclicLR', options, OPTIONS);
    const { stepSizeUp = 2000, stepSizeDown = stepSizeUp, mode = 'triangular', gamma = 1 } = options;
    const { scaleFn, scaleMode = 'cycle', cycleMomentum = true } = options;
    const { baseMomentum = 0.8, maxMomentum = 0.9, lastEpoch } = options;
    checkCount('CyclicLR', 'stepSizeUp', stepSizeUp);
    checkCount('CyclicLR', 'stepSizeDown', stepSizeDown);
    checkChoice('CyclicLR', 'mode', mode, Object.keys(SCALES));
    const values = (what: string, value: number | readonly number[]): number[] =>
      perGroup('CyclicLR', optimizer, what, value);
    if (cycleMomentum) usesBeta1('CyclicLR', optimizer);
    super(optimizer, {
      baseLrs: values('baseLr', options.baseLr),
      maxLrs: values('maxLr', options.maxLr),
      totalSize: stepSizeUp + stepSizeDown,
      stepRatio: stepSizeUp / (stepSizeUp + stepSizeDown),
      mode,
      gamma,
      scaleFn,
      scaleMode: scaleFn ? scaleMode : SCALES[mode].scaleMode,
      cycleMomentum,
      baseMomentums: values('baseMomentum', baseMomentum),
      maxMomentums: values('maxMomentum', maxMomentum),
      lastEpoch,
    });
  }

  protected override validate({ mode, gamma, scaleFn, scaleMode }: Config): void {
    checkChoice('CyclicLR', 'mode', mode, Object.keys(SCALES));
    checkChoice('CyclicLR', 'scaleMode', scaleMode, ['cycle', 'iterations']);
    checkNumber('CyclicLR', 'gamma', gamma);
    if (scaleFn !== undefined && typeof scaleFn !== 'function') {
      throw new FakkelError(`CyclicLR: scaleFn must be a function, got ${kindOf(scaleFn)}`);
    }
  }

  protected override prepare(isNew: boolean): void {
    if (isNew) this.groups.forEach((group, i) => (group.lr = this.config.baseLrs[i]));
  }

  protected override initialLrs(): number[] {
    return [...this.config.baseLrs];
  }

  protected override savedConfig(): object {
    const { baseLrs: _, scaleFn: __, baseMomentums, maxMomentums, ...saved } = this.config;
    return saved.cycleMomentum ? { ...saved, baseMomentums, maxMomentums } : saved;
  }

  protected getLr(): number[] {
    const { maxLrs, totalSize, stepRatio, mode, gamma, scaleMode } = this.config;
    const scale = this.config.scaleFn ?? SCALES[mode].scale;
    const cycle = Math.floor(1 + this.lastEpoch / totalSize);
    const x = 1 + this.lastEpoch / totalSize - cycle;
    const height = x <= stepRatio ? x / stepRatio : (x - 1) / (stepRatio - 1);
    const factor = scale(scaleMode === 'cycle' ? cycle : this.lastEpoch, gamma);
    if (this.config.cycleMomentum) {
      const { baseMomentums, maxMomentums } = this.config;
      setMomenta(
        this.optimizer,
        maxMomentums.map((max, i) => max - (max - baseMomentums[i]) * height * factor),
      );
    }
    return this.baseLrs.map((base, i) => base + (maxLrs[i] - base) * height * factor);
  }
}
