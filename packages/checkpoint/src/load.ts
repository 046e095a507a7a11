/**
 * Loading checkpoints: all that a file holds, its state dict, or its weights straight into a model.
 */
import { type Device, fromArray, getDefaultDevice, nn, StateDictError, type Tensor } from '@fakkel/core';
import { CheckpointError } from './errors.js';
import type { CheckpointFile } from './formats/file.js';
import { openCheckpoint } from './formats/open.js';
import type { CheckpointSource } from './io/source.js';
import type { Pickled } from './pickle/classes.js';
import { PickledClass, Instance, StorageRef } from './pickle/classes.js';
import { checkOptions } from './options.js';
import { findStateDict, type StateDictOptions } from './state-dict.js';
import { TensorEntry } from './tensors.js';

/** How far the reading of tensors is. */
export interface LoadProgress {
  /** Bytes of the file read so far. */
  readonly loaded: number;
  /** Bytes of the file that will be read. */
  readonly total: number;
  /** The file's name. */
  readonly file: string;
}

/** What all functions that load take. */
export interface ReadOptions {
  /** Called as bytes are read: at least for every 8 MB. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /**
   * Whether the checksums (CRC-32) of a zip archive are compared with what is read, at about a second a gigabyte. Default
   * false, as in PyTorch; sizes and places are always checked.
   */
  readonly verify?: boolean;
}

/** Options of {@link load}. */
export interface LoadOptions extends ReadOptions {
  /** Where tensors are made. Default: the default device; on which one they were saved does not matter. */
  readonly device?: Device;
}

/** Options of {@link loadStateDict}. */
export interface LoadStateDictOptions extends LoadOptions, StateDictOptions {}

/** Options of {@link loadInto}. */
export interface LoadIntoOptions extends ReadOptions, StateDictOptions {
  /** Whether the names in the file must be exactly the model's. Default true. */
  readonly strict?: boolean;
}

/** What a checkpoint holds: Python's values as JavaScript's. */
export type CheckpointValue =
  | Tensor
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | CheckpointValue[]
  | Map<CheckpointValue, CheckpointValue>
  | Set<CheckpointValue>;

const READ_OPTIONS = ['onProgress', 'verify'];
const FIND_OPTIONS = ['key', 'prefix', 'rename'];

/**
 * Reads all that a checkpoint holds, as `torch.load`: PyTorch's zip format (since 1.6) and the pickle format before it, and
 * safetensors, in one file or several with an index. The kind is found by the first bytes.
 *
 * Dicts are Maps (also `OrderedDict`, `defaultdict`, `Counter`, `argparse.Namespace`), lists and tuples arrays, `torch.Size`
 * an array, `torch.device` and `torch.dtype` their names, NumPy's numbers numbers; whole numbers beyond 2⁵³ are bigints.
 * Tensors have the dtype that programs compute with: half precision becomes float32, integers int32 (one that does not fit
 * is an error). Views of one storage that are the same are one tensor. Nothing of a file is executed: any class that is not
 * known is an error, which says what to save instead.
 *
 * @param source A path or `file:` URL (in Node), an `http(s)` address, a Blob or File, or bytes.
 * @throws CheckpointError for what is no checkpoint, is damaged, or holds what has no meaning here; SafetensorsError.
 * @example
 * const file = await save({ model: new nn.Linear(2, 1), epoch: 3 });
 * const checkpoint = await load(file); // or load('checkpoint.pth')
 * checkpoint.get('epoch'); // 3
 */
export async function load(source: CheckpointSource, options: LoadOptions = {}): Promise<CheckpointValue> {
  checkOptions('load', options, [...READ_OPTIONS, 'device']);
  const file = await openCheckpoint('load', source, options.verify);
  try {
    const tensors = await readAll(file, entriesIn(file.value), options);
    return replace(file, tensors);
  } finally {
    await file.close();
  }
}

/**
 * The state dict of a checkpoint: tensors by name, wherever in the file they are. That is the top level, or what it has
 * under `state_dict`, `model_state_dict`, `model`, `net`, `network`, `module`, `weights` or `params`; `{ key }` says
 * otherwise. A prefix that a wrapper puts before all names (`module.` of DataParallel, `_orig_mod.` of torch.compile) is off.
 *
 * To load a model's weights, {@link loadInto} takes half of the memory.
 *
 * @throws CheckpointError naming what the file holds, if there is no state dict.
 * @example
 * const file = await save({ state_dict: new nn.Linear(2, 1), epoch: 3 });
 * const state = await loadStateDict(file);
 * [...state.keys()]; // ['weight', 'bias']
 */
export async function loadStateDict(
  source: CheckpointSource,
  options: LoadStateDictOptions = {},
): Promise<Map<string, Tensor>> {
  checkOptions('loadStateDict', options, [...READ_OPTIONS, ...FIND_OPTIONS, 'device']);
  const file = await openCheckpoint('loadStateDict', source, options.verify);
  try {
    const found = findStateDict(file.source.name, file.value, options);
    const named = new Map([...found].map(([name, entry]) => [entry, name]));
    const tensors = await readAll(file, named, options);
    return new Map([...found].map(([name, entry]) => [name, tensors.get(entry)!]));
  } finally {
    await file.close();
  }
}

/**
 * Loads a checkpoint's weights into a model: `model.load_state_dict(torch.load(path))`. Each tensor is read from the file
 * into the array that the device keeps, so that the weights are in memory once: a file of 500 MB takes 500 MB. Names and
 * shapes are checked before anything is read; the model changes when all is there, or not at all.
 *
 * @returns Names that the model has and the file has not, and the other way round: without `strict: false` there are none.
 * @throws StateDictError as `model.loadStateDict()`; CheckpointError as {@link loadStateDict}.
 * @example
 * const file = await save(new nn.Linear(2, 1)); // or a path, an address, a File
 * const net = new nn.Linear(2, 1);
 * await loadInto(net, file, { onProgress: ({ loaded, total }) => console.log(`${loaded} of ${total} bytes`) });
 */
export async function loadInto(
  model: nn.Module,
  source: CheckpointSource,
  options: LoadIntoOptions = {},
): Promise<nn.LoadReport> {
  checkOptions('loadInto', options, [...READ_OPTIONS, ...FIND_OPTIONS, 'strict']);
  const own = new Set(model.stateDict().keys());
  const file = await openCheckpoint('loadInto', source, options.verify);
  try {
    const found = findStateDict(file.source.name, file.value, options, [...own]);
    const wanted = [...found].sort(([, a], [, b]) => a.position - b.position);
    const count = counter(
      file,
      wanted.filter(([name]) => own.has(name)).map(([, entry]) => entry),
      options,
    );
    const stored = new Map(
      wanted.map(([name, entry]): [string, nn.StoredTensor] => [
        name,
        { shape: entry.shape, dtype: entry.dtype, read: () => entry.read(`${file.source.name}: ${name}`, count) },
      ]),
    );
    return await nn.streamStateDict(model, stored, { strict: options.strict });
  } catch (error) {
    if (!(error instanceof StateDictError)) throw error;
    const message = error.message.replace(/^streamStateDict: /, `loadInto: ${file.source.name}: `);
    throw new StateDictError(message, { cause: error });
  } finally {
    await file.close();
  }
}

/** Reads tensors in the order of the file. */
async function readAll(
  file: CheckpointFile,
  entries: ReadonlyMap<TensorEntry, string>,
  options: LoadOptions,
): Promise<Map<TensorEntry, Tensor>> {
  const device = options.device ?? getDefaultDevice();
  const ordered = [...entries].sort(([a], [b]) => a.position - b.position);
  const count = counter(file, [...entries.keys()], options);
  const tensors = new Map<TensorEntry, Tensor>();
  for (const [entry, name] of ordered) {
    const data = await entry.read(`${file.source.name}: ${name}`, count);
    tensors.set(entry, fromArray(data, entry.shape, { device }));
  }
  return tensors;
}

function counter(
  file: CheckpointFile,
  entries: readonly TensorEntry[],
  { onProgress }: ReadOptions,
): ((bytes: number) => void) | undefined {
  if (!onProgress) return undefined;
  const total = entries.reduce((n, entry) => n + entry.bytes, 0);
  let loaded = 0;
  onProgress({ loaded, total, file: file.source.name });
  return (bytes) => onProgress({ loaded: (loaded += bytes), total, file: file.source.name });
}

/** Every tensor in a value, with where it was found first. Values may be cyclic, and deep. */
function entriesIn(root: Pickled): Map<TensorEntry, string> {
  const found = new Map<TensorEntry, string>();
  const seen = new Set<Pickled>();
  const waiting: [Pickled, string][] = [[root, 'the value']];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [value, path] = next;
    if (value === null || typeof value !== 'object' || seen.has(value)) continue;
    seen.add(value);
    if (value instanceof TensorEntry) found.set(value, path);
    else if (Array.isArray(value)) value.forEach((item, i) => waiting.push([item, `${path}[${i}]`]));
    else if (value instanceof Set) for (const item of value) waiting.push([item, path]);
    else if (value instanceof Map) {
      for (const [key, item] of value) waiting.push([key, path], [item, typeof key === 'string' ? key : path]);
    }
  }
  return found;
}

/** The value with its tensors in place of what described them; containers are changed, not copied. */
function replace({ value: root, source }: CheckpointFile, tensors: ReadonlyMap<TensorEntry, Tensor>): CheckpointValue {
  const seen = new Set<unknown>();
  const waiting: Pickled[] = [];
  const swap = (value: Pickled): CheckpointValue => {
    if (value instanceof TensorEntry) return tensors.get(value)!;
    if (value instanceof PickledClass) {
      const text = value.value?.text;
      if (text !== undefined) return text;
      throw new CheckpointError(`${source.name}: it holds the class ${value.name} itself, which is no value here`);
    }
    if (value instanceof StorageRef || value instanceof Instance) {
      throw new CheckpointError(
        `${source.name}: it holds a storage without a tensor, which is no value here; save the tensor itself`,
      );
    }
    if (value !== null && typeof value === 'object' && !(value instanceof Uint8Array) && !seen.has(value)) {
      seen.add(value);
      waiting.push(value);
    }
    return value as CheckpointValue;
  };
  const result = swap(root);
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (Array.isArray(value)) value.forEach((item, i, list) => (list[i] = swap(item) as Pickled));
    else if (value instanceof Set) refill(value, [...value], (item) => value.add(swap(item) as Pickled));
    else if (value instanceof Map) {
      refill(value, [...value], ([key, item]) => value.set(swap(key) as Pickled, swap(item) as Pickled));
    }
  }
  return result;
}

function refill<T>(container: { clear(): void }, items: readonly T[], add: (item: T) => void): void {
  container.clear();
  items.forEach(add);
}
