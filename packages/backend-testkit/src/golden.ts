/**
 * What a golden case is: inputs, outputs and gradients as PyTorch computes them in float64.
 */
import { type Aval, type DType, type TypedArray } from '@fakkel/core';

/** `float` is the dtype under test; the others are fixed. */
export type GoldenDType = 'float' | 'float32' | 'int32' | 'bool';

/** A tensor of a golden case, row-major. */
export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: readonly number[];
  /** `float` where it is left out. */
  readonly dtype?: GoldenDType;
}

/** An input; where it has `grad`, the gradient of Σ output · cotangent to it, null where PyTorch finds none. */
export interface GoldenInput extends GoldenTensor {
  readonly grad?: readonly number[] | null;
}

export interface GoldenOutput extends GoldenTensor {
  /** What flows into this output; left out where no gradient does. */
  readonly cotangent?: readonly number[];
}

/** One sample of one op. */
export interface GoldenCase {
  /** The key of its adapter. */
  readonly op: string;
  readonly name: string;
  /** Arguments beside tensors, with PyTorch's names in camelCase. */
  readonly args: Readonly<Record<string, unknown>>;
  readonly inputs: readonly GoldenInput[];
  readonly outputs: readonly GoldenOutput[];
}

/** The float types that cases run in. */
export type FloatDType = 'float32' | 'float64';

/** The dtype of a golden tensor when the cases run in `float`. */
export function concreteDType(golden: GoldenTensor, float: FloatDType): DType {
  return golden.dtype === undefined || golden.dtype === 'float' ? float : golden.dtype;
}

/**
 * The elements of an input or cotangent. Golden files hold short decimals that stand for the nearest float32, so that
 * float32 and float64 compute on exactly the same numbers.
 */
export function inputData(golden: GoldenTensor, float: FloatDType): { data: TypedArray; aval: Aval } {
  const dtype = concreteDType(golden, float);
  const rounded = dtype === 'float64' ? golden.data.map(Math.fround) : golden.data;
  return { data: typedArray(dtype, rounded), aval: { shape: golden.shape, dtype } };
}

/** A host array of `dtype`. */
export function typedArray(dtype: DType, data: readonly number[]): TypedArray {
  switch (dtype) {
    case 'float32':
      return Float32Array.from(data);
    case 'float64':
      return Float64Array.from(data);
    case 'int32':
      return Int32Array.from(data);
    case 'bool':
      return Uint8Array.from(data);
    default:
      return dtype satisfies never;
  }
}
