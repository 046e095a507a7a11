/**
 * From samples to a batch: PyTorch's `default_collate`.
 */
import { DTypeError, isTensor, ShapeError, stack, type Device, type DType, type Tensor } from '@fakkel/core';
import { allocate, HostArray, ownDType, tensorOf } from './host-array.js';

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
  if (samples.length === 0) throw new ShapeError('collate: expected at least one sample');
  const context = { device: options.device, dtypes: options.dtypes ?? new Map<string, DType>() };
  return collate(samples, '', context) as Collated<T>;
}

interface Context {
  device: Device | undefined;
  dtypes: NumberDTypes;
}

function collate(values: readonly unknown[], path: string, context: Context): unknown {
  const first = values[0];
  if (first instanceof HostArray) return stackHost(same(values, path, isHostArray, String(first)), path, context);
  if (typeof first === 'number') return stackNumbers(same(values, path, isNumber, 'a number'), path, context);
  if (typeof first === 'boolean') {
    const data = Uint8Array.from(same(values, path, isBoolean, 'a boolean'), Number);
    return tensorOf(data, [data.length], 'bool', context.device);
  }
  if (typeof first === 'string') return same(values, path, isString, 'a string');
  if (isTensor(first)) return stack(same(values, path, isTensor, 'a tensor'));
  if (ArrayBuffer.isView(first)) {
    const op = `collate${at(path)}`;
    const arrays = values.map((v) => new HostArray(v as Float32Array, undefined, ownDType(op, v)));
    return stackHost(arrays, path, context);
  }
  if (Array.isArray(first)) {
    const rows = same(values, path, Array.isArray, 'an array');
    const odd = rows.findIndex((row) => row.length !== first.length);
    if (odd >= 0) {
      throw new ShapeError(
        `collate${at(path)}: sample 0 of the batch is an array of ${first.length}, sample ${odd} one of ${rows[odd].length}`,
      );
    }
    return first.map((_, i) => collate(column(rows, i), `${path}[${i}]`, context));
  }
  if (isPlainObject(first)) {
    const rows = same(values, path, isPlainObject, 'an object');
    const entries = Object.keys(first).map((key) => [key, collate(column(rows, key), `${path}.${key}`, context)]);
    return Object.fromEntries(entries) as unknown;
  }
  throw new DTypeError(
    `collate${at(path)}: cannot make a batch of ${describe(first)}. Hand out numbers, HostArrays, Float32Arrays, tensors, ` +
      `strings, or arrays and objects of these, or pass collateFn.`,
  );
}

/** One copy of each sample's memory into the batch's. */
function stackHost(arrays: readonly HostArray[], path: string, context: Context): Tensor {
  const { shape, dtype } = arrays[0];
  const size = arrays[0].data.length;
  const out = allocate(dtype, arrays.length * size);
  for (let i = 0; i < arrays.length; i++) {
    const a = arrays[i];
    if (a.dtype !== dtype || !sameShape(a.shape, shape)) {
      const what = `sample 0 of the batch is ${String(arrays[0])}, sample ${i} is ${String(a)}`;
      if (a.dtype !== dtype) throw new DTypeError(`collate${at(path)}: ${what}`);
      throw new ShapeError(`collate${at(path)}: ${what}. Resize or crop them to one shape, or pass collateFn.`);
    }
    out.set(a.data, i * size);
  }
  return tensorOf(out, [arrays.length, ...shape], dtype, context.device);
}

function stackNumbers(numbers: readonly number[], path: string, { device, dtypes }: Context): Tensor {
  const whole = numbers.every((n) => Number.isInteger(n) && n >= -(2 ** 31) && n < 2 ** 31);
  const before = dtypes.get(path);
  if (before === 'int32' && !whole) {
    throw new DTypeError(
      `collate${at(path)}: earlier batches held whole numbers only and were int32, this one holds ` +
        `${numbers.find((n) => !Number.isInteger(n)) ?? 'numbers beyond int32'}. Hand out Float32Array.of(y), which is ` +
        `float32 in every batch.`,
    );
  }
  const dtype = before ?? (whole ? 'int32' : 'float32');
  dtypes.set(path, dtype);
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

function isPlainObject(value: unknown): value is Record<string, unknown> {
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
