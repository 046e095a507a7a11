/**
 * From samples to a batch: PyTorch's `default_collate`.
 */
import {
  DTypeError,
  isTensor,
  type Shape,
  ShapeError,
  stack,
  type Device,
  type DType,
  type Tensor,
  type TypedArray,
} from '@fakkel/core';
import { allocate, HostArray, type HostDType, ownDType, sizeOf, tensorOf } from './host-array.js';

/** What a batch of samples of type `T` is: tensors where there were numbers and arrays. */
export type Collated<T> = T extends Tensor | HostArray | Float32Array | Float64Array | Int32Array | number | boolean
  ? Tensor
  : T extends string
    ? string[]
    : T extends readonly unknown[] | Record<string, unknown>
      ? { -readonly [K in keyof T]: Collated<T[K]> }
      : T extends object
        ? { [K in keyof T]: Collated<T[K]> }
        : never;

/**
 * What was decided about plain numbers in earlier batches, by their place in the sample, so that one field has one
 * dtype in all batches of a loader.
 */
export type NumberDTypes = Map<string, DType>;

/**
 * Merges samples into a batch, as `torch.utils.data.default_collate`:
 *
 * | samples are | the batch is |
 * |---|---|
 * | {@link HostArray}s or typed arrays of one shape | a tensor of shape `[N, ...shape]` |
 * | tensors | `stack(samples)` |
 * | numbers | a tensor `[N]`: int32 if all are whole (labels), else float32 |
 * | booleans | a bool tensor `[N]` |
 * | strings | an array of strings |
 * | arrays (tuples), plain objects | the same, field by field |
 *
 * JavaScript does not tell 1 from 1.0: hand out regression targets as `Float32Array.of(y)` or a float32 `HostArray`.
 * A loader remembers: a field that has held fractions stays float32, and one that turns from whole numbers to fractions
 * is an error.
 *
 * @param samples - At least one.
 * @param options - `device` for the tensors, default the default device; `dtypes`, what a loader remembers.
 * @throws ShapeError if shapes differ; DTypeError if types differ or are not among the above.
 * @example
 * const [x, y] = defaultCollate([
 *   [Float32Array.of(1, 2), 0],
 *   [Float32Array.of(3, 4), 1],
 * ] as [Float32Array, number][]); // float32[2,2] and int32[2]
 */
export function defaultCollate<T>(
  samples: readonly T[],
  options: { device?: Device; dtypes?: NumberDTypes } = {},
): Collated<T> {
  return finish(gather(samples), options) as Collated<T>;
}

/**
 * A batch before it has tensors, as plain data: what a worker makes of samples, and the loader's thread finishes.
 *
 * Plain numbers stay numbers, because their dtype depends on the batches before.
 */
export type Gathered =
  | { readonly kind: 'stack'; readonly dtype: HostDType; readonly shape: Shape; readonly rows: readonly HostArray[] }
  /** A stack in one piece; not this thread's to keep. */
  | { readonly kind: 'stored'; readonly dtype: HostDType; readonly shape: Shape; readonly data: TypedArray }
  | { readonly kind: 'tensors'; readonly values: readonly Tensor[] }
  | { readonly kind: 'numbers'; readonly values: readonly number[] }
  | { readonly kind: 'booleans'; readonly values: readonly boolean[] }
  | { readonly kind: 'strings'; readonly values: readonly string[] }
  | { readonly kind: 'tuple'; readonly items: readonly Gathered[] }
  | { readonly kind: 'record'; readonly keys: readonly string[]; readonly items: readonly Gathered[] };

/** Checks that samples are alike, and sorts them by field. No array is copied yet. */
export function gather(samples: readonly unknown[], path = ''): Gathered {
  if (samples.length === 0) throw new ShapeError('collate: expected at least one sample');
  const first = samples[0];
  if (first instanceof HostArray) return stackOf(same(samples, path, isHostArray, String(first)), path);
  if (typeof first === 'number') return { kind: 'numbers', values: same(samples, path, isNumber, 'a number') };
  if (typeof first === 'boolean') return { kind: 'booleans', values: same(samples, path, isBoolean, 'a boolean') };
  if (typeof first === 'string') return { kind: 'strings', values: same(samples, path, isString, 'a string') };
  if (isTensor(first)) return { kind: 'tensors', values: same(samples, path, isTensor, 'a tensor') };
  if (ArrayBuffer.isView(first)) {
    const op = `collate${at(path)}`;
    const arrays = samples.map((v) => new HostArray(v as Float32Array, undefined, ownDType(op, v)));
    return stackOf(arrays, path);
  }
  if (Array.isArray(first)) {
    const rows = same(samples, path, Array.isArray, 'an array');
    const odd = rows.findIndex((row) => row.length !== first.length);
    if (odd >= 0) {
      throw new ShapeError(
        `collate${at(path)}: sample 0 of the batch is an array of ${first.length}, sample ${odd} one of ${rows[odd].length}`,
      );
    }
    return { kind: 'tuple', items: first.map((_, i) => gather(column(rows, i), `${path}[${i}]`)) };
  }
  if (isPlainObject(first)) {
    const rows = same(samples, path, isPlainObject, 'an object');
    const keys = Object.keys(first);
    return { kind: 'record', keys, items: keys.map((key) => gather(column(rows, key), `${path}.${key}`)) };
  }
  throw new DTypeError(
    `collate${at(path)}: cannot make a batch of ${describe(first)}. Hand out numbers, HostArrays, Float32Arrays, tensors, ` +
      `strings, or arrays and objects of these, or pass collateFn.`,
  );
}

function stackOf(rows: readonly HostArray[], path: string): Gathered {
  const { shape, dtype } = rows[0];
  rows.forEach((row, i) => {
    if (row.dtype === dtype && sameShape(row.shape, shape)) return;
    const what = `sample 0 of the batch is ${String(rows[0])}, sample ${i} is ${String(row)}`;
    if (row.dtype !== dtype) throw new DTypeError(`collate${at(path)}: ${what}`);
    throw new ShapeError(`collate${at(path)}: ${what}. Resize or crop them to one shape, or pass collateFn.`);
  });
  return { kind: 'stack', dtype, shape: [rows.length, ...shape], rows };
}

/** One copy of each sample's memory into the batch's. */
export function writeRows(rows: readonly HostArray[], out: TypedArray): void {
  const size = rows[0].data.length;
  rows.forEach((row, i) => out.set(row.data, i * size));
}

/** The batch itself. Memory of `stored` arrays may be used again afterwards. */
export function finish(
  batch: Gathered,
  options: { device?: Device | undefined; dtypes?: NumberDTypes } = {},
  path = '',
): unknown {
  const { device } = options;
  switch (batch.kind) {
    case 'stack': {
      const out = allocate(batch.dtype, sizeOf(batch.shape));
      writeRows(batch.rows, out);
      return tensorOf(out, batch.shape, batch.dtype, device);
    }
    case 'stored':
      return tensorOf(batch.data, batch.shape, batch.dtype, device);
    case 'tensors':
      return stack(batch.values);
    case 'numbers':
      return numbersTensor(batch.values, path, options);
    case 'booleans':
      return tensorOf(Uint8Array.from(batch.values, Number), [batch.values.length], 'bool', device);
    case 'strings':
      return batch.values;
    case 'tuple':
      return batch.items.map((item, i) => finish(item, options, `${path}[${i}]`));
    case 'record': {
      const { keys, items } = batch;
      return Object.fromEntries(keys.map((key, i) => [key, finish(items[i], options, `${path}.${key}`)]));
    }
    default:
      return batch satisfies never;
  }
}

function numbersTensor(
  numbers: readonly number[],
  path: string,
  { device, dtypes }: { device?: Device | undefined; dtypes?: NumberDTypes },
): Tensor {
  const whole = numbers.every((n) => Number.isInteger(n) && n >= -(2 ** 31) && n < 2 ** 31);
  const before = dtypes?.get(path);
  if (before === 'int32' && !whole) {
    throw new DTypeError(
      `collate${at(path)}: earlier batches held whole numbers only and were int32, this one holds ` +
        `${numbers.find((n) => !Number.isInteger(n)) ?? 'numbers beyond int32'}. Hand out Float32Array.of(y), which is ` +
        `float32 in every batch.`,
    );
  }
  const dtype = before ?? (whole ? 'int32' : 'float32');
  dtypes?.set(path, dtype);
  const data = dtype === 'int32' ? Int32Array.from(numbers) : Float32Array.from(numbers);
  return tensorOf(data, [data.length], dtype, device);
}

/** `values`, if all are what the first is. */
function same<V>(values: readonly unknown[], path: string, is: (value: unknown) => value is V, expected: string): V[] {
  const odd = values.findIndex((value) => !is(value));
  if (odd >= 0) {
    throw new DTypeError(
      `collate${at(path)}: sample 0 of the batch is ${expected}, sample ${odd} is ${describe(values[odd])}`,
    );
  }
  return values as V[];
}

function column(rows: readonly unknown[], key: string | number): unknown[] {
  return rows.map((row) => (row as Record<string | number, unknown>)[key]);
}

const isHostArray = (value: unknown): value is HostArray => value instanceof HostArray;
const isNumber = (value: unknown): value is number => typeof value === 'number';
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
const isString = (value: unknown): value is string => typeof value === 'string';

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((n, i) => n === b[i]);
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (value instanceof HostArray) return String(value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  return `an object of class ${value.constructor?.name ?? 'Object'}`;
}

/** Where in the sample: ` of sample[1]`. */
function at(path: string): string {
  return path === '' ? '' : ` of sample${path}`;
}
