/**
 * Element types, their host arrays, and PyTorch's promotion among them.
 */
import { DTypeError } from './errors.js';

/** What programs compute with. `bool` is stored as one byte an element. */
export type DType = 'float32' | 'float64' | 'int32' | 'bool';

/** Element types that only files hold; they are converted when they are read or written. */
export type BoundaryDType = 'float16' | 'bfloat16' | 'int64' | 'int16' | 'int8' | 'uint8';

/** The host array of a tensor: `Uint8Array` holds bool. */
export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

export const DTYPES: readonly DType[] = ['float32', 'float64', 'int32', 'bool'];

const BYTES: Record<DType, number> = { float32: 4, float64: 8, int32: 4, bool: 1 };

/** Bytes per element. */
export function itemSize(dtype: DType): number {
  return BYTES[dtype];
}

/** A zeroed host array of `length` elements. */
export function allocate(dtype: DType, length: number): TypedArray {
  switch (dtype) {
    case 'float32':
      return new Float32Array(length);
    case 'float64':
      return new Float64Array(length);
    case 'int32':
      return new Int32Array(length);
    case 'bool':
      return new Uint8Array(length);
    default:
      return dtype satisfies never;
  }
}

export function isFloat(dtype: DType): boolean {
  return dtype === 'float32' || dtype === 'float64';
}

// bool < int32 < float32 < float64, as in PyTorch for the types that both have.
const RANK: Record<DType, number> = { bool: 0, int32: 1, float32: 2, float64: 3 };

/** The type that holds both, as `torch.promote_types`. */
export function promote(a: DType, b: DType): DType {
  return RANK[a] >= RANK[b] ? a : b;
}

/**
 * The type of a JavaScript number or boolean beside a tensor of type `beside`: a number never widens a tensor
 * within its category (`float32 * 0.5` stays float32), and a fraction turns integers into float32, as in PyTorch.
 */
export function scalarDType(value: number | boolean, beside: DType): DType {
  if (typeof value === 'boolean' || isFloat(beside)) return beside;
  if (!Number.isInteger(value)) return 'float32';
  return beside === 'bool' ? 'int32' : beside;
}

/** Throws unless `dtype` is one that programs compute with. */
export function checkDType(op: string, dtype: string): asserts dtype is DType {
  if (!(DTYPES as readonly string[]).includes(dtype)) {
    throw new DTypeError(`${op}: unknown dtype '${dtype}'. Known: ${DTYPES.join(', ')}`);
  }
}
