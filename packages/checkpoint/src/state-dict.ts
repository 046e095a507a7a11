/**
 * The state dict in what a checkpoint holds: at the top, or beside the optimizer's state and the epoch.
 */
import { CheckpointError, list, show } from './errors.js';
import type { Pickled } from './pickle/classes.js';
import { TensorEntry } from './tensors.js';

/** Where training scripts keep the weights. In this order. */
const USUAL_KEYS = ['state_dict', 'model_state_dict', 'model', 'net', 'network', 'module', 'weights', 'params'];

/** What wrappers put before every name: DataParallel and DistributedDataParallel, and torch.compile. */
const WRAPPERS = ['module.', '_orig_mod.'];

/** How {@link loadStateDict} and {@link loadInto} find the weights in a file. */
export interface StateDictOptions {
  /** Where they are, as a dotted path: `'ema.model'`. Default: the top level, or what it has under a usual name. */
  readonly key?: string;
  /** Takes the names that begin with it, and takes it off: `'backbone.'`. */
  readonly prefix?: string;
  /** The name here of a tensor of the file (its prefix is off already); null leaves it out. */
  readonly rename?: (name: string) => string | null;
}

/** @param own Names of the model, where one is loaded: what all of them begin with is no wrapper's. */
export function findStateDict(
  file: string,
  value: Pickled,
  { key, prefix = '', rename }: StateDictOptions,
  own: readonly string[] = [],
): Map<string, TensorEntry> {
  const dict = key === undefined ? usual(file, value) : at(file, value, key);
  let names = tensorsOf(file, dict);
  for (const wrapper of WRAPPERS) {
    const everyone = names.length > 0 && names.every(([name]) => name.startsWith(wrapper));
    const ours = own.length > 0 && own.every((name) => name.startsWith(wrapper));
    if (everyone && !ours && !prefix.startsWith(wrapper))
      names = names.map(([name, t]) => [name.slice(wrapper.length), t]);
  }
  const kept = names.filter(([name]) => name.startsWith(prefix));
  if (kept.length === 0 && names.length > 0) {
    throw new CheckpointError(
      `${file}: no tensor's name begins with ${show(prefix)}; it has ${list(names.map(([name]) => name))}`,
    );
  }
  const found = new Map<string, TensorEntry>();
  for (const [name, tensor] of kept) {
    const short = name.slice(prefix.length);
    const called = rename ? rename(short) : short;
    if (called === null) continue;
    if (found.has(called))
      throw new CheckpointError(`${file}: two tensors are called ${show(called)} (rename gave it to ${show(name)})`);
    found.set(called, tensor);
  }
  return found;
}

const isDict = (value: Pickled | undefined): value is Map<Pickled, Pickled> => value instanceof Map;
const hasTensors = (dict: Map<Pickled, Pickled>): boolean =>
  [...dict.values()].some((value) => value instanceof TensorEntry);

function usual(file: string, value: Pickled, depth = 0): Map<Pickled, Pickled> {
  if (isDict(value)) {
    for (const key of USUAL_KEYS) {
      const inner = value.get(key);
      if (!isDict(inner)) continue;
      if (hasTensors(inner)) return inner;
      if (depth < 4 && USUAL_KEYS.some((k) => isDict(inner.get(k)))) return usual(file, inner, depth + 1);
    }
    if (hasTensors(value)) return value;
    const candidates = [...value.values()].filter(isDict).filter(hasTensors);
    if (candidates.length === 1) return candidates[0];
    if (value.size === 0) return value;
  }
  throw new CheckpointError(
    `${file}: found no state dict (tensors by name) at its top, nor under ${USUAL_KEYS.join(', ')}: it holds ${outline(value)}. ` +
      `Say where it is: { key: '…' }`,
  );
}

function at(file: string, value: Pickled, key: string): Map<Pickled, Pickled> {
  let here = value;
  let rest = key;
  while (rest !== '') {
    // Keys may hold dots themselves: the longest that is there.
    const parts = rest.split('.');
    let length = parts.length;
    const dict = isDict(here) ? here : undefined;
    while (length > 0 && !dict?.has(parts.slice(0, length).join('.'))) length--;
    if (!dict || length === 0) {
      throw new CheckpointError(`${file}: no ${show(key)}: at ${show(rest)} it holds ${outline(here)}`);
    }
    here = dict.get(parts.slice(0, length).join('.'))!;
    rest = parts.slice(length).join('.');
  }
  if (!isDict(here)) throw new CheckpointError(`${file}: ${show(key)} is no state dict, but ${outline(here)}`);
  return here;
}

function tensorsOf(file: string, dict: Map<Pickled, Pickled>): [string, TensorEntry][] {
  return [...dict].flatMap(([name, value]): [string, TensorEntry][] => {
    if (value instanceof TensorEntry && typeof name === 'string') return [[name, value]];
    // What modules keep beside their tensors (`_extra_state`, a threshold) has no place in a model here.
    if (!(value instanceof TensorEntry) && !isDict(value)) return [];
    throw new CheckpointError(
      `${file}: a state dict has tensors by name, but ${typeof name === 'object' ? 'a key' : show(name)} is ${outline(value)}`,
    );
  });
}

/** What a value is, in a few words. */
export function outline(value: Pickled): string {
  if (value instanceof TensorEntry) return `a tensor ${value.fileDtype}[${value.shape.join(',')}]`;
  if (isDict(value)) {
    const entries = [...value].map(([key, v]) => `${typeof key === 'object' ? '…' : String(key)}: ${kind(v)}`);
    return value.size === 0 ? 'an empty dict' : `a dict { ${list(entries)} }`;
  }
  if (Array.isArray(value))
    return value.length === 0 ? 'an empty list' : `a list of ${value.length}, the first ${kind(value[0])}`;
  return value === null || typeof value !== 'object' ? show(value) : kind(value);
}

function kind(value: Pickled): string {
  if (value instanceof TensorEntry) return 'tensor';
  if (isDict(value)) return `dict of ${value.size}`;
  if (Array.isArray(value)) return `list of ${value.length}`;
  return value === null || typeof value !== 'object' ? typeof value : value.constructor.name;
}
