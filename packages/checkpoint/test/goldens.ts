/**
 * The files of tools/goldens/checkpoints.py, and what PyTorch says is in them.
 */
import { isTensor } from '@fakkel/core';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = new URL('./goldens/', import.meta.url);

export const path = (file: string): string => fileURLToPath(new URL(file, folder));
export const bytesOf = (file: string): Uint8Array => new Uint8Array(readFileSync(path(file)));

/** By file. */
export const expected = JSON.parse(
  readFileSync(new URL('expected.json', folder), 'utf8').replaceAll('NaN', '"NaN"').replaceAll('""NaN""', '"NaN"'),
) as Record<string, unknown>;

/** What the files' dtypes become. */
const COMPUTED: Record<string, string> = {
  float16: 'float32',
  bfloat16: 'float32',
  int64: 'int32',
  int16: 'int32',
  int8: 'int32',
  uint8: 'int32',
};

/** The expected value, with the dtypes that tensors have here, for comparison with {@link plain}. */
export function computed(value: any): unknown {
  if (Array.isArray(value)) return value.map(computed);
  if (typeof value !== 'object' || value === null) return value;
  if ('tensor' in value) return { ...value, tensor: COMPUTED[value.tensor] ?? value.tensor };
  if ('dict' in value) return { dict: value.dict.map(computed) };
  return value;
}

/** What was loaded, as the golden writes it. */
export async function plain(value: unknown): Promise<unknown> {
  if (isTensor(value)) {
    const data = Array.from(await value.data());
    return { tensor: value.dtype, shape: [...value.shape], values: value.dtype === 'bool' ? data.map(Boolean) : data };
  }
  if (value instanceof Map) {
    const entries: unknown[] = [];
    for (const [key, item] of value) entries.push([await plain(key), await plain(item)]);
    return { dict: entries };
  }
  if (value instanceof Set) return { set: [...value].sort() };
  if (value instanceof Uint8Array) return { bytes: [...value] };
  if (Array.isArray(value)) return Promise.all(value.map(plain));
  if (typeof value === 'bigint') return { int: String(value) };
  if (Number.isNaN(value)) return { float: 'NaN' };
  return value;
}
