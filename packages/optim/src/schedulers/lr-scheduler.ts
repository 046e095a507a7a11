/**
 * The base of all learning-rate schedulers.
 */
import { FakkelError, StateDictError } from '@fakkel/core';
import { Optimizer } from '../optimizer.js';
import { kindOf, type ParamGroup, snakeCase } from '../param-groups.js';
import { checkNumber } from '../validation.js';

/** What sets learning rates: all schedulers, also those that are made of others. */
export interface Scheduler {
  readonly optimizer: Optimizer;
  /** The rates that were set last, one a group. */
  getLastLr(): number[];
  /** Plain numbers, by PyTorch's names. */
  stateDict(): object;
}

/** What every scheduler may be given. */
export interface SchedulerOptions {
  /** The last epoch that is done, to begin in the middle: every group then needs its `initialLr`. Default −1: a new run. */
  lastEpoch?: number;
}

/** A scheduler's state by PyTorch's names: plain numbers, so `JSON.stringify` writes it. */
export interface SchedulerStateDict {
  last_epoch: number;
  base_lrs: number[];
  _step_count: number;
  _last_lr: number[];
  [config: string]: unknown;
}

/** Throws unless `optimizer` is one. */
export function checkOptimizer(name: string, optimizer: unknown): asserts optimizer is Optimizer {
  if (!(optimizer instanceof Optimizer)) {
    throw new TypeError(`${name}: expected an optimizer, got ${kindOf(optimizer)}`);
  }
}

/** An option that is one number, or one a group: as a number a group. */
export function perGroup(name: string, optimizer: unknown, what: string, value: number | readonly number[]): number[] {
  checkOptimizer(name, optimizer);
  const { length } = optimizer.paramGroups;
  const values = Array.isArray(value) ? [...(value as number[])] : Array<number>(length).fill(value as number);
  if (values.length !== length) {
    throw new FakkelError(`${name}: expected ${length} values for ${what}, one a group, got ${values.length}`);
  }
  for (const one of values) checkNumber(name, what, one);
  return values;
}

/** Throws unless `value` is one of the strings that an option may be. */
export function checkChoice(name: string, what: string, value: unknown, choices: readonly string[]): void {
  if (!choices.includes(value as string)) {
    throw new FakkelError(`${name}: ${what} must be one of '${choices.join("', '")}', got ${String(value)}.`);
  }
}

/**
 * The base of all learning-rate schedulers, as `torch.optim.lr_scheduler.LRScheduler`: sets the learning rate of every
 * group when it is made, and again at every `step()`, which is called once an epoch, after the optimizer's steps. A
 * learning rate is an input of the program, so nothing is compiled anew.
 *
 * A subclass gives its configuration to the constructor and computes the rates from `this.config`; by PyTorch's
 * chainable form (from the group's present rate) other changes to the rate are kept.
 *
 * @example
 * // λ₀ · log 2 / log(epoch + 2)
 * class LogarithmicLR extends LRScheduler {
 *   protected getLr() {
 *     return this.baseLrs.map((lr) => (lr * Math.log(2)) / Math.log(this.lastEpoch + 2));
 *   }
 * }
 * const scheduler = new LogarithmicLR(new SGD(new nn.Linear(2, 1).parameters(), { lr: 0.1 }), {});
 */
export abstract class LRScheduler<C extends object = object> implements Scheduler {
  /** The epochs done: 0 after construction. */
  lastEpoch: number;
  /** The rates that the groups began with. */
  baseLrs: number[];
  /** What the subclass was configured with. */
  protected config: C;
  /** How often the rates were set, by the constructor and by `step()`. */
  protected stepCount = 0;
  private lastLr: number[] = [];
  readonly optimizer: Optimizer;

  constructor(optimizer: unknown, { lastEpoch = -1, ...config }: C & SchedulerOptions) {
    checkOptimizer(this.constructor.name, optimizer);
    this.optimizer = optimizer;
    this.config = config as unknown as C;
    this.validate(this.config);
    this.prepare(lastEpoch === -1);
    this.groups.forEach((group, i) => {
      if (lastEpoch === -1) group.initialLr ??= group.lr;
      else if (group.initialLr === undefined) {
        throw new FakkelError(
          `${this.constructor.name}: param 'initialLr' is not specified in paramGroups[${i}] when resuming an optimizer. ` +
            `Load the optimizer's state dict first, or leave lastEpoch out.`,
        );
      }
    });
    this.baseLrs = this.initialLrs();
    this.lastEpoch = lastEpoch;
    this._initialStep();
  }

  protected get groups(): ParamGroup[] {
    return this.optimizer.paramGroups;
  }

  /** Whether the present `step()` is the one that the constructor makes. */
  protected get isInitial(): boolean {
    return this.stepCount === 1;
  }

  /** Throws for a configuration that makes no sense. */
  protected validate(_config: C): void {}

  /** What a scheduler sets in the groups before its first step; `isNew` unless it begins in the middle. */
  protected prepare(_isNew: boolean): void {}

  /** The rates that the schedule is computed from. */
  protected initialLrs(): number[] {
    return this.groups.map((group) => group.initialLr!);
  }

  /** The rate of every group at `this.lastEpoch`. */
  protected abstract getLr(): number[];

  /** The next epoch: call it after the optimizer's steps. */
  step(): void {
    this.advance(this.lastEpoch + 1);
  }

  /** @internal The step that the constructor makes: the rates of the first epoch. */
  _initialStep(): void {
    this.optimizer._steps = 0;
    this.stepCount = 0;
    this.step();
  }

  /** @internal Begins at epoch 0 from the initial rates: where a {@link SequentialLR} comes to this scheduler. */
  _begin(): void {
    this.groups.forEach((group, i) => (group.lr = this.baseLrs[i]));
    this.advance(0);
  }

  /** Sets the rates of an epoch. */
  protected advance(epoch: number): void {
    if (this.stepCount === 1 && this.optimizer._steps < 1) {
      // PyTorch's warning: the mistake is silent otherwise, and an error would forbid an epoch without batches.
      // eslint-disable-next-line no-console
      console.warn(
        `${this.constructor.name}: step() of the scheduler was called before optimizer.step(), so the first value of the ` +
          `schedule is skipped. Call optimizer.step() for the batches of an epoch first, then scheduler.step().`,
      );
    }
    this.stepCount++;
    this.lastEpoch = epoch;
    const rates = this.getLr();
    this.groups.forEach((group, i) => (group.lr = rates[i] ?? group.lr));
    this.lastLr = this.groups.map((group) => group.lr);
  }

  /** The rates that the last `step()` has set, one a group. */
  getLastLr(): number[] {
    return [...this.lastLr];
  }

  /** What a checkpoint needs, beside the optimizer's state dict, which has the rates themselves. */
  stateDict(): SchedulerStateDict {
    const config = Object.entries(this.savedConfig() as Record<string, unknown>).map(([key, value]) => [
      this.stateName(key),
      structuredClone(value),
    ]);
    return {
      ...(Object.fromEntries(config) as object),
      base_lrs: [...this.baseLrs],
      last_epoch: this.lastEpoch,
      _step_count: this.stepCount,
      _last_lr: [...this.lastLr],
    };
  }

  /** How PyTorch's state dict calls an entry of the configuration. */
  protected stateName(key: string): string {
    return snakeCase(key);
  }

  /** The part of the configuration that is saved: not functions. */
  protected savedConfig(): object {
    return this.config;
  }

  /**
   * Continues where the scheduler whose `stateDict()` this is stopped. As in PyTorch the rates come with the
   * optimizer's state dict: load both, in any order, after making both.
   *
   * @throws StateDictError if something is missing or the number of groups differs.
   */
  loadStateDict(state: SchedulerStateDict): void {
    const name = this.constructor.name;
    const { base_lrs, last_epoch, _step_count, _last_lr, ...rest } = (state ?? {}) as Partial<SchedulerStateDict>;
    if (!Array.isArray(base_lrs) || typeof last_epoch !== 'number' || !Array.isArray(_last_lr)) {
      throw new StateDictError(
        `${name}.loadStateDict: expected base_lrs, last_epoch and _last_lr, as stateDict() gives them, got ${kindOf(state)}`,
      );
    }
    if (base_lrs.length !== this.groups.length) {
      throw new StateDictError(
        `${name}.loadStateDict: the optimizer has ${this.groups.length} parameter groups, the state dict ${base_lrs.length}`,
      );
    }
    const config = { ...this.config } as Record<string, unknown>;
    for (const key of Object.keys(this.savedConfig())) {
      const saved = this.stateName(key);
      if (saved in rest) config[key] = structuredClone(rest[saved]);
    }
    this.validate(config as C);
    this.config = config as C;
    this.baseLrs = [...base_lrs];
    this.lastEpoch = last_epoch;
    this.stepCount = _step_count ?? last_epoch + 1;
    this.lastLr = [..._last_lr];
    // The optimizer's steps before the state was saved are not counted here: an epoch that had ended then is no mistake.
    this.optimizer._steps = Math.max(this.optimizer._steps, 1);
  }
}
