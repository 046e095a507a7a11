/**
 * State dicts of optimizers, in PyTorch's layout, and as named tensors for safetensors files.
 */
import { isTensor, StateDictError, type Tensor } from '@fakkel/core';
import { kindOf } from './param-groups.js';

/** A parameter's state by PyTorch's names: `momentum_buffer`, `exp_avg`, `exp_avg_sq`, `step`. */
export type ParameterStateDict = Record<string, Tensor | number | null>;

/** A group's options by PyTorch's names, and its parameters by number. */
export type ParamGroupStateDict = { params: number[] } & Record<string, unknown>;

/**
 * What `optimizer.stateDict()` gives and `loadStateDict()` takes: PyTorch's layout and names. Parameters are numbered
 * in the order of the groups; one that no step has updated yet has no entry. Tensors are snapshots.
 */
export interface OptimizerStateDict {
  state: Record<number, ParameterStateDict>;
  param_groups: ParamGroupStateDict[];
}

/** A state dict as what a safetensors file holds. */
export interface FlatOptimizerState {
  /** `optimizer.state.0.exp_avg`, … */
  readonly tensors: Map<string, Tensor>;
  /** One entry, `optimizer`: groups and numbers as JSON. */
  readonly metadata: Record<string, string>;
}

/**
 * An optimizer's state dict as named tensors and metadata, for `saveSafetensors`: alone, or in one file with the model.
 *
 * @param prefix what names begin with. Default `'optimizer'`.
 * @example
 * const net = new nn.Linear(4, 1);
 * const optimizer = new Adam(net.parameters());
 * const { tensors, metadata } = flattenOptimizerState(optimizer.stateDict());
 * const bytes = await saveSafetensors(new Map([...net.stateDict(), ...tensors]), metadata);
 */
export function flattenOptimizerState(stateDict: OptimizerStateDict, prefix = 'optimizer'): FlatOptimizerState {
  const tensors = new Map<string, Tensor>();
  const numbers: Record<string, Record<string, number>> = {};
  for (const [index, entries] of Object.entries(stateDict.state)) {
    for (const [name, value] of Object.entries(entries)) {
      if (isTensor(value)) tensors.set(`${prefix}.state.${index}.${name}`, value);
      else if (value !== null) (numbers[index] ??= {})[name] = value;
    }
  }
  return { tensors, metadata: { [prefix]: JSON.stringify({ param_groups: stateDict.param_groups, state: numbers }) } };
}

/**
 * The state dict in what `loadSafetensors` gives: the inverse of {@link flattenOptimizerState}. Other tensors of the
 * file, such as the model's, are left alone.
 *
 * @throws StateDictError if the file holds no optimizer of that prefix.
 * @example
 * const optimizer = new Adam(new nn.Linear(4, 1).parameters());
 * const { tensors, metadata } = flattenOptimizerState(optimizer.stateDict());
 * const bytes = await saveSafetensors(tensors, metadata);
 * optimizer.loadStateDict(unflattenOptimizerState(loadSafetensors(bytes)));
 */
export function unflattenOptimizerState(
  file: { readonly tensors: ReadonlyMap<string, Tensor>; readonly metadata: Readonly<Record<string, string>> },
  prefix = 'optimizer',
): OptimizerStateDict {
  const text = file.metadata[prefix];
  if (text === undefined) {
    const keys = Object.keys(file.metadata).join(', ') || 'none';
    throw new StateDictError(
      `unflattenOptimizerState: the metadata has no entry '${prefix}' (it has: ${keys}), so this file holds no optimizer ` +
        `saved with flattenOptimizerState(…, '${prefix}')`,
    );
  }
  const { param_groups, state: numbers } = parse(prefix, text);
  const state: Record<number, ParameterStateDict> = {};
  for (const [index, entries] of Object.entries(numbers)) state[Number(index)] = { ...entries };
  const start = `${prefix}.state.`;
  for (const [key, tensor] of file.tensors) {
    if (!key.startsWith(start)) continue;
    const found = /^(\d+)\.(.+)$/.exec(key.slice(start.length));
    if (!found) throw new StateDictError(`unflattenOptimizerState: expected ${start}<number>.<name>, got '${key}'`);
    (state[Number(found[1])] ??= {})[found[2]] = tensor;
  }
  return { state, param_groups };
}

function parse(prefix: string, text: string): OptimizerStateDict {
  const wrong = `unflattenOptimizerState: the metadata entry '${prefix}'`;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new StateDictError(`${wrong} is not JSON`, { cause });
  }
  const { param_groups, state } = (value ?? {}) as Partial<OptimizerStateDict>;
  if (!Array.isArray(param_groups) || typeof state !== 'object' || state === null) {
    throw new StateDictError(`${wrong} must hold param_groups and state`);
  }
  return { param_groups, state };
}

/** Throws unless `value` has the layout of a state dict. */
export function checkLayout(name: string, value: unknown): asserts value is OptimizerStateDict {
  const { state, param_groups } = (value ?? {}) as Partial<OptimizerStateDict>;
  if (typeof state !== 'object' || state === null || !Array.isArray(param_groups)) {
    throw new StateDictError(
      `${name}.loadStateDict: expected { state, param_groups }, as stateDict() and unflattenOptimizerState() give it, got ${kindOf(value)}`,
    );
  }
  param_groups.forEach((group, i) => {
    if (!Array.isArray((group as Partial<ParamGroupStateDict> | null)?.params)) {
      throw new StateDictError(`${name}.loadStateDict: param_groups[${i}] has no list 'params' of parameter numbers`);
    }
  });
}
