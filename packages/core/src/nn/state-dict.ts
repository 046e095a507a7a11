/**
 * State dicts: the values of a module by PyTorch's names.
 */
import { StateDictError } from '../errors.js';
import { isTensor, type Tensor } from '../graph/tensor.js';
import { hide, noGrad } from '../graph/modes.js';
import type { Buffer } from '../runtime/cell.js';
import { formatAval, sameShape } from '../shape.js';
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
  return new Map(module._namedCells().map(([name, cell]) => [name, cell.detach()]));
}

/** How each value is saved where it is not its tensor's dtype: PyTorch's int64 counters. */
export function savedDTypes(module: Module): Map<string, 'int64'> {
  const found = new Map<string, 'int64'>();
  for (const [name, cell] of module._namedCells()) {
    const saved = (cell as Buffer).savedDtype;
    if (saved) found.set(name, saved);
  }
  return found;
}

export function loadStateDict(module: Module, state: StateDict, { strict = true }: { strict?: boolean }): LoadReport {
  if (!(state instanceof Map))
    throw new StateDictError(`loadStateDict: expected a Map from names to tensors${noMap(state)}`);
  const cells = new Map(module._namedCells());
  const missing = [...cells.keys()].filter((name) => !state.has(name));
  const unexpected = [...state.keys()].filter((name) => !cells.has(name));
  const misfits: string[] = [];
  for (const [name, cell] of cells) {
    const value = state.get(name);
    if (value === undefined) continue;
    if (!isTensor(value)) misfits.push(`${name}: expected a tensor, got ${typeof value}`);
    else if (!sameShape(value.shape, cell.shape)) {
      misfits.push(`${name}: the module has ${formatAval(cell)}, the state dict ${formatAval(value)}`);
    }
  }
  if (misfits.length > 0 || (strict && missing.length + unexpected.length > 0)) {
    throw new StateDictError(
      [
        `loadStateDict: the state dict does not fit ${module.constructor.name}; nothing was loaded.`,
        ...(missing.length > 0 && strict ? [`  missing: ${missing.join(', ')}`] : []),
        ...(unexpected.length > 0 && strict ? [`  unexpected: ${unexpected.join(', ')}`] : []),
        ...misfits.map((line) => `  ${line}`),
        ...(strict && missing.length + unexpected.length > 0
          ? ['Pass { strict: false } to load what fits by name.']
          : []),
      ].join('\n'),
    );
  }
  noGrad(() =>
    hide(() => {
      for (const [name, cell] of cells) {
        const value = state.get(name);
        if (!value) continue;
        const here = value.device === cell.device ? value : value.to(cell.device);
        cell.assign(here.dtype === cell.dtype ? here : here.to(cell.dtype));
      }
    }),
  );
  return { missing, unexpected };
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
