/**
 * Tables that ops are composed with (the cells of pooling windows): made once a geometry and device.
 */
import { allocate, type DType } from '../dtype.js';
import { fromHost } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { MAX_CONSTANT_ELEMENTS } from '../program/program.js';
import type { Device } from '../runtime/device.js';

const MAX_TABLES = 256;
const tables = new WeakMap<Device, Map<string, Tensor>>();

/** A vector of `values` on `device`; `key` names its contents. */
export function hostConstant(device: Device, dtype: DType, key: string, values: () => readonly number[]): Tensor {
  let known = tables.get(device);
  if (!known) tables.set(device, (known = new Map<string, Tensor>()));
  let table = known.get(key);
  if (!table) {
    const list = values();
    const data = allocate(dtype, list.length);
    data.set(list);
    const kind = list.length <= MAX_CONSTANT_ELEMENTS ? 'literal' : 'data';
    table = fromHost(data, { shape: [list.length], dtype }, device, kind);
    if (known.size >= MAX_TABLES) known.delete(known.keys().next().value as string);
    known.set(key, table);
  }
  return table;
}
