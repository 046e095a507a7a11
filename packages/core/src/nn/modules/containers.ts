/**
 * Modules that hold modules. Their children are kept apart from the container's own fields, so that a child may be
 * called `train` or `forward`.
 */
import { FakkelError, OutOfRangeError } from '../../errors.js';
import { describe } from '../../graph/record.js';
import type { Tensor } from '../../graph/tensor.js';
import { Module } from '../module.js';

/** A module that maps one tensor to one tensor: what {@link Sequential} chains. */
export type Layer = Module & { forward(x: Tensor): Tensor };

/** Modules by name: an object, a Map, or pairs. Names that are numbers need a Map or pairs to keep their order. */
export type NamedModules<M extends Module = Module> = Readonly<Record<string, M>> | Iterable<readonly [string, M]>;

function checkModule(container: string, name: string | number, value: unknown): asserts value is Module {
  if (value instanceof Module) return;
  const remedy =
    typeof value === 'function' ? ' Make an instance with new, or wrap a function in a Module of your own.' : '';
  const got = typeof value === 'function' ? `the function or class ${value.name || '(anonymous)'}` : describe(value);
  throw new TypeError(`${container}: expected a module for '${name}', got ${got}.${remedy}`);
}

function pairs<M extends Module>(container: string, named: NamedModules<M>): Iterable<readonly [string, M]> {
  if (!(Symbol.iterator in named)) return Object.entries(named);
  const list = [...(named as Iterable<readonly [string, M]>)];
  for (const entry of list) if (!Array.isArray(entry)) noPair(container, entry);
  return list;
}

/** Python's `nn.Sequential(*layers)` and `nn.ModuleList([a, b])` are easily mixed up. */
function noPair(container: string, entry: unknown): never {
  const remedy =
    container === 'ModuleDict'
      ? 'Give them names: new nn.ModuleDict({ a, b }); without names there is new nn.ModuleList([a, b]).'
      : `Layers come one by one: new nn.${container}(a, b), or new nn.${container}(...layers).`;
  const got = entry instanceof Module ? 'a list of modules' : `a list with ${describe(entry)}`;
  throw new TypeError(`${container}: expected pairs of name and module in a list, got ${got}. ${remedy}`);
}

/** What containers have in common. */
abstract class Container<M extends Module> extends Module {
  /** @internal */
  readonly _modules = new Map<string, M>();

  /** @internal */
  override _entries(): [string, unknown][] {
    return [...this._modules, ...super._entries()];
  }

  /** @internal */
  protected _put(name: string, module: M): void {
    checkModule(this.constructor.name, name, module);
    if (name === '' || name.includes('.')) {
      throw new FakkelError(`${this.constructor.name}: a name may not be empty or contain '.', got '${name}'`);
    }
    this._modules.set(name, module);
  }

  /** @internal The name at a possibly negative position. */
  protected _nameAt(index: number): string {
    const names = [...this._modules.keys()];
    const name = Number.isInteger(index) ? names.at(index) : undefined;
    if (name === undefined) {
      throw new OutOfRangeError(`${this.constructor.name}: index ${index} is out of range for ${names.length} modules`);
    }
    return name;
  }
}

/** Positions as names, with the operations that lists and chains share. */
abstract class ListContainer<M extends Module> extends Container<M> {
  /** How many modules there are. */
  override get length(): number {
    return this._modules.size;
  }

  /**
   * The module at a position; negative counts from the end.
   *
   * @throws OutOfRangeError outside of the list.
   */
  at(index: number): M {
    return this._modules.get(this._nameAt(index))!;
  }

  /** Replaces the module at a position, which keeps its name. */
  set(index: number, module: M): void {
    this._put(this._nameAt(index), module);
  }

  /** Adds a module at the end. Returns this container. */
  append(module: M): this {
    this._put(String(this._modules.size), module);
    return this;
  }

  /** Adds modules at the end. Returns this container. */
  extend(modules: Iterable<M>): this {
    for (const module of [...modules]) this.append(module);
    return this;
  }

  /** Adds a module before a position; those after it move up. */
  insert(index: number, module: M): void {
    const modules = [...this._modules.values()];
    const at = index < 0 ? index + modules.length : index;
    if (!Number.isInteger(index) || at < 0 || at > modules.length) {
      throw new OutOfRangeError(
        `${this.constructor.name}.insert: index ${index} is out of range for ${modules.length} modules`,
      );
    }
    checkModule(this.constructor.name, index, module);
    modules.splice(at, 0, module);
    this._modules.clear();
    for (const [i, m] of modules.entries()) this._put(String(i), m);
  }

  [Symbol.iterator](): IterableIterator<M> {
    return this._modules.values();
  }
}

/**
 * Modules called one after the other, each with what the one before returned.
 *
 * Shape: what the first takes; what the last returns.
 *
 * @param layers Modules, named by their position; or one object, Map or list of pairs that names them.
 * @throws TypeError for what is no module.
 * @example
 * const net = new nn.Sequential(new nn.Conv2d(1, 6, 5), new nn.ReLU(), new nn.Flatten());
 * net(randn([8, 1, 28, 28])).shape; // [8, 3456]
 * const named = new nn.Sequential({ conv: new nn.Conv2d(1, 6, 5), relu: new nn.ReLU() });
 * [...named.stateDict().keys()]; // ['conv.weight', 'conv.bias']
 */
export class Sequential extends ListContainer<Layer> {
  constructor(...layers: Layer[]);
  constructor(named: NamedModules<Layer>);
  constructor(...args: (Layer | NamedModules<Layer>)[]) {
    super();
    const [first] = args;
    if (args.length === 1 && typeof first === 'object' && first !== null) {
      for (const [name, layer] of pairs(this.constructor.name, first)) this._put(name, layer);
    } else {
      for (const [i, layer] of args.entries()) this._put(String(i), layer as Layer);
    }
  }

  override forward(x: Tensor): Tensor {
    let value = x;
    for (const layer of this._modules.values()) value = layer(value);
    return value;
  }
}

/**
 * A list of modules, named by their position: it has no forward of its own.
 *
 * @example
 * class Net extends nn.Module {
 *   blocks = new nn.ModuleList([1, 2, 3].map(() => new nn.Linear(10, 10)));
 *   forward(x: Tensor) {
 *     for (const block of this.blocks) x = block(x).relu();
 *     return x;
 *   }
 * }
 */
export class ModuleList<M extends Module = Module> extends ListContainer<M> {
  constructor(modules?: Iterable<M>);
  constructor(modules: Iterable<M> = [], ...rest: unknown[]) {
    super();
    if (rest.length > 0 || typeof modules[Symbol.iterator] !== 'function') {
      throw new TypeError(
        'ModuleList: expected one array of modules. Write new nn.ModuleList([a, b]); modules one by one are for nn.Sequential.',
      );
    }
    this.extend(modules);
  }

  override forward(): never {
    throw new FakkelError("ModuleList: it is a list and can't be called; call its modules, or use Sequential");
  }
}

/**
 * Modules by name, in the order they were added: it has no forward of its own. Names are free: `train` and `forward`
 * collide with nothing.
 *
 * @example
 * class Net extends nn.Module {
 *   heads = new nn.ModuleDict({ digits: new nn.Linear(84, 10), letters: new nn.Linear(84, 26) });
 *   forward(x: Tensor, head: 'digits' | 'letters') {
 *     return this.heads.get(head)(x);
 *   }
 * }
 */
export class ModuleDict<M extends Module = Module> extends Container<M> {
  constructor(modules: NamedModules<M> = {}) {
    super();
    this.update(modules);
  }

  get size(): number {
    return this._modules.size;
  }

  /**
   * The module of that name.
   *
   * @throws OutOfRangeError if there is none; ask with {@link ModuleDict.has}.
   */
  get(name: string): M {
    const found = this._modules.get(name);
    if (!found)
      throw new OutOfRangeError(`ModuleDict: no module '${name}'. There are: ${[...this._modules.keys()].join(', ')}`);
    return found;
  }

  has(name: string): boolean {
    return this._modules.has(name);
  }

  /** Adds or replaces a module. Returns this container. */
  set(name: string, module: M): this {
    this._put(name, module);
    return this;
  }

  /** Takes a module out. Returns whether it was there. */
  delete(name: string): boolean {
    return this._modules.delete(name);
  }

  /** Adds or replaces modules. Returns this container. */
  update(modules: NamedModules<M>): this {
    for (const [name, module] of pairs(this.constructor.name, modules)) this._put(name, module);
    return this;
  }

  clear(): void {
    this._modules.clear();
  }

  keys(): IterableIterator<string> {
    return this._modules.keys();
  }

  values(): IterableIterator<M> {
    return this._modules.values();
  }

  entries(): IterableIterator<[string, M]> {
    return this._modules.entries();
  }

  [Symbol.iterator](): IterableIterator<[string, M]> {
    return this._modules.entries();
  }

  override forward(): never {
    throw new FakkelError("ModuleDict: it holds modules and can't be called; call the one you want: dict.get(name)(x)");
  }
}
