/**
 * What `tensor(…)` is given, read into one typed array.
 */
import { allocate, isFloat, type DType, type TypedArray } from '../dtype.js';
import { OutOfRangeError, ShapeError } from '../errors.js';
import { describe } from '../graph/record.js';
import { sizeOf } from '../shape.js';
import { isOutOfInt32 } from './host.js';

/** Arrays of numbers that JavaScript stores flat. */
export type FlatData =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint8ClampedArray
  | Uint16Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** A number, a boolean, a typed array, or nested arrays of them. */
export type TensorData = number | boolean | FlatData | readonly TensorData[];

interface Contents {
  readonly data: TypedArray;
  readonly shape: number[];
  readonly dtype: DType;
}

/** A copy of `data` in `dtype`, by default the one that its type says. */
export function readData(data: TensorData, dtype?: DType): Contents {
  if (isFlat(data)) {
    const type = dtype ?? dtypeOf(data);
    return { data: copyAs(data, type), shape: [data.length], dtype: type };
  }
  const shape = nestingOf(data);
  const type = dtype ?? leafDType(data);
  const out = allocate(type, sizeOf(shape));
  fill(out, 0, data, shape, 0, type, []);
  return { data: out, shape, dtype: type };
}

function copyAs(data: FlatData, dtype: DType): TypedArray {
  // A constructor copies into memory that nothing was written to; `allocate` would fill it with zeros first, which costs
  // as much as the copy of a batch.
  if (dtype === 'float32' && data instanceof Float32Array) return new Float32Array(data);
  if (dtype === 'float64' && data instanceof Float64Array) return new Float64Array(data);
  if (dtype === 'int32' && data instanceof Int32Array) return new Int32Array(data);
  const out = allocate(dtype, data.length);
  write(out, 0, data, dtype, []);
  return out;
}

function isFlat(value: unknown): value is FlatData {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function dtypeOf(data: FlatData): DType {
  if (data instanceof Float32Array) return 'float32';
  return data instanceof Float64Array ? 'float64' : 'int32';
}

/** The shape that the first element of each level says; {@link fill} holds the others to it. */
function nestingOf(data: TensorData): number[] {
  const shape: number[] = [];
  let level: TensorData = data;
  while (Array.isArray(level) || isFlat(level)) {
    shape.push(level.length);
    level = (level as readonly TensorData[])[0];
    if (shape.at(-1) === 0) break;
  }
  return shape;
}

/** bool where all elements are booleans, the type of the rows where they are typed arrays, else float32. */
function leafDType(data: TensorData): DType {
  let first: TensorData = data;
  while (Array.isArray(first) && first.length > 0) first = (first as readonly TensorData[])[0];
  if (isFlat(first)) return dtypeOf(first);
  return typeof first === 'boolean' && onlyBooleans(data) ? 'bool' : 'float32';
}

function onlyBooleans(data: TensorData): boolean {
  return Array.isArray(data) ? data.every(onlyBooleans) : typeof data === 'boolean';
}

/** Writes `value`, whose place is `path`, from `offset` on; returns the offset after it. */
function fill(
  out: TypedArray,
  offset: number,
  value: TensorData,
  shape: readonly number[],
  axis: number,
  dtype: DType,
  path: readonly number[],
): number {
  const place = path.length > 0 ? ` at [${path.join(',')}]` : '';
  if (axis === shape.length) {
    if (typeof value !== 'number' && typeof value !== 'boolean') {
      if (Array.isArray(value) || isFlat(value)) ragged(place, 'a number', value);
      throw new TypeError(`tensor: expected a number or a boolean${place}, got ${describe(value)}`);
    }
    write(out, offset, [Number(value)], dtype, path);
    return offset + 1;
  }
  if (!Array.isArray(value) && !isFlat(value)) ragged(place, `${shape[axis]} elements`, value);
  const row = value as readonly TensorData[];
  if (row.length !== shape[axis]) ragged(place, `${shape[axis]} elements`, value);
  if (isFlat(value)) {
    if (axis < shape.length - 1) ragged(place, 'arrays', value);
    write(out, offset, value, dtype, path);
    return offset + value.length;
  }
  const isLast = axis === shape.length - 1;
  for (let i = 0; i < row.length; i++) {
    const element = row[i];
    // Most elements take this way: no path is built for them.
    if (isLast && isFloat(dtype) && typeof element === 'number') out[offset++] = element;
    else offset = fill(out, offset, element, shape, axis + 1, dtype, [...path, i]);
  }
  return offset;
}

function ragged(place: string, expected: string, value: unknown): never {
  const got = Array.isArray(value) || isFlat(value) ? `an array of ${value.length}` : describe(value);
  throw new ShapeError(
    `tensor: the rows differ in length: expected ${expected}${place}, as in the first row, got ${got}. Pad the rows to one length.`,
  );
}

/** Copies numbers, holding those that become int32 to its range. */
function write(
  out: TypedArray,
  offset: number,
  values: FlatData | readonly number[],
  dtype: DType,
  path: readonly number[],
): void {
  if (isFloat(dtype) && !(values instanceof BigInt64Array) && !(values instanceof BigUint64Array)) {
    (out as Float32Array).set(values, offset);
    return;
  }
  for (let i = 0; i < values.length; i++) {
    const value = Number(values[i]);
    if (dtype === 'int32' && isOutOfInt32(value)) {
      const place = isFlat(values) ? [...path, i] : path;
      throw new OutOfRangeError(
        `tensor: int32 holds −2147483648 to 2147483647, got ${values[i]} at [${place.join(',')}]. Use { dtype: 'float64' }.`,
      );
    }
    out[offset + i] = dtype === 'bool' ? Number(value !== 0) : value;
  }
}
