/**
 * What the reader and the writer of safetensors files share: element types, limits, the error.
 */
import { FakkelError } from '../errors.js';

/** The element types that Fakkel reads and writes. */
export type SafetensorsDType =
  'float64' | 'float32' | 'float16' | 'bfloat16' | 'int64' | 'int32' | 'int16' | 'int8' | 'uint8' | 'bool';

/** The elements as they are in the file: float16 and bfloat16 as bit patterns, bool as 0 and 1. */
export type RawData =
  Float64Array | Float32Array | Uint16Array | BigInt64Array | Int32Array | Int16Array | Int8Array | Uint8Array;

/** A tensor of a safetensors file. */
export interface RawTensor {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** Row-major elements; float16 and bfloat16 are `Uint16Array`, int64 `BigInt64Array`, bool and uint8 `Uint8Array`. */
  readonly data: RawData;
}

/** A safetensors file that cannot be read, or tensors that cannot be written to one. */
export class SafetensorsError extends FakkelError {
  override name = 'SafetensorsError';
}

interface ElementType {
  /** The name in the file. */
  readonly code: string;
  readonly itemSize: number;
  /** Typed arrays whose bytes are elements of this type. */
  readonly arrays: readonly string[];
  /** A view of `length` elements at an aligned offset. */
  view(buffer: ArrayBufferLike, byteOffset: number, length: number): RawData;
}

function elementType(
  code: string,
  Type: {
    new (buffer: ArrayBufferLike, byteOffset: number, length: number): RawData;
    BYTES_PER_ELEMENT: number;
    name: string;
  },
  ...others: string[]
): ElementType {
  return {
    code,
    itemSize: Type.BYTES_PER_ELEMENT,
    arrays: [Type.name, ...others],
    view: (buffer, byteOffset, length) => new Type(buffer, byteOffset, length),
  };
}

export const ELEMENT_TYPES: Readonly<Record<SafetensorsDType, ElementType>> = {
  float64: elementType('F64', Float64Array),
  float32: elementType('F32', Float32Array),
  float16: elementType('F16', Uint16Array, 'Float16Array'),
  bfloat16: elementType('BF16', Uint16Array),
  int64: elementType('I64', BigInt64Array),
  int32: elementType('I32', Int32Array),
  int16: elementType('I16', Int16Array),
  int8: elementType('I8', Int8Array),
  uint8: elementType('U8', Uint8Array, 'Uint8ClampedArray'),
  bool: elementType('BOOL', Uint8Array),
};

/** The length of the header is an unsigned 64-bit integer. */
export const LENGTH_BYTES = 8;

/** The limit of the reference implementation. */
export const MAX_HEADER_BYTES = 100_000_000;

/** The key of the header that holds no tensor but strings by name. */
export const METADATA_KEY = '__metadata__';

/** Number of elements, or undefined where it is beyond 2⁵³ − 1 (a product in doubles would be rounded). */
export function elementCount(shape: readonly number[]): number | undefined {
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (count > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return count;
}

/** The bytes of files are little-endian, and so are all machines that run JavaScript today but IBM Z. */
export function checkLittleEndian(op: string): void {
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) {
    throw new SafetensorsError(`${op}: safetensors files are little-endian, and this machine is not`);
  }
}

/** For messages: a value as JSON, shortened. */
export function show(value: unknown): string {
  const text = JSON.stringify(typeof value === 'string' ? value.slice(0, 100) : value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}
