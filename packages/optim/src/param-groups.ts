/**
 * Parameter groups: parameters that share their options. Checked where they are given, as PyTorch does.
 */
import { FakkelError, isTensor, nn, Parameter } from '@fakkel/core';

/** What every optimizer has: the scheduler's hook. */
export interface OptimizerOptions {
  /** The learning rate. */
  lr: number;
}

/** A group as an optimizer keeps it: all options filled in. Change them between steps; nothing is compiled anew. */
export type ParamGroup<O extends OptimizerOptions = OptimizerOptions> = O & {
  params: Parameter[];
  /** The learning rate that a scheduler began with. */
  initialLr?: number;
  /** For your own reports. */
  name?: string;
};

/** A group as it is given: what it leaves out comes from the optimizer's options. */
export type ParamGroupInput<O extends OptimizerOptions = OptimizerOptions> = Partial<O> & {
  params: Iterable<Parameter> | Parameter;
  /** For a scheduler that begins in the middle (`lastEpoch`). */
  initialLr?: number;
  name?: string;
};

/** What optimizers are given first: parameters, or groups of them. */
export type Params<O extends OptimizerOptions = OptimizerOptions> = Iterable<Parameter> | Iterable<ParamGroupInput<O>>;

const CALL = 'Write new %(net.parameters(), { … }).';

/** The groups in what the constructor was given. */
export function groupsOf<O extends OptimizerOptions>(name: string, params: unknown): ParamGroupInput<O>[] {
  const call = CALL.replace('%', name);
  if (params instanceof nn.Module) {
    throw new TypeError(`${name}: expected parameters, got a ${(params as object).constructor.name}. ${call}`);
  }
  if (isTensor(params)) {
    throw new TypeError(
      `${name}: expected an iterable of parameters or groups, got one tensor. Put it in an array: [p].`,
    );
  }
  if (typeof params !== 'object' || params === null || !(Symbol.iterator in params)) {
    throw new TypeError(`${name}: expected an iterable of parameters or groups, got ${kindOf(params)}. ${call}`);
  }
  const items = [...(params as Iterable<unknown>)];
  if (items.length === 0) {
    throw new FakkelError(
      `${name}: the optimizer got an empty parameter list. Are the layers assigned to fields of the module, and not kept in a plain array?`,
    );
  }
  if (isGroup(items[0])) return items as ParamGroupInput<O>[];
  return [{ params: items } as unknown as ParamGroupInput<O>];
}

function isGroup(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !isTensor(value) && 'params' in value;
}

/**
 * A group with all options, of parameters that `taken` does not have yet.
 *
 * @throws TypeError for what is no parameter, FakkelError for a duplicate or a required option that is missing.
 */
export function completeGroup<O extends OptimizerOptions>(
  name: string,
  given: ParamGroupInput<O>,
  defaults: O,
  taken: ReadonlySet<Parameter>,
): ParamGroup<O> {
  if (!isGroup(given)) {
    const keys =
      typeof given === 'object' && given !== null ? ` with ${Object.keys(given).join(', ') || 'nothing'}` : '';
    throw new TypeError(`${name}: a parameter group must be an object { params, … }, got ${kindOf(given)}${keys}`);
  }
  const params = isTensor(given.params) ? [given.params] : [...given.params];
  params.forEach((p, i) => checkParameter(name, p, i));
  if (new Set(params).size !== params.length) {
    const twice = params.find((p, i) => params.indexOf(p) !== i)!;
    throw new FakkelError(`${name}: a parameter group has duplicate parameters ('${twice.label}' comes twice)`);
  }
  const shared = params.filter((p) => taken.has(p)).map((p) => `'${p.label}'`);
  if (shared.length > 0) {
    throw new FakkelError(`${name}: some parameters appear in more than one parameter group: ${shared.join(', ')}`);
  }
  checkNames(name, given, Object.keys(defaults));
  const options = definedOnly(given);
  const group = { ...defaults, ...options, params };
  for (const [key, value] of Object.entries(group)) {
    if (value === undefined) {
      throw new FakkelError(`${name}: '${key}' is required: give it in the options, or in every parameter group`);
    }
  }
  return group;
}

function checkParameter(name: string, value: unknown, index: number): asserts value is Parameter {
  if (value instanceof Parameter) return;
  const at = `${name}: expected a Parameter at index ${index}`;
  if (isTensor(value)) {
    throw new TypeError(`${at}, got a tensor. Optimizers assign to cells: make it one with new Parameter(tensor).`);
  }
  if (Array.isArray(value) && value[1] instanceof Parameter) {
    throw new TypeError(`${at}, got a pair of name and parameter. Pass net.parameters(), not net.namedParameters().`);
  }
  throw new TypeError(`${at}, got ${kindOf(value)}`);
}

/** Options left undefined count as left out. */
export function definedOnly<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

/** PyTorch's spelling of an option: `weightDecay` is `weight_decay` in state dicts. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The spelling here: `weight_decay` is `weightDecay`. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Options of PyTorch's that choose how an update runs there, and why there is nothing to choose here. */
const PYTORCH_ONLY: Readonly<Record<string, string>> = {
  foreach: 'all parameters are updated in one program anyway',
  fused: 'an update is one operation anyway, and backends may fuse it',
  capturable: 'a step is compiled once anyway, and its numbers are inputs of the program',
  differentiable:
    'gradients do not flow through an update; for that, write one with tensor operations, on what ' +
    'grad(loss, weights, { createGraph: true }) gives',
};

/** PyTorch's or another spelling of an option, or one that only PyTorch has, would be ignored silently. */
function checkNames(name: string, group: object, known: readonly string[]): void {
  for (const key of Object.keys(group)) {
    if (Object.hasOwn(PYTORCH_ONLY, key)) {
      throw new FakkelError(
        `${name}: PyTorch's option '${key}' does not exist here: ${PYTORCH_ONLY[key]}. Leave it out.`,
      );
    }
    const meant = known.find((option) => option.toLowerCase() === key.replaceAll('_', '').toLowerCase());
    if (meant !== undefined && meant !== key)
      throw new FakkelError(`${name}: unknown option '${key}'. Write ${meant}.`);
  }
}

/** Throws for an option that the optimizer does not have: a typing error would be ignored silently. */
export function checkOptions(name: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    const example = typeof options === 'number' ? String(options) : '…';
    throw new TypeError(
      `${name}: options come in an object, got ${kindOf(options)}. Write new ${name}(params, { ${known[0]}: ${example} }).`,
    );
  }
  checkNames(name, options, known);
  for (const key of Object.keys(options)) {
    if (!known.includes(key))
      throw new FakkelError(`${name}: unknown option '${key}'. There are: ${known.join(', ')}.`);
  }
}

/** How an unexpected value is called in an error. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return `an object of class ${value.constructor?.name ?? 'Object'}`;
  if (typeof value === 'function') return 'a function';
  return value === undefined ? 'undefined' : `${typeof value} ${value as string | number | boolean}`;
}
