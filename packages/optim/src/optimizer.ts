/**
 * The base of all optimizers: parameter groups, state, steps.
 */
import {
  type Cell,
  commit,
  type Device,
  enableGrad,
  FakkelError,
  type Parameter,
  scalarInput,
  type Tensor,
} from '@fakkel/core';
import { hidden } from './hidden.js';
import { loadStateDict } from './load-state-dict.js';
import {
  checkOptions,
  completeGroup,
  definedOnly,
  groupsOf,
  type OptimizerOptions,
  type ParamGroup,
  type ParamGroupInput,
  type Params,
  snakeCase,
} from './param-groups.js';
import { type Before, ParameterState } from './parameter-state.js';
import type { OptimizerStateDict } from './state-dict.js';

/** What an optimizer is given to update one parameter. */
export interface UpdateContext<O extends OptimizerOptions> {
  readonly parameter: Parameter;
  readonly gradient: Tensor;
  readonly group: Readonly<ParamGroup<O>>;
  /** A tensor of the parameter's state; zeros until an update has written it. */
  readonly tensor: (name: string) => Tensor;
  /** Whether an update has written that tensor. */
  readonly has: (name: string) => boolean;
  /** A number of the parameter's state, as the last update left it. */
  readonly number: (name: string) => number | undefined;
  /**
   * A number as an input of the program, in the parameter's dtype: another value next time compiles nothing. `name` and
   * value say which numbers of a group are one input.
   */
  readonly input: (name: string, value: number) => Tensor;
}

/** What an update gives: the parameter's new value, and that of its state by PyTorch's names; undefined leaves it alone. */
export interface Updated {
  readonly parameter: Tensor;
  readonly state?: Readonly<Record<string, Tensor | number | undefined>>;
}

/** What a state dict may hold for a parameter, by PyTorch's names. */
export type StateKinds = Readonly<Record<string, 'tensor' | 'number'>>;

/**
 * The base of all optimizers, as `torch.optim.Optimizer`. A subclass says what it keeps of a parameter and how one is
 * updated; groups, state dicts and runs are handled here.
 *
 * @example
 * class SignSGD extends Optimizer<{ lr: number }> {
 *   constructor(params: Params<{ lr: number }>, options: { lr: number }) {
 *     super(params, options);
 *   }
 *   protected get stateKinds() { return {}; }
 *   protected update({ parameter, gradient, group, input }: UpdateContext<{ lr: number }>) {
 *     return { parameter: parameter.sub(gradient.sign().mul(input('lr', group.lr))) };
 *   }
 * }
 */
export abstract class Optimizer<O extends OptimizerOptions = OptimizerOptions> {
  /**
   * The groups with their options. Options may change between steps: `optimizer.paramGroups[0].lr = 0.01`. They are
   * inputs of the program, so nothing is compiled anew.
   */
  readonly paramGroups: ParamGroup<O>[] = [];
  private readonly states = new Map<Parameter, ParameterState>();
  private disposed = false;
  /** @internal Steps since a scheduler was attached. */
  _steps = 0;

  /**
   * @param params parameters, or groups of them: `[{ params: net.head.parameters(), lr: 0.1 }, …]`.
   * @param defaults every option with its default; undefined for one that must be given.
   */
  constructor(
    params: Params<O>,
    readonly defaults: O,
  ) {
    for (const group of groupsOf<O>(this.name, params)) this.addParamGroup(group);
  }

  /** @internal How errors call it. */
  get name(): string {
    return this.constructor.name;
  }

  /** What the optimizer may keep of a parameter. */
  protected abstract get stateKinds(): StateKinds;

  /** The tensors that exist from the beginning: all of them, unless the options say that they won't be used. */
  protected tensorsOf(_group: ParamGroup<O>): readonly string[] {
    return Object.entries(this.stateKinds).flatMap(([name, kind]) => (kind === 'tensor' ? [name] : []));
  }

  /** State that is there before the first update, where that is not nothing. Zeros need not be said. */
  protected initialState(_parameter: Parameter, _group: ParamGroup<O>): Readonly<Record<string, Tensor | number>> {
    return {};
  }

  /** Throws for options that make no sense. */
  protected validate(_group: ParamGroup<O>): void {}

  /** Records the update of one parameter. Numbers that may change come from `input`. */
  protected abstract update(context: UpdateContext<O>): Updated;

  /** A tensor of a parameter's state; zeros until an update has written it. */
  protected stateTensor(parameter: Parameter, name: string): Tensor {
    return this.states.get(parameter)!.cell(name);
  }

  /** Calls a step's closure: for optimizers that take the gradient elsewhere. */
  protected evaluate(closure: () => Tensor): Tensor {
    return enableGrad(closure);
  }

  /**
   * Adds a group: layers that are trained from now on, such as those of a backbone that was frozen.
   *
   * @throws TypeError, FakkelError for what is no parameter, is there already, or lacks a required option.
   * @example
   * const [backbone, head] = [new nn.Linear(8, 4), new nn.Linear(4, 1)];
   * const optimizer = new SGD(head.parameters(), { lr: 0.01 });
   * optimizer.addParamGroup({ params: backbone.parameters(), lr: 1e-4 });
   */
  addParamGroup(group: ParamGroupInput<O>): void {
    const complete = completeGroup(this.name, group, this.defaults, new Set(this.states.keys()));
    this.validate(complete);
    for (const parameter of complete.params) {
      const state = new ParameterState(parameter);
      this.states.set(parameter, state);
      state.load(this.initialState(parameter, complete));
      for (const name of this.tensorsOf(complete)) state.cell(name);
    }
    this.paramGroups.push(complete);
  }

  /** Sets all gradients to null, as PyTorch 2. */
  zeroGrad(): void {
    for (const { params } of this.paramGroups) for (const parameter of params) parameter.zeroGrad();
  }

  /**
   * Updates every parameter that has a gradient; the others keep value and state. The updates are recorded at once, so
   * what is recorded after the call sees the new values; one run computes them together with the forward and backward
   * pass. Wait for the promise: it rejects if the run fails, and then no parameter and no state has changed.
   *
   * @throws AutogradError for a gradient that an earlier step has used: call {@link Optimizer.zeroGrad} before `backward()`.
   */
  step(): Promise<void>;
  /**
   * @param closure computes the loss and calls `backward()`, before the update; the promise resolves to what it returns.
   */
  step(closure: () => Tensor): Promise<Tensor>;
  async step(closure?: () => Tensor): Promise<Tensor | void> {
    if (this.disposed)
      throw new FakkelError(`${this.name}: step() after dispose(): the state is gone. Make another optimizer.`);
    const loss = closure && this.evaluate(closure);
    const work = this.gradients();
    const commits = hidden(() => this.assign(work));
    for (const { parameter } of work) parameter._spendGradient();
    this._steps++;
    await Promise.all(commits.map((entry) => this.commit(entry)));
    return loss;
  }

  /**
   * Records new values of the parameters' state between steps, and runs them: what an optimizer finds out beside its
   * updates. If the run fails nothing has changed.
   */
  protected async moveState(next: (context: Omit<UpdateContext<O>, 'gradient'>) => Updated['state']): Promise<void> {
    const commits = hidden(() => {
      const input = this.sharedInputs();
      const pending = new Map<Device, Pending>();
      this.paramGroups.forEach((group, index) => {
        for (const parameter of group.params) {
          const state = this.states.get(parameter)!;
          moveOn(pending, parameter, state, next(contextOf(group, index, parameter, state, input)));
        }
      });
      return [...pending.values()];
    });
    await Promise.all(commits.map((entry) => this.commit(entry)));
  }

  private gradients(): Work<O>[] {
    return this.paramGroups.flatMap((group, index) =>
      group.params.flatMap((parameter) => {
        const gradient = parameter._takeGradient();
        return gradient ? [{ group, index, parameter, gradient, state: this.states.get(parameter)! }] : [];
      }),
    );
  }

  /** Records all updates, then assigns them: an error in one leaves every cell as it was. */
  private assign(work: readonly Work<O>[]): Pending[] {
    const input = this.sharedInputs();
    const updates = work.map(({ group, index, parameter, gradient, state }) =>
      this.update({ ...contextOf(group, index, parameter, state, input), gradient }),
    );
    const pending = new Map<Device, Pending>();
    work.forEach(({ parameter, state }, i) => {
      parameter.assign(updates[i].parameter);
      moveOn(pending, parameter, state, updates[i].state);
    });
    return [...pending.values()];
  }

  /** Equal numbers of a group are one input. */
  private sharedInputs(): Inputs {
    const inputs = new Map<string, Tensor>();
    const devices = new Map<Device, number>();
    return (group, beside, name, value) => {
      if (typeof value !== 'number' || Number.isNaN(value)) {
        throw new FakkelError(
          `${this.name}: ${name} of parameter group ${group} must be a number, got ${String(value)}`,
        );
      }
      const { device, dtype } = beside;
      const number = devices.get(device) ?? devices.size;
      devices.set(device, number);
      const key = `${group} ${name} ${dtype} ${number} ${value}`;
      const known = inputs.get(key);
      if (known) return known;
      const made = scalarInput(value, dtype, device);
      inputs.set(key, made);
      return made;
    };
  }

  private async commit({ device, cells, undo }: Pending): Promise<void> {
    try {
      await commit(cells, device);
    } catch (error) {
      for (const { state, before } of undo) state.undo(before);
      throw error;
    }
  }

  /**
   * The optimizer's state in PyTorch's layout and names: what a checkpoint needs beside the model's. Tensors are
   * snapshots: they keep their value when training goes on.
   *
   * @example
   * const optimizer = new Adam(new nn.Linear(4, 1).parameters());
   * optimizer.stateDict().param_groups[0]; // { lr: 0.001, betas: [0.9, 0.999], …, params: [0, 1] }
   */
  stateDict(): OptimizerStateDict {
    const state: OptimizerStateDict['state'] = {};
    let index = 0;
    const param_groups = this.paramGroups.map(({ params, ...options }) => {
      const packed = Object.entries(options).map(([key, value]): [string, unknown] => [
        snakeCase(key),
        Array.isArray(value) ? [...(value as unknown[])] : value,
      ]);
      const numbers = params.map((parameter) => {
        const entries = this.states.get(parameter)!.entries();
        if (entries) state[index] = entries;
        return index++;
      });
      return { ...Object.fromEntries(packed), params: numbers };
    });
    return { state, param_groups };
  }

  /**
   * Continues where the optimizer whose `stateDict()` this is stopped: options and state. Nothing is loaded unless
   * everything fits.
   *
   * @throws StateDictError naming the groups, sizes and entries that do not fit.
   */
  loadStateDict(stateDict: OptimizerStateDict): void {
    loadStateDict(
      {
        name: this.name,
        kinds: this.stateKinds,
        groups: this.paramGroups,
        stateOf: (parameter) => this.states.get(parameter)!,
        initialState: (parameter, group) => this.initialState(parameter, group),
        validate: (group) => this.validate(group),
      },
      stateDict,
    );
    for (const group of this.paramGroups) {
      for (const parameter of group.params)
        for (const name of this.tensorsOf(group)) this.states.get(parameter)!.cell(name);
    }
  }

  /** Frees the memory of the optimizer's state now. */
  dispose(): void {
    for (const state of this.states.values()) state.dispose();
    this.disposed = true;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** As PyTorch prints it: the options of every group. */
  toString(): string {
    const groups = this.paramGroups.map((group, i) => {
      const rows = Object.entries(group)
        .filter(([key]) => key !== 'params')
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([key, value]) => `    ${key}: ${Array.isArray(value) ? `[${value.join(', ')}]` : String(value)}\n`);
      return `Parameter Group ${i}\n${rows.join('')}`;
    });
    return `${this.name} (\n${groups.join('\n')})`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

interface Work<O extends OptimizerOptions> {
  readonly group: ParamGroup<O>;
  readonly index: number;
  readonly parameter: Parameter;
  readonly gradient: Tensor;
  readonly state: ParameterState;
}

/** A number as an input: of which group, beside which tensor, its name and value. */
type Inputs = (group: number, beside: Tensor, name: string, value: number) => Tensor;

function contextOf<O extends OptimizerOptions>(
  group: ParamGroup<O>,
  index: number,
  parameter: Parameter,
  state: ParameterState,
  input: Inputs,
): Omit<UpdateContext<O>, 'gradient'> {
  return {
    parameter,
    group,
    tensor: (name) => state.cell(name),
    has: (name) => state.has(name),
    number: (name) => state.number(name),
    input: (name, value) => input(index, parameter, name, value),
  };
}

/** Moves the state of one parameter on, and enters it among what its device has to do. */
function moveOn(
  pending: Map<Device, Pending>,
  parameter: Parameter,
  state: ParameterState,
  values: Updated['state'],
): void {
  const { device } = parameter;
  const entry = pending.get(device) ?? { device, cells: [], undo: [] };
  pending.set(device, entry);
  const { cells, before } = state.move(values ?? {});
  entry.cells.push(parameter, ...cells);
  entry.undo.push({ state, before });
}

/** What a step has assigned on one device, and how to take it back. */
interface Pending {
  readonly device: Device;
  readonly cells: Cell[];
  readonly undo: { readonly state: ParameterState; readonly before: Before }[];
}

/** The options given, on top of the defaults. */
export function withDefaults<O extends OptimizerOptions>(name: string, options: Partial<O>, defaults: O): O {
  checkOptions(name, options, Object.keys(defaults));
  return { ...defaults, ...definedOnly(options) };
}
