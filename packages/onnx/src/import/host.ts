/**
 * Values that are known while a graph is recorded: constants, shapes and what is computed of them. Core's shapes are
 * numbers at the call, so `Shape → Gather → Concat → Reshape` is arithmetic on the host and never reaches a program.
 */
import { type Device, fromArray, type Tensor, type TypedArray } from '@fakkel/core';
import { elementCount } from '../dtypes.js';
import { OnnxError } from '../errors.js';
import type { OnnxDType, OnnxTensor } from '../model.js';
import { tensorData } from '../tensors.js';

/** An array on the host. Integers are JavaScript numbers: exact up to 2⁵³, beyond it "to the end". */
export class Host {
  private tensors: Map<Device, Tensor> | null = null;

  constructor(
    readonly dtype: OnnxDType,
    readonly shape: readonly number[],
    readonly data: ArrayLike<number>,
  ) {}

  /** On a device, in the dtype that core has for it; a constant is made once for each device. */
  on(device: Device): Tensor {
    this.tensors ??= new Map();
    let tensor = this.tensors.get(device);
    if (!tensor) this.tensors.set(device, (tensor = fromArray(this.array(), this.shape, { device })));
    return tensor;
  }

  private array(): TypedArray {
    const { data } = this;
    switch (coreDType(this.dtype)) {
      case 'float32':
        return Float32Array.from(data);
      case 'float64':
        return Float64Array.from(data);
      case 'bool':
        return Uint8Array.from(data);
      default: {
        const integers = Int32Array.from(data);
        const wide = integers.findIndex((n, i) => n !== data[i]);
        if (wide >= 0) {
          throw new OnnxError(
            `the ${this.dtype} ${data[wide]} does not fit into int32, which is the integer that tensors have here.`,
          );
        }
        return integers;
      }
    }
  }
}

/** Core's dtype for an ONNX element type: half precision is computed in float32, every integer in int32. */
export function coreDType(dtype: OnnxDType): 'float32' | 'float64' | 'int32' | 'bool' {
  switch (dtype) {
    case 'float32':
    case 'float16':
    case 'bfloat16':
      return 'float32';
    case 'float64':
    case 'bool':
      return dtype;
    case 'string':
      throw new OnnxError('strings are not supported: tensors hold numbers.');
    default:
      return 'int32';
  }
}

export const isFloating = (dtype: OnnxDType): boolean => /float/.test(dtype);

/** A constant of the file. */
export function hostOf(tensor: OnnxTensor): Host {
  if (tensor.dtype === 'string') return new Host('string', tensor.shape, []);
  const data = tensorData(tensor, { widen: true });
  const wide = data instanceof BigInt64Array || data instanceof BigUint64Array;
  return new Host(tensor.dtype, tensor.shape, wide ? Array.from(data, Number) : data);
}

/** int64, as shapes and indices are. */
export const integers = (data: readonly number[], shape: readonly number[] = [data.length]): Host =>
  new Host('int64', shape, data);

/** What an element type holds of a number: integers are cut towards zero, bool is 0 or 1, float32 is rounded. */
export function rounded(value: number, dtype: OnnxDType): number {
  if (dtype === 'bool') return Number(value !== 0);
  if (dtype === 'float64') return value;
  return isFloating(dtype) ? Math.fround(value) : Math.trunc(value);
}

/** The shape that all broadcast to, NumPy's way. */
export function broadcastShape(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = shapes.map((shape) => shape[i - rank + shape.length] ?? 1).filter((size) => size !== 1);
    if (sizes.some((size) => size !== sizes[0])) {
      throw new OnnxError(`shapes ${shapes.map((shape) => `[${shape.join(',')}]`).join(' and ')} do not broadcast.`);
    }
    return sizes[0] ?? 1;
  });
}

/** Calls `visit` with every index of a shape in row-major order; the array is one and the same. */
function forEachIndex(shape: readonly number[], visit: (index: readonly number[], at: number) => void): void {
  const index = shape.map(() => 0);
  for (let at = 0, count = elementCount(shape); at < count; at++) {
    visit(index, at);
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis] === shape[axis]; axis--) index[axis] = 0;
  }
}

/** Row-major strides, 0 along axes of size 1, so that they broadcast. */
function stridesOf(shape: readonly number[]): number[] {
  let step = 1;
  const strides = shape.map(() => 0);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = shape[axis] === 1 ? 0 : step;
    step *= shape[axis];
  }
  return strides;
}

/** A function of the elements at one place of all inputs, which broadcast. */
export function mapHost(inputs: readonly Host[], dtype: OnnxDType, fn: (...values: number[]) => number): Host {
  const shape = broadcastShape(inputs.map((input) => input.shape));
  const strides = inputs.map((input) => {
    const own = stridesOf(input.shape);
    return [...shape.map(() => 0), ...own].slice(own.length);
  });
  const data = new Array<number>(elementCount(shape));
  forEachIndex(shape, (index, at) => {
    const values = inputs.map((input, i) => input.data[index.reduce((sum, n, axis) => sum + n * strides[i][axis], 0)]);
    data[at] = rounded(fn(...values), dtype);
  });
  return new Host(dtype, shape, data);
}

/** Elements moved: each of the result's indices says which index of `x` it comes from. */
export function moveHost(
  x: Host,
  shape: readonly number[],
  from: (index: readonly number[]) => readonly number[],
): Host {
  const strides = stridesOf(x.shape);
  const data = new Array<number>(elementCount(shape));
  forEachIndex(shape, (index, at) => {
    data[at] = x.data[from(index).reduce((sum, n, axis) => sum + n * strides[axis], 0)];
  });
  return new Host(x.dtype, shape, data);
}

/** All elements along some axes folded into one; the axes keep size 1. */
export function foldHost(
  x: Host,
  axes: readonly number[],
  fold: (values: readonly number[]) => number,
  dtype: OnnxDType = x.dtype,
): Host {
  const shape = x.shape.map((size, axis) => (axes.includes(axis) ? 1 : size));
  const strides = stridesOf(shape);
  const groups = Array.from({ length: elementCount(shape) }, (): number[] => []);
  forEachIndex(x.shape, (index, at) => {
    groups[index.reduce((sum, n, axis) => sum + n * strides[axis], 0)].push(x.data[at]);
  });
  return new Host(
    dtype,
    shape,
    groups.map((values) => rounded(fold(values), dtype)),
  );
}
