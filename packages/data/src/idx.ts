/**
 * The IDX format: the arrays of MNIST and its relatives.
 *
 * A file is two zero bytes, one byte for the element type, one for the number of axes, the size of each axis, and the
 * elements, all big-endian. It may be compressed with gzip.
 *
 * Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", the file format.
 */
import { FakkelError, type Shape } from '@fakkel/core';
import { sizeOf } from './host-array.js';

/** A file that is no IDX file, or not a whole one. */
export class IdxError extends FakkelError {
  override name = 'IdxError';
}

const TYPES = {
  0x08: ['uint8', Uint8Array],
  0x09: ['int8', Int8Array],
  0x0b: ['int16', Int16Array],
  0x0c: ['int32', Int32Array],
  0x0d: ['float32', Float32Array],
  0x0e: ['float64', Float64Array],
} as const;

type TypeCode = keyof typeof TYPES;

/** Element types of IDX files. */
export type IdxDType = 'uint8' | 'int8' | 'int16' | 'int32' | 'float32' | 'float64';

/** The contents of an IDX file. */
export interface IdxArray {
  readonly dtype: IdxDType;
  readonly shape: Shape;
  /** Row-major. */
  readonly data: Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;
}

interface Header {
  readonly code: TypeCode;
  readonly shape: number[];
  /** Bytes before the elements. */
  readonly offset: number;
  /** Bytes of the whole file. */
  readonly bytes: number;
}

/**
 * Reads an IDX file, compressed with gzip or not. Memory is taken only for what is there: a header that promises more
 * than the file holds costs nothing.
 *
 * @param bytes - The whole file.
 * @param name - How errors call it, such as its path.
 * @throws IdxError if the magic number, the element type, or the size is wrong, or the compressed data is damaged.
 * @example
 * const file = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 3, 7, 2, 1); // what readFile or fetch gives
 * const { shape, data } = await readIdx(file); // [3], the bytes 7, 2, 1
 */
export async function readIdx(bytes: Uint8Array, name = 'IDX file'): Promise<IdxArray> {
  return parseIdx(bytes[0] === 0x1f && bytes[1] === 0x8b ? await gunzip(bytes, name) : bytes, name);
}

/** As {@link readIdx}, for bytes that are not compressed. */
export function parseIdx(bytes: Uint8Array, name = 'IDX file'): IdxArray {
  const header = readHeader(bytes, name);
  if (!header) throw new IdxError(`${name}: truncated in its header, after ${bytes.length} bytes`);
  if (bytes.length !== header.bytes) throw wrongSize(name, header, bytes.length);
  const [dtype, Elements] = TYPES[header.code];
  const width = Elements.BYTES_PER_ELEMENT;
  // A copy at offset 0; Node's Buffer has a slice that is none.
  const body = Uint8Array.prototype.slice.call(bytes, header.offset);
  if (width > 1) reverseBytes(body, width);
  return { dtype, shape: header.shape, data: new Elements(body.buffer, 0, sizeOf(header.shape)) };
}

/** The header, or undefined if `bytes` do not hold all of it yet. */
function readHeader(bytes: Uint8Array, name: string): Header | undefined {
  const magic = [...bytes.subarray(0, 4)].map((b) => b.toString(16).padStart(2, '0')).join(' ');
  if (bytes.length === 0) throw new IdxError(`${name}: the file is empty`);
  if (bytes.subarray(0, 2).some((b) => b !== 0)) {
    throw new IdxError(`${name}: not an IDX file: it begins with ${magic}, expected 00 00 and an element type`);
  }
  if (bytes.length < 4) return undefined;
  const [, , code, rank] = bytes;
  if (!(code in TYPES)) {
    const known = Object.entries(TYPES).map(
      ([key, [dtype]]) => `0x${Number(key).toString(16).padStart(2, '0')} ${dtype}`,
    );
    throw new IdxError(
      `${name}: unknown element type 0x${code.toString(16).padStart(2, '0')} (known: ${known.join(', ')})`,
    );
  }
  if (rank === 0) throw new IdxError(`${name}: the array has no axes (magic ${magic})`);
  const offset = 4 + 4 * rank;
  if (bytes.length < offset) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const width = TYPES[code as TypeCode][1].BYTES_PER_ELEMENT;
  return { code: code as TypeCode, shape, offset, bytes: offset + sizeOf(shape) * width };
}

function wrongSize(name: string, header: Header, got: number | string): IdxError {
  const what = `${TYPES[header.code][0]}[${header.shape.join(',')}]`;
  const kind = typeof got === 'number' && got < header.bytes ? 'truncated' : 'oversized';
  return new IdxError(`${name}: ${kind}: the header says ${what}, ${header.bytes} bytes in all, the file has ${got}`);
}

/** Decompresses, and stops where the header says that the array ends. */
async function gunzip(bytes: Uint8Array, name: string): Promise<Uint8Array> {
  const stream = new Blob([bytes as Uint8Array<ArrayBuffer>]).stream().pipeThrough(new DecompressionStream('gzip'));
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  let header: Header | undefined;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      length += value.length;
      header ??= readHeader(length === value.length ? value : concat(chunks, length), name);
      if (header && length > header.bytes) throw wrongSize(name, header, 'more');
    }
  } catch (cause) {
    await reader.cancel().catch(() => undefined);
    if (cause instanceof IdxError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new IdxError(`${name}: the gzip data is damaged or truncated (${reason})`, { cause });
  }
  return concat(chunks, length);
}

function concat(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const out = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

/** From big-endian to this machine's order, which is little-endian wherever JavaScript runs today. */
function reverseBytes(bytes: Uint8Array, width: number): void {
  for (let i = 0; i < bytes.length; i += width) bytes.subarray(i, i + width).reverse();
}
