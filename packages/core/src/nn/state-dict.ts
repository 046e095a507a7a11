/**
 * State dicts: the values of a module by PyTorch's names.
 */
import { allocate, type TypedArray } from '../dtype.js';
import { DeviceError, StateDictError } from '../errors.js';
import { hide, noGrad } from '../graph/modes.js';
import { fromHost } from '../graph/record.js';
import { isTensor, type Tensor } from '../graph/tensor.js';
import { Buffer, type Cell } from '../runtime/cell.js';
import type { Device } from '../runtime/device.js';
import { uploadOwned } from '../runtime/execute.js';
import { Storage } from '../runtime/storage.js';
import { type Aval, formatAval, sameShape, sizeOf } from '../shape.js';
import type { Module } from './module.js';

/** Tensors by dotted name, in PyTorch's order. */
export type StateDict = Map<string, Tensor>;

export interface LoadReport {
  /** Names that the module has and the state dict has not. */
  readonly missing: string[];
  /** Names that the state dict has and the module has not. */
  readonly unexpected: string[];
}

export function stateDictOf(module: Module): StateDict {
  // A shared parameter is one tensor under several names: files have it once.
  const values = new Map<Cell, Tensor>();
  return new Map(
    module._namedCells().map(([name, cell]) => {
      const value = values.get(cell) ?? cell.detach();
      values.set(cell, value);
      const saved = savedDType(cell);
      if (saved) savedDTypes.set(value, saved);
      return [name, value];
    }),
  );
}

/** Of snapshots. */
const savedDTypes = new WeakMap<Tensor, 'int64'>();

/**
 * How a buffer, or a snapshot of it out of a state dict, is saved where that is not its own dtype: PyTorch counts batches
 * in int64.
 *
 * @example
 * const norm = new nn.BatchNorm2d(2);
 * nn.savedDType(norm.stateDict().get('num_batches_tracked')); // 'int64'
 */
export function savedDType(tensor: Tensor): 'int64' | undefined {
  return tensor instanceof Buffer ? tensor.savedDtype : savedDTypes.get(tensor);
}

export function loadStateDict(module: Module, state: StateDict, { strict = true }: { strict?: boolean }): LoadReport {
  if (!(state instanceof Map))
    throw new StateDictError(`loadStateDict: expected a Map from names to tensors${noMap(state)}`);
  const cells = new Map(module._namedCells());
  const report = fit('loadStateDict', module, cells, state, strict, isTensor);
  noGrad(() =>
    hide(() => {
      for (const [name, cell] of cells) {
        const value = state.get(name);
        if (value) assign(cell, value);
      }
    }),
  );
  return report;
}

function assign(cell: Cell, value: Tensor): void {
  const here = value.device === cell.device ? value : value.to(cell.device);
  cell.assign(here.dtype === cell.dtype ? here : here.to(cell.dtype));
}

/** A tensor that is not in memory yet: in a file, whose header says what it is. */
export interface StoredTensor extends Aval {
  /** Its row-major elements, in an array of their own: the caller keeps neither it nor another view of its memory. */
  read(): Promise<TypedArray>;
}

/** Options of {@link streamStateDict}. */
export interface StreamStateDictOptions {
  /** Whether names must be the same on both sides. Default true. */
  readonly strict?: boolean;
}

/**
 * `module.loadStateDict()` for weights that come from elsewhere one by one: each tensor is read when those before it are
 * on the device, and its array is given to the backend, so that the weights are in memory once. The module has its old
 * values until all are read, then all of the new ones; where something does not fit, or a read fails, it keeps them.
 *
 * Readers of files build on it; users call `loadInto` of `@fakkel/checkpoint`.
 *
 * @param state What is read, by name; in the order of the map.
 * @throws StateDictError as `module.loadStateDict()`, before anything is read.
 * @example
 * const net = new nn.Linear(2, 1);
 * await nn.streamStateDict(net, new Map([
 *   ['weight', { shape: [1, 2], dtype: 'float32', read: async () => Float32Array.of(1, 2) }],
 *   ['bias', { shape: [1], dtype: 'float32', read: async () => Float32Array.of(3) }],
 * ]));
 * await net(ones([1, 2])).item(); // 6
 */
export async function streamStateDict(
  module: Module,
  state: ReadonlyMap<string, StoredTensor>,
  { strict = true }: StreamStateDictOptions = {},
): Promise<LoadReport> {
  const cells = new Map(module._namedCells());
  const report = fit('streamStateDict', module, cells, state, strict, (value) => typeof value?.read === 'function');
  const ready: { readonly name: string; readonly cell: Cell; readonly device: Device; readonly storage: Storage }[] =
    [];
  const others: { readonly cell: Cell; readonly value: Tensor }[] = [];
  try {
    for (const [name, stored] of state) {
      const cell = cells.get(name);
      if (!cell) continue;
      const { shape, dtype } = stored;
      const data = await stored.read();
      checkElements(name, stored, data);
      const device = cell.device;
      if (dtype !== cell.dtype) {
        others.push({ cell, value: fromHost(data, { shape, dtype }, device) });
        continue;
      }
      const storage = Storage.ofHost(cell, data, 'cell', cell.role);
      // Tensors without elements never reach a backend.
      if (data.length > 0) uploadOwned(device._runtime, storage);
      ready.push({ name, cell, device, storage });
    }
    const moved = ready.find(({ cell, device }) => cell.device !== device);
    if (moved) {
      throw new DeviceError(
        `streamStateDict: ${moved.name} moved from ${moved.device.name} to ${moved.cell.device.name} while the weights ` +
          `were read; nothing was loaded. Await the loading, then move the module.`,
      );
    }
  } catch (error) {
    for (const { storage, device } of ready) device._runtime.memory.retire(storage);
    throw error;
  }
  for (const { cell, storage } of ready) cell._replaceContents(storage);
  noGrad(() => hide(() => others.forEach(({ cell, value }) => assign(cell, value))));
  return report;
}

function checkElements(name: string, { shape, dtype }: Aval, data: TypedArray): void {
  const expected = allocate(dtype, 0).constructor;
  if (data?.constructor === expected && data.length === sizeOf(shape)) return;
  throw new StateDictError(
    `streamStateDict: ${name}: expected ${formatAval({ shape, dtype })} in a ${expected.name} of ${sizeOf(shape)} elements, ` +
      `got ${data?.constructor?.name ?? typeof data} of ${data?.length}`,
  );
}

/** Throws unless names and shapes agree. */
function fit<T extends Aval>(
  fn: string,
  module: Module,
  cells: ReadonlyMap<string, Cell>,
  state: ReadonlyMap<string, T>,
  strict: boolean,
  isValue: (value: T) => boolean,
): LoadReport {
  const missing = [...cells.keys()].filter((name) => !state.has(name));
  const unexpected = [...state.keys()].filter((name) => !cells.has(name));
  const misfits: string[] = [];
  for (const [name, cell] of cells) {
    const value = state.get(name);
    if (value === undefined) continue;
    if (!isValue(value)) misfits.push(`${name}: expected a tensor, got ${typeof value}`);
    else if (!sameShape(value.shape, cell.shape)) {
      misfits.push(`${name}: the module has ${formatAval(cell)}, the state dict ${formatAval(value)}`);
    }
  }
  if (misfits.length > 0 || (strict && missing.length + unexpected.length > 0)) {
    throw new StateDictError(
      [
        `${fn}: the state dict does not fit ${module.constructor.name}; nothing was loaded.`,
        ...(missing.length > 0 && strict ? [`  missing: ${first(missing).join(', ')}`] : []),
        ...(unexpected.length > 0 && strict ? [`  unexpected: ${first(unexpected).join(', ')}`] : []),
        ...first(misfits).map((line) => `  ${line}`),
        ...(strict && missing.length + unexpected.length > 0
          ? ['Pass { strict: false } to load what fits by name.']
          : []),
      ].join('\n'),
    );
  }
  return { missing, unexpected };
}

/** As many as tell what the matter is: of a deep network there are hundreds. */
const MOST_NAMED = 10;

/** The first few, and how many more there are. */
function first(lines: readonly string[]): readonly string[] {
  const more = lines.length - MOST_NAMED;
  return more <= 0 ? lines : [...lines.slice(0, MOST_NAMED), `… and ${more} more`];
}

/** What somebody gave who gave no map, and what they may have meant. */
function noMap(state: unknown): string {
  if (ArrayBuffer.isView(state) || state instanceof ArrayBuffer)
    return ', got bytes: pass loadSafetensors(bytes).tensors';
  if (typeof state === 'object' && state !== null) {
    if ((state as { tensors?: unknown }).tensors instanceof Map) return ', got a whole file: pass its .tensors';
    return ': new Map(Object.entries(state)) makes one of an object';
  }
  return `, got ${typeof state}`;
}
