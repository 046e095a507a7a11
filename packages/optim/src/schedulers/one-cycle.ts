import { FakkelError } from '@fakkel/core';
import type { Optimizer } from '../optimizer.js';
import { checkOptions, camelCase } from '../param-groups.js';
import { checkCount, checkNumber } from '../validation.js';
import { checkChoice, LRScheduler, perGroup, type SchedulerOptions } from './lr-scheduler.js';
import { setMomenta, usesBeta1 } from './momentum.js';

/** Configuration of {@link OneCycleLR}. Numbers with "a group" may be arrays, one entry a group. */
export interface OneCycleLROptions {
  /** The highest rate, a group. */
  maxLr: number | readonly number[];
  /** Steps of the whole run; or give `epochs` and `stepsPerEpoch`, whose product it is. */
  totalSteps?: number;
  epochs?: number;
  stepsPerEpoch?: number;
  /** What part of the run the rate rises: from 0 to 1. Default 0.3. */
  pctStart?: number;
  /** Along half a cosine (`'cos'`, the default) or a line. */
  annealStrategy?: 'cos' | 'linear';
  /** Whether momentum (or the first beta) moves against the rate. Default true. */
  cycleMomentum?: boolean;
  /** The momentum at the highest rate, a group. Default 0.85. */
  baseMomentum?: number | readonly number[];
  /** The momentum at the beginning and at the end, a group. Default 0.95. */
  maxMomentum?: number | readonly number[];
  /** The first rate is maxLr / divFactor. Default 25. */
  divFactor?: number;
  /** The last rate is the first / finalDivFactor. Default 10⁴. */
  finalDivFactor?: number;
  /** Down to the first rate as steeply as up, then to the last; in place of all the way down at once. Default false. */
  threePhase?: boolean;
}

const OPTIONS = [
  'maxLr',
  'totalSteps',
  'epochs',
  'stepsPerEpoch',
  'pctStart',
  'annealStrategy',
  'cycleMomentum',
  'baseMomentum',
  'maxMomentum',
  'divFactor',
  'finalDivFactor',
  'threePhase',
  'lastEpoch',
];

/** From one of a group's values to another, until a step: as PyTorch's state dict keeps it. */
interface Phase {
  end_step: number;
  start_lr: string;
  end_lr: string;
  start_momentum: string;
  end_momentum: string;
}

interface Config {
  maxLrs: number[];
  totalSteps: number;
  schedulePhases: Phase[];
  annealStrategy: string;
  cycleMomentum: boolean;
  useBeta1: boolean;
  baseMomentums: number[];
  maxMomentums: number[];
  divFactor: number;
  finalDivFactor: number;
}

const STATE_NAMES: Readonly<Record<string, string>> = {
  schedulePhases: '_schedule_phases',
  annealStrategy: '_anneal_func_type',
};

/** A phase of rising rate and falling momentum, or the reverse. */
const phase = (end_step: number, lr: readonly [string, string], momentum: readonly [string, string]): Phase => ({
  end_step,
  start_lr: lr[0],
  end_lr: lr[1],
  start_momentum: momentum[0],
  end_momentum: momentum[1],
});

function phasesOf(totalSteps: number, pctStart: number, threePhase: boolean): Phase[] {
  const [low, high] = ['base_momentum', 'max_momentum'];
  const up = phase(pctStart * totalSteps - 1, ['initial_lr', 'max_lr'], [high, low]);
  if (!threePhase) return [up, phase(totalSteps - 1, ['max_lr', 'min_lr'], [low, high])];
  return [
    up,
    phase(2 * pctStart * totalSteps - 2, ['max_lr', 'initial_lr'], [low, high]),
    phase(totalSteps - 1, ['initial_lr', 'min_lr'], [high, high]),
  ];
}

const ANNEAL: Readonly<Record<string, (start: number, end: number, share: number) => number>> = {
  cos: (start, end, share) => end + ((start - end) / 2) * (Math.cos(Math.PI * share) + 1),
  linear: (start, end, share) => (end - start) * share + start,
};

/**
 * One rise of the learning rate from maxLr / divFactor to maxLr and one fall to almost nothing over the whole run, and
 * momentum the other way. Call `step()` after every batch; nothing is compiled anew.
 *
 * It sets the rate, so it doesn't chain with other schedulers. What it goes between is kept in the groups (`maxLr`,
 * `minLr`, `initialLr`, and momenta), and so in the optimizer's state dict, as in PyTorch.
 *
 * When to use: to train in few epochs with a large rate: rates that high are a regularization by themselves, so take less
 * of others. Source: Smith, Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large Learning
 * Rates", 2017, https://arxiv.org/abs/1708.07120; that paper's form is `threePhase: true`, the default is fastai's.
 *
 * @example
 * const optimizer = new SGD(new nn.Linear(2, 1).parameters(), { lr: 0.1, momentum: 0.9 });
 * const scheduler = new OneCycleLR(optimizer, { maxLr: 0.1, epochs: 2, stepsPerEpoch: 5 });
 * for (let batch = 0; batch < 10; batch++) {
 *   await optimizer.step();
 *   scheduler.step();
 * }
 */
export class OneCycleLR extends LRScheduler<Config> {
  constructor(optimizer: Optimizer, options: OneCycleLROptions & SchedulerOptions) {
    checkOptions('OneCycleLR', options, OPTIONS);
    const { pctStart = 0.3, annealStrategy = 'cos', threePhase = false, cycleMomentum = true } = options;
    const { baseMomentum = 0.85, maxMomentum = 0.95, divFactor = 25, finalDivFactor = 1e4, lastEpoch } = options;
    const totalSteps = totalOf(options);
    if (!(pctStart >= 0 && pctStart <= 1)) {
      throw new FakkelError(`OneCycleLR: pctStart must be a number from 0 to 1, got ${String(pctStart)}.`);
    }
    const values = (what: string, value: number | readonly number[]): number[] =>
      perGroup('OneCycleLR', optimizer, what, value);
    super(optimizer, {
      maxLrs: values('maxLr', options.maxLr),
      totalSteps,
      schedulePhases: phasesOf(totalSteps, pctStart, threePhase),
      annealStrategy,
      cycleMomentum,
      useBeta1: cycleMomentum && usesBeta1('OneCycleLR', optimizer),
      baseMomentums: values('baseMomentum', baseMomentum),
      maxMomentums: values('maxMomentum', maxMomentum),
      divFactor,
      finalDivFactor,
      lastEpoch,
    });
  }

  protected override validate({ totalSteps, annealStrategy, divFactor, finalDivFactor }: Config): void {
    checkCount('OneCycleLR', 'totalSteps', totalSteps);
    checkChoice('OneCycleLR', 'annealStrategy', annealStrategy, Object.keys(ANNEAL));
    checkNumber('OneCycleLR', 'divFactor', divFactor);
    checkNumber('OneCycleLR', 'finalDivFactor', finalDivFactor);
  }

  protected override prepare(isNew: boolean): void {
    if (!isNew) return;
    const { maxLrs, divFactor, finalDivFactor, cycleMomentum, maxMomentums, baseMomentums } = this.config;
    this.groups.forEach((group, i) => {
      const initialLr = maxLrs[i] / divFactor;
      Object.assign(group, { initialLr, maxLr: maxLrs[i], minLr: initialLr / finalDivFactor });
      if (cycleMomentum) Object.assign(group, { maxMomentum: maxMomentums[i], baseMomentum: baseMomentums[i] });
    });
  }

  protected override stateName(key: string): string {
    return STATE_NAMES[key] ?? super.stateName(key);
  }

  protected override savedConfig(): object {
    const { totalSteps, schedulePhases, annealStrategy, cycleMomentum, useBeta1 } = this.config;
    return { totalSteps, schedulePhases, annealStrategy, cycleMomentum, ...(cycleMomentum ? { useBeta1 } : {}) };
  }

  /**
   * The next step: call it after the optimizer's.
   *
   * @throws FakkelError after more than `totalSteps`.
   */
  override step(): void {
    const { totalSteps } = this.config;
    if (this.lastEpoch >= totalSteps) {
      throw new FakkelError(
        `OneCycleLR: tried to step ${this.lastEpoch + 2} times; the specified number of total steps is ${totalSteps}. ` +
          `Give it the batches of the whole run: { epochs, stepsPerEpoch }.`,
      );
    }
    super.step();
  }

  protected getLr(): number[] {
    const { schedulePhases: phases, annealStrategy, cycleMomentum } = this.config;
    const step = this.lastEpoch;
    const found = phases.findIndex((p) => step <= p.end_step);
    const at = found < 0 ? phases.length - 1 : found;
    const [start, { end_step, ...present }] = [at === 0 ? 0 : phases[at - 1].end_step, phases[at]];
    // A phase may have no length: a run of one step.
    const share = end_step === start ? 1 : (step - start) / (end_step - start);
    const between = (from: string, to: string): number[] =>
      this.groups.map((group) => ANNEAL[annealStrategy](valueOf(group, from), valueOf(group, to), share));
    if (cycleMomentum) setMomenta(this.optimizer, between(present.start_momentum, present.end_momentum));
    return between(present.start_lr, present.end_lr);
  }
}

/** A group's value by PyTorch's name. */
const valueOf = (group: object, name: string): number => (group as Record<string, number>)[camelCase(name)];

function totalOf({ totalSteps, epochs, stepsPerEpoch }: OneCycleLROptions): number {
  if (totalSteps === undefined && epochs === undefined && stepsPerEpoch === undefined) {
    throw new FakkelError(`OneCycleLR: you must define either totalSteps, or epochs and stepsPerEpoch.`);
  }
  if (totalSteps !== undefined) return totalSteps;
  checkCount('OneCycleLR', 'epochs', epochs);
  checkCount('OneCycleLR', 'stepsPerEpoch', stepsPerEpoch);
  return epochs! * stepsPerEpoch!;
}
