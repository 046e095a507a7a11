/**
 * Schedulers made of others: one after another, or all at once.
 */
import { FakkelError, StateDictError } from '@fakkel/core';
import type { Optimizer } from '../optimizer.js';
import { kindOf } from '../param-groups.js';
import { checkCount } from '../validation.js';
import { checkOptimizer, LRScheduler, type Scheduler, type SchedulerStateDict } from './lr-scheduler.js';

/** Configuration of {@link SequentialLR}. */
export interface SequentialLROptions {
  /** The epochs at which the second, third, … scheduler begins: one less than there are schedulers. */
  milestones: readonly number[];
}

/** A {@link SequentialLR}'s state by PyTorch's names. */
export interface SequentialLRStateDict {
  _milestones: number[];
  last_epoch: number;
  _last_lr: number[];
  _schedulers: SchedulerStateDict[];
}

/**
 * One scheduler after another: each begins, with its epoch 0 and the initial learning rate, at its milestone.
 *
 * Make the schedulers in their order, on the optimizer, and step only this one. To resume, make all of them anew and load
 * the state dict; a `MultiplicativeLR` goes on from the rate that it finds.
 *
 * When to use: warm-up, then a decay.
 *
 * @example
 * const optimizer = new Adam(new nn.Linear(2, 1).parameters(), { lr: 1e-3 });
 * const warmUp = new LinearLR(optimizer, { startFactor: 0.1, totalIters: 5 });
 * const decay = new ExponentialLR(optimizer, { gamma: 0.95 });
 * const scheduler = new SequentialLR(optimizer, [warmUp, decay], { milestones: [5] });
 * for (let epoch = 0; epoch < 10; epoch++) {
 *   await optimizer.step();
 *   scheduler.step();
 * }
 */
export class SequentialLR implements Scheduler {
  /** The epochs done: 0 after construction. */
  lastEpoch = 0;
  private milestones: readonly number[];

  constructor(
    readonly optimizer: Optimizer,
    readonly schedulers: readonly LRScheduler[],
    options: SequentialLROptions,
  ) {
    checkOptimizer('SequentialLR', optimizer);
    checkSchedulers('SequentialLR', schedulers, optimizer, (s) => s instanceof LRScheduler);
    this.milestones = [...checkMilestones(options?.milestones, schedulers.length)];
    for (const group of optimizer.paramGroups) group.lr = group.initialLr!;
    // Takes back the steps that their constructors made: only the first has begun.
    for (const scheduler of schedulers) scheduler.lastEpoch--;
    schedulers[0]._initialStep();
  }

  /** The next epoch: call it after the optimizer's steps. */
  step(): void {
    this.lastEpoch++;
    const active = this.schedulers[this.active];
    if (this.milestones[this.active - 1] === this.lastEpoch) active._begin();
    else active.step();
  }

  /** Which scheduler it is the turn of. */
  private get active(): number {
    return this.milestones.filter((milestone) => milestone <= this.lastEpoch).length;
  }

  /** The rates that the last `step()` has set, one a group. */
  getLastLr(): number[] {
    return this.schedulers[this.active].getLastLr();
  }

  /** What a checkpoint needs, beside the optimizer's state dict. */
  stateDict(): SequentialLRStateDict {
    return {
      _milestones: [...this.milestones],
      last_epoch: this.lastEpoch,
      _last_lr: this.getLastLr(),
      _schedulers: this.schedulers.map((scheduler) => scheduler.stateDict()),
    };
  }

  /**
   * Continues where the scheduler whose `stateDict()` this is stopped. Load the optimizer's too.
   *
   * @throws StateDictError if something is missing, or the number of schedulers differs.
   */
  loadStateDict(state: SequentialLRStateDict): void {
    const { _milestones, last_epoch, _schedulers } = checkState('SequentialLR', state, this.schedulers.length);
    if (typeof last_epoch !== 'number') {
      throw new StateDictError(`SequentialLR.loadStateDict: expected last_epoch, as stateDict() gives it`);
    }
    const milestones = [...checkMilestones(_milestones, this.schedulers.length)];
    this.schedulers.forEach((scheduler, i) => scheduler.loadStateDict(_schedulers[i]));
    this.milestones = milestones;
    this.lastEpoch = last_epoch;
  }
}

/** What can be chained. */
export type Chainable = LRScheduler | SequentialLR | ChainedScheduler;

/** A {@link ChainedScheduler}'s state by PyTorch's names. */
export interface ChainedSchedulerStateDict {
  _last_lr: number[];
  _schedulers: object[];
}

/**
 * Several schedulers at once: a step is a step of each, in order, so that their factors multiply. Those that compute
 * from the present rate can be chained: Exponential, Step, MultiStep, Multiplicative, Linear, Constant, Polynomial,
 * CosineAnnealing; others set their own rate, whatever came before.
 *
 * When to use: a decay and a warm-up at the same time, or two staircases.
 *
 * @example
 * const optimizer = new SGD(new nn.Linear(2, 1).parameters(), { lr: 1 });
 * const warmUp = new ConstantLR(optimizer, { factor: 0.1, totalIters: 2 });
 * const decay = new ExponentialLR(optimizer, { gamma: 0.9 });
 * const scheduler = new ChainedScheduler([warmUp, decay]); // 0.1, 0.09, 0.81, 0.729, …
 */
export class ChainedScheduler implements Scheduler {
  readonly optimizer: Optimizer;
  private lastLr: number[];

  constructor(readonly schedulers: readonly Chainable[]) {
    const optimizer = (schedulers as readonly (Scheduler | undefined)[] | undefined)?.[0]?.optimizer;
    checkSchedulers('ChainedScheduler', schedulers, optimizer, isChainable);
    this.optimizer = optimizer!;
    this.lastLr = this.optimizer.paramGroups.map(({ lr }) => lr);
  }

  /** The next epoch: call it after the optimizer's steps. */
  step(): void {
    for (const scheduler of this.schedulers) scheduler.step();
    this.lastLr = this.optimizer.paramGroups.map(({ lr }) => lr);
  }

  /** The rates that the last `step()` has set, one a group. */
  getLastLr(): number[] {
    return [...this.lastLr];
  }

  /** What a checkpoint needs, beside the optimizer's state dict. */
  stateDict(): ChainedSchedulerStateDict {
    return { _last_lr: this.getLastLr(), _schedulers: this.schedulers.map((scheduler) => scheduler.stateDict()) };
  }

  /**
   * Continues where the scheduler whose `stateDict()` this is stopped. Load the optimizer's too.
   *
   * @throws StateDictError if something is missing, or the number of schedulers differs.
   */
  loadStateDict(state: ChainedSchedulerStateDict): void {
    const { _last_lr, _schedulers } = checkState('ChainedScheduler', state, this.schedulers.length);
    this.schedulers.forEach((scheduler, i) => scheduler.loadStateDict(_schedulers[i] as never));
    this.lastLr = [..._last_lr];
  }
}

const isChainable = (value: unknown): boolean =>
  value instanceof LRScheduler || value instanceof SequentialLR || value instanceof ChainedScheduler;

function checkSchedulers(
  name: string,
  schedulers: unknown,
  optimizer: Optimizer | undefined,
  fits: (scheduler: unknown) => boolean,
): void {
  if (!Array.isArray(schedulers) || schedulers.length === 0) {
    throw new FakkelError(
      `${name}: expected an array of schedulers, got ${Array.isArray(schedulers) ? 'an empty one' : kindOf(schedulers)}`,
    );
  }
  schedulers.forEach((scheduler: unknown, i) => {
    if (!fits(scheduler)) {
      throw new FakkelError(
        `${name}: the scheduler at index ${i} can't be part of it: got ${kindOf(scheduler)}. ` +
          `ReduceLROnPlateau is stepped by itself, with a metric; a ChainedScheduler may have a SequentialLR in it, not the other way round.`,
      );
    }
    if ((scheduler as Scheduler).optimizer !== optimizer) {
      throw new FakkelError(
        `${name}: expected all schedulers to belong to the same optimizer; the one at index ${i} belongs to another`,
      );
    }
  });
}

function checkMilestones(milestones: unknown, schedulers: number): readonly number[] {
  if (!Array.isArray(milestones) || milestones.length !== schedulers - 1) {
    const got = Array.isArray(milestones) ? milestones.length : kindOf(milestones);
    throw new FakkelError(
      `SequentialLR: ${schedulers} schedulers need ${schedulers - 1} milestones, the epochs at which the later ones ` +
        `begin, got ${got}. Write { milestones: […] }.`,
    );
  }
  milestones.forEach((milestone, i) => {
    checkCount('SequentialLR', 'a milestone', milestone);
    if (i > 0 && milestone <= milestones[i - 1]) {
      throw new FakkelError(`SequentialLR: milestones must rise, got [${milestones.join(', ')}]`);
    }
  });
  return milestones as number[];
}

function checkState<S extends { _last_lr: number[]; _schedulers: object[] }>(name: string, state: S, count: number): S {
  const { _last_lr, _schedulers } = (state ?? {}) as Partial<S>;
  if (!Array.isArray(_last_lr) || !Array.isArray(_schedulers)) {
    throw new StateDictError(
      `${name}.loadStateDict: expected _last_lr and _schedulers, as stateDict() gives them, got ${kindOf(state)}`,
    );
  }
  if (_schedulers.length !== count) {
    throw new StateDictError(
      `${name}.loadStateDict: there are ${count} schedulers, the state dict has ${_schedulers.length}`,
    );
  }
  return state;
}
