/**
 * Module: a callable object with parameters, buffers and children.
 */
import { FakkelError } from '../errors.js';
import { modes } from '../graph/modes.js';
import { describe, record } from '../graph/record.js';
import { isTensor, type HookHandle, type Tensor } from '../graph/tensor.js';
import { anonymousOp } from '../ops/def.js';
import { markVisible } from '../runtime/api.js';
import { Buffer, type Cell, Parameter } from '../runtime/cell.js';
import { Device } from '../runtime/device.js';
import { loadStateDict, stateDictOf, type LoadReport, type StateDict } from './state-dict.js';

/** Called before `forward`; what it returns, if anything, replaces the arguments. */
export type ForwardPreHook = (module: Module, inputs: unknown[]) => unknown[] | void;
/** Called after `forward`; what it returns, if anything, replaces the output. */
export type ForwardHook = (module: Module, inputs: unknown[], output: unknown) => unknown;
/**
 * Called once the gradients of a module's outputs and tensor inputs are there, with null where none flows; may return
 * other gradients for the inputs. Outputs are a tensor, or the tensors in an array or a plain object, in its order.
 */
export type BackwardHook = (
  module: Module,
  gradInputs: (Tensor | null)[],
  gradOutputs: (Tensor | null)[],
) => (Tensor | null)[] | void;

interface Hooks {
  readonly pre: Set<ForwardPreHook>;
  readonly forward: Set<ForwardHook>;
  readonly backward: Set<BackwardHook>;
}

const HOOKS = new WeakMap<Module, Hooks>();
/** @internal Pre-hooks that are part of what a module computes: clones have them too. */
export const inherentHooks = new WeakSet<ForwardPreHook>();
const TRAINING = new WeakMap<Module, boolean>();

/** A module is called as a function with the arguments of its `forward`, and returns what that returns. */
export interface Module {
  /** Runs the hooks and {@link Module.forward}. */
  (...args: Parameters<this['forward']>): ReturnType<this['forward']>;
}

/**
 * The base of all layers and networks. Assign layers, `Parameter`s and `Buffer`s to fields and write `forward`; then
 * call the module as a function.
 *
 * @example
 * class Net extends nn.Module {
 *   conv1 = new nn.Conv2d(1, 6, 5);
 *   fc = new nn.Linear(864, 10);
 *   forward(x: Tensor) {
 *     x = this.conv1(x).relu().maxPool2d(2);
 *     return this.fc(x.flatten(1));
 *   }
 * }
 * const net = new Net();
 * const logits = net(randn([8, 1, 28, 28]));
 */
export class Module {
  /**
   * What a class's own fields are called in state dicts and in the printed tree, where that is not the field's name:
   * `static override stateNames = { runningMean: 'running_mean' }`. Names are PyTorch's there, so that its files load.
   * A subclass adds to those of its base.
   */
  static stateNames: Readonly<Record<string, string>> = {};

  constructor() {
    // A closure with its prototype set: callable without new Function, which content security policies forbid.
    const self = (...args: unknown[]): unknown => call(self as unknown as Module, args);
    Object.setPrototypeOf(self, new.target.prototype as object);
    // Functions have a name and a length of their own; layers may want to use these names.
    delete (self as { name?: unknown }).name;
    delete (self as { length?: unknown }).length;
    return self as unknown as this;
  }

  /** What the module computes. Synchronous; override it. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- subclasses say what they take and return
  forward(..._args: any[]): any {
    throw new FakkelError(`${this.constructor.name}: write forward(…), it says what the module computes`);
  }

  /** Whether the module is in training mode: dropout drops and batch norm uses the batch's statistics. */
  get training(): boolean {
    return TRAINING.get(this) ?? true;
  }

  /** What the printed tree says of this module itself: `Conv2d(1, 6, …)`. Override it in layers. */
  extraRepr(): string {
    return '';
  }

  // --- the tree ---

  /** @internal Own entries, modules and cells among them, in definition order and under their names in state dicts. */
  _entries(): [string, unknown][] {
    const names = stateNamesOf(this.constructor as typeof Module);
    return Object.entries(this).map(([name, value]) => [names.get(name) ?? name, value]);
  }

  /** The direct children by name, in definition order. */
  namedChildren(): [string, Module][] {
    return this._entries().filter((entry): entry is [string, Module] => entry[1] instanceof Module);
  }

  /** The direct children. */
  children(): Module[] {
    return this.namedChildren().map(([, child]) => child);
  }

  /** This module and all below it, each once, by dotted name; its own is ''. */
  namedModules(prefix = '', seen = new Set<Module>()): [string, Module][] {
    if (seen.has(this)) return [];
    seen.add(this);
    const below = this.namedChildren().flatMap(([name, child]) => child.namedModules(join(prefix, name), seen));
    return [[prefix, this as Module], ...below];
  }

  /** This module and all below it, each once. */
  modules(): Module[] {
    return this.namedModules().map(([, module]) => module);
  }

  /** @internal Cells in PyTorch's order: own parameters, own buffers, then those of the children. */
  _namedCells(prefix = ''): [string, Parameter | Buffer][] {
    const found: [string, Parameter | Buffer][] = [];
    for (const [path, module] of this.namedModules(prefix)) {
      const own = module._entries();
      for (const [name, value] of own) if (value instanceof Parameter) found.push([join(path, name), value]);
      for (const [name, value] of own) if (value instanceof Buffer) found.push([join(path, name), value]);
    }
    for (const [name, cell] of found) if (cell.label === cell.role) cell.label = name;
    return found;
  }

  /** Parameters by dotted name; one that is shared comes once, under its first name. */
  namedParameters(prefix = ''): [string, Parameter][] {
    const seen = new Set<Cell>();
    return this._namedCells(prefix).filter((entry): entry is [string, Parameter] => {
      if (!(entry[1] instanceof Parameter) || seen.has(entry[1])) return false;
      seen.add(entry[1]);
      return true;
    });
  }

  /** What an optimizer trains: `new SGD(net.parameters(), { lr: 0.01 })`. */
  parameters(): Parameter[] {
    return this.namedParameters().map(([, parameter]) => parameter);
  }

  /** Buffers by dotted name: running statistics. */
  namedBuffers(prefix = ''): [string, Buffer][] {
    return this._namedCells(prefix).filter((entry): entry is [string, Buffer] => entry[1] instanceof Buffer);
  }

  buffers(): Buffer[] {
    return this.namedBuffers().map(([, buffer]) => buffer);
  }

  /** The module at a dotted name, as `get_submodule`. */
  getSubmodule(name: string): Module {
    const found = this.namedModules().find(([path]) => path === name);
    if (!found) {
      const known = this.namedModules().map(([path]) => path || '(itself)');
      throw new FakkelError(
        `getSubmodule: no module '${name}' in ${this.constructor.name}. There are: ${known.join(', ')}`,
      );
    }
    return found[1];
  }

  /** The parameter at a dotted name, as `get_parameter`. */
  getParameter(name: string): Parameter {
    const found = this._namedCells().find(([path, cell]) => path === name && cell instanceof Parameter);
    if (!found) throw new FakkelError(`getParameter: no parameter '${name}' in ${this.constructor.name}`);
    return found[1] as Parameter;
  }

  // --- modes and state ---

  /** Training mode on or off, for this module and all below. Returns this module. */
  train(mode = true): this {
    TRAINING.set(this, mode);
    for (const child of this.children()) child.train(mode);
    return this;
  }

  /** `train(false)`: dropout passes everything, batch norm uses the running statistics. */
  eval(): this {
    return this.train(false);
  }

  /** Calls `fn` on every module below, then on this one: for initialization. */
  apply(fn: (module: Module) => void): this {
    for (const child of this.children()) child.apply(fn);
    fn(this);
    return this;
  }

  /** Freezes (false) or thaws all parameters. */
  requiresGrad_(requiresGrad = true): this {
    for (const parameter of this.parameters()) parameter.requiresGrad_(requiresGrad);
    return this;
  }

  /** Sets all gradients to null. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.zeroGrad();
  }

  /**
   * Moves parameters and buffers to another device. Returns this module.
   *
   * @throws TypeError for what is no device: a name, such as PyTorch's 'cuda', or a dtype.
   */
  to(device: Device): this {
    if (!(device instanceof Device)) {
      throw new TypeError(
        `Module.to: expected a device, got ${describe(device)}. Write net.to(await device('cuda')); a layer has its dtype ` +
          `from the beginning: new nn.Linear(2, 3, { dtype: 'float64' }).`,
      );
    }
    for (const [, cell] of this._namedCells()) cell._moveTo(device);
    return this;
  }

  /** A snapshot of all parameters and buffers under PyTorch's names: it keeps its values while training goes on. */
  stateDict(): StateDict {
    return stateDictOf(this);
  }

  /**
   * Takes over the values of a state dict.
   *
   * @param options `strict` (default true): throw for missing and unexpected names.
   * @returns the missing and unexpected names.
   * @throws StateDictError naming what is missing, unexpected, or of another shape, the first ten of each; nothing is
   *   loaded then.
   */
  loadStateDict(state: StateDict, options: { strict?: boolean } = {}): LoadReport {
    return loadStateDict(this, state, options);
  }

  /** A copy with parameters of its own, in the same mode; hooks are not copied. */
  clone(): this {
    return cloneModule(this);
  }

  /** Frees the device memory of all parameters, gradients and buffers now. */
  dispose(): void {
    for (const [, cell] of this._namedCells()) cell.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  // --- hooks ---

  /** See {@link ForwardPreHook}. Values that the hook is given, and those it makes, are visible. */
  registerForwardPreHook(hook: ForwardPreHook): HookHandle {
    return addHook(hooksOf(this).pre, hook);
  }

  /** See {@link ForwardHook}: collect activations, replace outputs. */
  registerForwardHook(hook: ForwardHook): HookHandle {
    return addHook(hooksOf(this).forward, hook);
  }

  /** See {@link BackwardHook}, as `register_full_backward_hook`. */
  registerFullBackwardHook(hook: BackwardHook): HookHandle {
    return addHook(hooksOf(this).backward, hook);
  }

  /** The tree of modules, as PyTorch prints it. */
  toString(): string {
    const extra = this.extraRepr();
    const children = this.namedChildren().map(
      ([name, child]) => `(${name}): ${child.toString().replace(/\n/g, '\n  ')}`,
    );
    if (children.length === 0) return `${this.constructor.name}(${extra})`;
    const lines = extra ? [extra, ...children] : children;
    return `${this.constructor.name}(\n  ${lines.join('\n  ')}\n)`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

const join = (prefix: string, name: string): string => (prefix ? `${prefix}.${name}` : name);

const STATE_NAMES = new WeakMap<object, ReadonlyMap<string, string>>();

/** `stateNames` of a class and of those that it extends. */
function stateNamesOf(type: typeof Module): ReadonlyMap<string, string> {
  let names = STATE_NAMES.get(type);
  if (!names) {
    const base = Object.getPrototypeOf(type) as typeof Module | null;
    const inherited = base && 'stateNames' in base ? stateNamesOf(base) : [];
    names = new Map([...inherited, ...Object.entries(Object.hasOwn(type, 'stateNames') ? type.stateNames : {})]);
    STATE_NAMES.set(type, names);
  }
  return names;
}

function hooksOf(module: Module): Hooks {
  let hooks = HOOKS.get(module);
  if (!hooks) HOOKS.set(module, (hooks = { pre: new Set(), forward: new Set(), backward: new Set() }));
  return hooks;
}

function addHook<H>(hooks: Set<H>, hook: H): HookHandle {
  hooks.add(hook);
  return { remove: () => void hooks.delete(hook) };
}

/** @internal Sets the mode of one module, and of none below it. */
export function setMode(module: Module, training: boolean): void {
  TRAINING.set(module, training);
}

/** @internal Watches calls in place of the hooks: nothing becomes visible by it, so nothing is run for it. */
export interface CallObserver {
  enter(module: Module, args: readonly unknown[]): void;
  leave(module: Module, output: unknown): void;
}

let observer: CallObserver | null = null;

/** @internal Runs `fn` with every module call reported to `watch`; hooks are not called. */
export function observeCalls<T>(watch: CallObserver, fn: () => T): T {
  const outer = observer;
  observer = watch;
  try {
    return fn();
  } finally {
    observer = outer;
  }
}

/** Dotted names of the modules below the outermost one being called; checking mode only. */
let names: Map<Module, string> | null = null;
/** How many modules are being called. */
let depth = 0;

function call(module: Module, args: unknown[]): unknown {
  const outermost = modes.hidden === 0;
  if (depth === 0 && modes.noGrad === 0 && !observer) {
    for (const device of devicesOf(args)) device._runtime.runGradients(() => module.parameters());
  }
  const { training, modulePath } = modes;
  const hooks = observer ? undefined : HOOKS.get(module);
  if (hooks) for (const hook of hooks.pre) args = atTop(() => hook(module, args)) ?? args;
  if (outermost) modes.training = module.training;
  if (modes.checking) {
    if (outermost) names = new Map(module.namedModules().map(([name, m]) => [m, name]));
    modes.modulePath = [names?.get(module) || module.constructor.name];
  }
  const backward = hooks && hooks.backward.size > 0 ? wrapBackward(module, hooks.backward) : null;
  observer?.enter(module, args);
  modes.hidden++;
  depth++;
  let output: unknown;
  try {
    output = module.forward(...(backward ? backward.inputs(args) : args));
    if (output instanceof Promise) {
      output.catch(() => undefined);
      throw new FakkelError(
        `${module.constructor.name}: forward returned a promise. It is synchronous: nothing needs to be awaited inside, ` +
          `values are computed when they are read outside.`,
      );
    }
    if (backward) output = backward.outputs(output);
  } finally {
    modes.hidden--;
    depth--;
    modes.training = training;
    modes.modulePath = modulePath;
  }
  observer?.leave(module, output);
  if (hooks) {
    for (const hook of hooks.forward) {
      markVisible(output);
      output = atTop(() => hook(module, args, output)) ?? output;
    }
  }
  if (outermost) markVisible(output);
  if (depth === 0 && !observer) {
    for (const device of devicesOf([output, ...args])) {
      device._runtime.moduleCallWaits = true;
      if (outermost) device._runtime.settle();
    }
  }
  return output;
}

const devicesOf = (values: readonly unknown[]): Set<Device> =>
  new Set(values.filter((value) => isTensor(value)).map(({ device }) => device));

/** Hooks are the user's own code: what they are given and make is visible. */
function atTop<T>(fn: () => T): T {
  const { hidden } = modes;
  modes.hidden = 0;
  try {
    return fn();
  } finally {
    modes.hidden = hidden;
  }
}

/** Tensors that pass through together, so that their gradients are there together. */
const edge = anonymousOp({
  name: 'edge',
  jacobian: 'selection',
  infer: (inputs) => inputs.map(({ shape, dtype }) => ({ shape, dtype })),
  vjp: { reads: {}, backward: ({ gradients }) => gradients },
  decompose: (inputs) => inputs,
});

/**
 * Passes the tensors among `values` that need gradients through an edge; what is no such tensor stays. `watch` is given
 * one gradient for each tensor, null where none flows, and says what flows on.
 */
function throughEdge(
  values: readonly unknown[],
  watch: (gradients: readonly (Tensor | null)[]) => readonly (Tensor | null)[],
): unknown[] {
  const tensors = values.filter((value) => isTensor(value));
  const needing = tensors.filter((t) => t.requiresGrad);
  if (needing.length === 0) return [...values];
  const passed = record(edge, needing, {});
  const node = passed[0]._recipe;
  if (node) {
    node.watch = (gradients) => {
      const replaced = watch(tensors.map((t) => (t.requiresGrad ? gradients[needing.indexOf(t)] : null)));
      return needing.map((t) => replaced[tensors.indexOf(t)]);
    };
  }
  return values.map((value) => (needing.includes(value as Tensor) ? passed[needing.indexOf(value as Tensor)] : value));
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** Calls a module's backward hooks once the gradients of all its outputs and inputs are there. */
function wrapBackward(module: Module, hooks: ReadonlySet<BackwardHook>) {
  let inputs: readonly Tensor[] = [];
  let gradOutputs: readonly (Tensor | null)[] = [];
  const call = (gradients: readonly (Tensor | null)[]): readonly (Tensor | null)[] => {
    for (const hook of hooks) {
      const replaced = hook(module, [...gradients], [...gradOutputs]);
      if (replaced) gradients = gradients.map((gradient, i) => replaced[i] ?? gradient);
    }
    return gradients;
  };
  return {
    inputs: (args: unknown[]): unknown[] => {
      inputs = args.filter((arg) => isTensor(arg));
      return throughEdge(args, call);
    },
    outputs: (output: unknown): unknown => {
      const keys = isPlainObject(output) ? Object.keys(output) : undefined;
      const values = Array.isArray(output) ? output : keys ? Object.values(output as object) : [output];
      const passed = throughEdge(values, (gradients) => {
        gradOutputs = gradients;
        // Where no input needs a gradient, this is all there will be.
        if (!inputs.some((t) => t.requiresGrad)) call(inputs.map(() => null));
        return gradients;
      });
      if (keys) return Object.fromEntries(keys.map((key, i) => [key, passed[i]]));
      return Array.isArray(output) ? passed : passed[0];
    },
  };
}

/** A deep copy of the tree: cells anew on the same values, everything else as `structuredClone` would, or shared. */
function cloneModule<M extends Module>(source: M): M {
  const copies = new Map<unknown, unknown>();
  const copyModule = (module: Module): Module => {
    const known = copies.get(module);
    if (known) return known as Module;
    // The constructor is not called: it would draw random numbers and might want arguments.
    const blank = Reflect.construct(Module, [], module.constructor as new () => Module);
    copies.set(module, blank);
    for (const [key, value] of Object.entries(module)) {
      Object.defineProperty(blank, key, {
        value: copyValue(value),
        writable: true,
        enumerable: true,
        configurable: true,
      });
    }
    // Weights that are computed from other cells.
    for (const [key, property] of Object.entries(Object.getOwnPropertyDescriptors(module))) {
      if (property.get) Object.defineProperty(blank, key, property);
    }
    for (const hook of HOOKS.get(module)?.pre ?? []) if (inherentHooks.has(hook)) blank.registerForwardPreHook(hook);
    TRAINING.set(blank, module.training);
    return blank;
  };
  const copyValue = (value: unknown): unknown => {
    if (value instanceof Module) return copyModule(value);
    if (value instanceof Parameter || value instanceof Buffer) {
      const known = copies.get(value);
      if (known) return known;
      const copy = value._copy();
      copies.set(value, copy);
      return copy;
    }
    if (Array.isArray(value)) return value.map(copyValue);
    if (value instanceof Map) return new Map([...value].map(([k, v]) => [k, copyValue(v)]));
    return value;
  };
  return copyModule(source) as M;
}
