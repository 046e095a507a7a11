/**
 * Arrays on the host: what datasets hold and hand out. A batch of them becomes one tensor.
 */
import {
  DTypeError,
  OutOfRangeError,
  ShapeError,
  tensor,
  type Device,
  type DType,
  type Shape,
  type Tensor,
  type TypedArray,
} from '@fakkel/core';

/** The dtypes of tensors, and bytes: the pixels of an image file. */
export type HostDType = DType | 'uint8';

/**
 * An n-dimensional array in ordinary memory, row-major: the NumPy array of a PyTorch dataset. It is no tensor: nothing
 * is recorded for it, so a dataset may hand out thousands cheaply, and transforms work on {@link HostArray.data}.
 *
 * @example
 * const image = new HostArray(new Float32Array(28 * 28), [1, 28, 28]);
 * image.toString(); // 'float32[1,28,28]'
 */
export class HostArray {
  /** The elements, row-major. Rows that a dataset hands out are views: copy before writing. */
  readonly data: TypedArray;
  /** Sizes of the axes; `[]` for a single value. */
  readonly shape: Shape;
  /** What a batch of these will be; `uint8` is that of images as they are in files, before `ToTensor`. */
  readonly dtype: HostDType;

  /**
   * @param data - The elements; not copied.
   * @param shape - Default: one axis over all of them.
   * @param dtype - Default: the array's own. A `Uint8Array` needs it: 'uint8' for pixels, 'bool' for a mask.
   * @throws ShapeError if the shape does not hold as many elements; DTypeError if the array does not hold the dtype.
   */
  constructor(data: TypedArray, shape: Shape = [data.length], dtype: HostDType = ownDType('HostArray', data)) {
    const size = sizeOf(shape);
    if (size !== data.length || !shape.every((n) => Number.isInteger(n) && n >= 0)) {
      throw new ShapeError(`HostArray: shape [${shape.join(',')}] holds ${size} elements, the data has ${data.length}`);
    }
    if (!(data instanceof ARRAYS[dtype])) {
      throw new DTypeError(`HostArray: ${dtype} is held in a ${ARRAYS[dtype].name}, got a ${data.constructor.name}`);
    }
    this.data = data;
    this.shape = shape;
    this.dtype = dtype;
  }

  /** Number of elements. */
  numel(): number {
    return this.data.length;
  }

  /** Row `index` along the first axis: a view, of shape `shape.slice(1)`. */
  row(index: number): HostArray {
    if (this.shape.length === 0) throw new ShapeError(`HostArray.row: ${String(this)} has no axes`);
    checkIndex('HostArray.row', index, this.shape[0]);
    const shape = this.shape.slice(1);
    const size = sizeOf(shape);
    return new HostArray(this.data.subarray(index * size, (index + 1) * size), shape, this.dtype);
  }

  /** A tensor with a copy of these contents. */
  toTensor(device?: Device): Tensor {
    return tensorOf(this.data, this.shape, this.dtype, device);
  }

  /** Dtype and shape: `float32[1,28,28]`. */
  toString(): string {
    return `${this.dtype}[${this.shape.join(',')}]`;
  }
}

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  bool: Uint8Array,
  uint8: Uint8Array,
} as const;

/** A zeroed array for `length` elements. */
export function allocate(dtype: HostDType, length: number): TypedArray {
  return new ARRAYS[dtype](length);
}

/** The dtype that a typed array has without being told; an error that teaches for those that have none. */
export function ownDType(op: string, data: unknown): DType {
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Uint8Array || data instanceof Uint8ClampedArray) {
    throw new DTypeError(
      `${op}: a ${data.constructor.name} may hold an image or a mask. Write new HostArray(bytes, shape, 'uint8') for an ` +
        `image, Int32Array.from(bytes) for labels, new HostArray(bytes, shape, 'bool') for a mask.`,
    );
  }
  const what = ArrayBuffer.isView(data) ? `a ${data.constructor.name}` : typeof data;
  throw new DTypeError(`${op}: expected a Float32Array, Float64Array or Int32Array, got ${what}`);
}

/** A {@link HostArray}, or a typed array, which is one with one axis. */
export type HostSource = HostArray | Float32Array | Float64Array | Int32Array;

/** `value` as a host array. */
export function asHostArray(op: string, value: HostSource): HostArray {
  return value instanceof HostArray ? value : new HostArray(value, [value.length], ownDType(op, value));
}

/** The contents of a tensor. */
export async function readTensor(t: Tensor): Promise<HostArray> {
  return new HostArray(await t.data(), t.shape, t.dtype);
}

/** A tensor with a copy of `data`. */
export function tensorOf(data: TypedArray, shape: Shape, dtype: HostDType, device?: Device): Tensor {
  if (dtype === 'uint8') {
    throw new DTypeError(
      `A tensor has no dtype uint8, got an image uint8[${shape.join(',')}]. End the transforms with ` +
        `new transforms.ToTensor(), which makes it float32 from 0 to 1.`,
    );
  }
  return tensor(data, { shape, dtype, ...(device && { device }) });
}

/** Number of elements of a shape. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((n, d) => n * d, 1);
}

/** Throws unless `index` is a whole number from 0 to length − 1. */
export function checkIndex(op: string, index: number, length: number): void {
  if (Number.isInteger(index) && index >= 0 && index < length) return;
  throw new OutOfRangeError(`${op}: index ${index} is out of range for ${length} samples (0 to ${length - 1})`);
}
