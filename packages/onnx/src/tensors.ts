import { bfloat16ToFloat32, float16ToFloat32, float32ToBfloat16, float32ToFloat16 } from '@fakkel/core';
import { elementCount } from './dtypes.js';
import { OnnxError } from './errors.js';
import type { OnnxDType, OnnxTensor } from './model.js';

/** The elements of a tensor as JavaScript has them: bits for float16 and bfloat16, a byte each for bool. */
export type TensorData =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>;

/** What {@link tensorFrom} takes: a typed array, or plain numbers. */
export type TensorValues = ArrayBufferView | readonly (number | bigint)[];

const ARRAYS = {
  float32: Float32Array,
  float64: Float64Array,
  uint8: Uint8Array,
  int8: Int8Array,
  bool: Uint8Array,
  uint16: Uint16Array,
  int16: Int16Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
} as const satisfies Record<Exclude<OnnxDType, 'string'>, unknown>;

const NARROW = { float16: float32ToFloat16, bfloat16: float32ToBfloat16 } as const;
const WIDEN = { float16: float16ToFloat32, bfloat16: bfloat16ToFloat32 } as const;

const isHalf = (dtype: OnnxDType): dtype is 'float16' | 'bfloat16' => dtype === 'float16' || dtype === 'bfloat16';

/**
 * A constant from its elements.
 *
 * A typed array of the right class is not copied: the tensor is a view of it. Plain numbers are converted, and so is a
 * `Float32Array` where float16 or bfloat16 is asked for (to the nearest, ties to even).
 *
 * @param values - the elements in row-major order: a typed array of the class that `dtype` has (int64 a
 * `BigInt64Array`, bool a `Uint8Array`, float16 a `Uint16Array` of bits or a `Float32Array`), or numbers.
 * @param dtype - the element type.
 * @param shape - sizes; their product is the number of elements. Default: one axis that holds all.
 * @param name - what nodes call it, for an initializer.
 * @throws OnnxError for an array of another class, and for a shape of another number of elements.
 * @example
 * const weight = tensorFrom(new Float32Array(6), 'float32', [2, 3], 'weight');
 * const axes = tensorFrom([0, -1], 'int64');
 * console.log(weight.data.byteLength, axes.shape); // 24 [2]
 */
export function tensorFrom(
  values: TensorValues,
  dtype: Exclude<OnnxDType, 'string'>,
  shape?: readonly number[],
  name?: string,
): OnnxTensor {
  const array = toArray(values, dtype);
  const dims = shape ?? [array.length];
  if (elementCount(dims) !== array.length) {
    throw new OnnxError(
      `tensorFrom: shape [${dims.join(',')}] has ${elementCount(dims)} elements, the values are ${array.length}.`,
    );
  }
  const data = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return { ...(name !== undefined && { name }), dtype, shape: [...dims], data };
}

function toArray(values: TensorValues, dtype: Exclude<OnnxDType, 'string'>) {
  const Class = ARRAYS[dtype];
  if (values instanceof Class) return values;
  if (isHalf(dtype) && values instanceof Float32Array) return NARROW[dtype](values);
  if (ArrayBuffer.isView(values)) {
    const or = isHalf(dtype) ? ' of bits or a Float32Array' : '';
    throw new OnnxError(
      `tensorFrom: ${dtype} takes a ${Class.name}${or}, got ${values.constructor.name}. Array.from(values) as plain numbers is converted.`,
    );
  }
  if (isHalf(dtype)) return NARROW[dtype](Float32Array.from(values, Number));
  if (dtype === 'int64' || dtype === 'uint64') return (Class as BigInt64ArrayConstructor).from(values, BigInt);
  return (Class as Float32ArrayConstructor).from(values, Number);
}

/**
 * The elements of a constant as a typed array: a view of its bytes where their place in memory allows it, else a copy.
 *
 * float16 and bfloat16 come as bits in a `Uint16Array`, or with `widen` as a `Float32Array`, which is exact; int64 as a
 * `BigInt64Array`; bool as a `Uint8Array` of 0 and 1.
 *
 * @throws OnnxError for strings, which are in `tensor.strings`.
 * @example
 * const half = tensorFrom([1, 0.5], 'float16');
 * console.log(tensorData(half)); // Uint16Array [ 15360, 14336 ]
 * console.log(tensorData(half, { widen: true })); // Float32Array [ 1, 0.5 ]
 */
export function tensorData(tensor: OnnxTensor, options: { readonly widen?: boolean } = {}): TensorData {
  const { dtype, data } = tensor;
  if (dtype === 'string') {
    throw new OnnxError(`tensorData: tensor '${tensor.name ?? ''}' holds strings; read tensor.strings.`);
  }
  const Class = ARRAYS[dtype];
  const size = Class.BYTES_PER_ELEMENT;
  if (data.byteLength % size !== 0) {
    throw new OnnxError(
      `tensorData: tensor '${tensor.name ?? ''}' has ${data.byteLength} bytes, no multiple of the ${size} of a ${dtype}.`,
    );
  }
  // Not `slice`: that of Node's `Buffer`, which reading a file gives, is a view.
  const { buffer, byteOffset } = (
    data.byteOffset % size === 0 ? data : new Uint8Array(data)
  ) as Uint8Array<ArrayBuffer>;
  const array = new Class(buffer, byteOffset, data.byteLength / size);
  return options.widen && isHalf(dtype) ? (WIDEN[dtype](array as Uint16Array) as Float32Array<ArrayBuffer>) : array;
}
