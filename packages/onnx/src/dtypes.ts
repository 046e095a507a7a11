import type { OnnxDType } from './model.js';

interface DTypeInfo {
  /** Its number in the file (`TensorProto.DataType`). */
  readonly code: number;
  /** Bytes of an element in `OnnxTensor.data`; 0 for strings, which have no fixed size. */
  readonly itemSize: number;
}

/** What is known of each element type. */
export const DTYPES: Readonly<Record<OnnxDType, DTypeInfo>> = {
  float32: { code: 1, itemSize: 4 },
  uint8: { code: 2, itemSize: 1 },
  int8: { code: 3, itemSize: 1 },
  uint16: { code: 4, itemSize: 2 },
  int16: { code: 5, itemSize: 2 },
  int32: { code: 6, itemSize: 4 },
  int64: { code: 7, itemSize: 8 },
  string: { code: 8, itemSize: 0 },
  bool: { code: 9, itemSize: 1 },
  float16: { code: 10, itemSize: 2 },
  float64: { code: 11, itemSize: 8 },
  uint32: { code: 12, itemSize: 4 },
  uint64: { code: 13, itemSize: 8 },
  bfloat16: { code: 16, itemSize: 2 },
};

const BY_CODE = new Map(Object.entries(DTYPES).map(([dtype, { code }]) => [code, dtype as OnnxDType]));

/** Names of the element types that Fakkel does not read, for its errors. Newer files use the later ones. */
const UNREAD: Readonly<Record<number, string>> = {
  14: 'complex64',
  15: 'complex128',
  17: 'float8e4m3fn',
  18: 'float8e4m3fnuz',
  19: 'float8e5m2',
  20: 'float8e5m2fnuz',
  21: 'uint4',
  22: 'int4',
  23: 'float4e2m1',
};

/** The element type of a number in a file, or undefined. */
export function dtypeOfCode(code: number): OnnxDType | undefined {
  return BY_CODE.get(code);
}

/** How an error names an element type that is not read: `complex64 (14)`. */
export function nameOfCode(code: number): string {
  return code in UNREAD ? `${UNREAD[code]} (${code})` : `number ${code}`;
}

/** How many elements a shape has; 1 for a scalar's. */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((count, size) => count * size, 1);
}
