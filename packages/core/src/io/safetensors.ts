/**
 * Safetensors: a header in JSON, then the bytes of the tensors.
 *
 * ```text
 * 8 bytes   length N of the header, unsigned, little-endian
 * N bytes   {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, …, "__metadata__": {"k": "v"}},
 *           padded with spaces
 * the rest  the tensors' elements, row-major, little-endian; offsets count from here, and cover it without a gap
 * ```
 *
 * A file comes from anywhere, so nothing in the header is believed before it is checked against the file's own size.
 *
 * Source: https://github.com/huggingface/safetensors (README, "Format").
 */
import { readSafetensorsHeader } from './safetensors-header.js';
import {
  checkLittleEndian,
  ELEMENT_TYPES,
  elementCount,
  LENGTH_BYTES,
  MAX_HEADER_BYTES,
  METADATA_KEY,
  type RawTensor,
  type SafetensorsDType,
  SafetensorsError,
  show,
} from './safetensors-format.js';

export { type RawTensor, type SafetensorsDType, SafetensorsError } from './safetensors-format.js';

/** A tensor to write: as {@link RawTensor}, but the bytes may come in any view of them. */
export interface TensorToWrite {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** The typed array of `dtype`, or a `Uint8Array` or `DataView` of its little-endian bytes. */
  readonly data: ArrayBufferView;
}

/** What a safetensors file holds. */
export interface SafetensorsFile {
  /** In the order of the header. */
  readonly tensors: Map<string, RawTensor>;
  readonly metadata: Record<string, string>;
}

/**
 * The bytes of a safetensors file.
 *
 * The header lists the tensors in the order given. Their elements are laid out by falling item size, as the reference
 * implementation does, so that a reader can use all of them in place.
 *
 * @param tensors - Pairs of name and tensor, such as a `Map`; float16 and bfloat16 as bit patterns in `Uint16Array`.
 * @param metadata - Strings by name, kept in the file.
 * @throws {@link SafetensorsError} if a name comes twice, or data does not fit its dtype and shape.
 * @example
 * const bytes = encodeSafetensors([['bias', { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) }]]);
 */
export function encodeSafetensors(
  tensors: Iterable<readonly [string, TensorToWrite]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const given = [...tensors];
  const { header, order } = layoutSafetensors(given, metadata);
  for (const [name, tensor] of given) checkData(name, tensor);
  const entries = new Map(given);
  const size = given.reduce((n, [, { data }]) => n + data.byteLength, header.length);
  const out = new Uint8Array(size);
  out.set(header);
  let at = header.length;
  for (const name of order) {
    const { data } = entries.get(name)!;
    out.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return out;
}

/** A tensor as a header describes it. */
export interface DescribedTensor {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
}

/**
 * The beginning of a safetensors file, for writing it piece by piece: the length of the header and the header. After it
 * come the tensors' little-endian bytes in the order given back, without gaps.
 *
 * @throws {@link SafetensorsError} if a name comes twice, or a shape is none.
 * @example
 * layoutSafetensors([['steps', { dtype: 'bool', shape: [2] }], ['bias', { dtype: 'float32', shape: [2] }]]).order;
 * // ['bias', 'steps']: by falling item size
 */
export function layoutSafetensors(
  tensors: Iterable<readonly [string, DescribedTensor]>,
  metadata: Readonly<Record<string, string>> = {},
): { readonly header: Uint8Array; readonly order: readonly string[] } {
  checkLittleEndian('encodeSafetensors');
  const entries = new Map<string, DescribedTensor>();
  for (const [name, tensor] of tensors) {
    checkTensor(name, tensor);
    if (entries.has(name)) throw new SafetensorsError(`encodeSafetensors: two tensors are named ${show(name)}`);
    entries.set(name, tensor);
  }
  const layout = [...entries].sort(([, a], [, b]) => ELEMENT_TYPES[b.dtype].itemSize - ELEMENT_TYPES[a.dtype].itemSize);
  const places = new Map<string, readonly [begin: number, end: number]>();
  let end = 0;
  for (const [name, tensor] of layout) {
    const begin = end;
    end += bytesOf(tensor)!;
    places.set(name, [begin, end]);
  }
  const text = encodeHeader(entries, places, metadata);
  const header = new Uint8Array(LENGTH_BYTES + text.length);
  new DataView(header.buffer).setBigUint64(0, BigInt(text.length), true);
  header.set(text, LENGTH_BYTES);
  return { header, order: layout.map(([name]) => name) };
}

/** Undefined where it is beyond 2⁵³ − 1. */
function bytesOf({ dtype, shape }: DescribedTensor): number | undefined {
  const count = elementCount(shape);
  return count === undefined ? undefined : count * ELEMENT_TYPES[dtype].itemSize;
}

function checkTensor(name: string, tensor: DescribedTensor): void {
  const { dtype, shape } = tensor;
  const where = `encodeSafetensors: tensor ${show(name)}`;
  if (name === METADATA_KEY) throw new SafetensorsError(`${where}: this name is reserved for metadata`);
  checkText(where, name);
  if (!Object.hasOwn(ELEMENT_TYPES, dtype)) {
    throw new SafetensorsError(
      `${where}: unknown dtype ${show(dtype)}. Known: ${Object.keys(ELEMENT_TYPES).join(', ')}`,
    );
  }
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    throw new SafetensorsError(`${where}: a shape holds whole numbers from 0 up, got ${show(shape)}`);
  }
  if (bytesOf(tensor) === undefined) {
    throw new SafetensorsError(`${where}: ${dtype}[${shape.join(',')}] takes over 2^53 bytes`);
  }
}

function checkData(name: string, { dtype, shape, data }: TensorToWrite): void {
  const where = `encodeSafetensors: tensor ${show(name)}`;
  const { arrays } = ELEMENT_TYPES[dtype];
  const array = Object.prototype.toString.call(data).slice('[object '.length, -1);
  if (![...arrays, 'Uint8Array', 'DataView'].includes(array)) {
    throw new SafetensorsError(
      `${where}: ${dtype} elements are a ${arrays[0]} (or bytes in a Uint8Array), got ${array}`,
    );
  }
  const bytes = bytesOf({ dtype, shape });
  if (bytes !== data.byteLength) {
    throw new SafetensorsError(
      `${where}: ${dtype}[${shape.join(',')}] takes ${bytes} bytes, got ${data.byteLength} bytes of data`,
    );
  }
}

/** Text that UTF-8 cannot hold would be replaced silently, and might then equal another name. */
function checkText(where: string, text: string): void {
  if (/\p{Surrogate}/u.test(text)) throw new SafetensorsError(`${where}: ${show(text)} holds half of a surrogate pair`);
}

function encodeHeader(
  entries: ReadonlyMap<string, DescribedTensor>,
  places: ReadonlyMap<string, readonly [begin: number, end: number]>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const members: string[] = [];
  const notes = Object.entries(metadata);
  for (const [key, value] of notes) {
    if (typeof value !== 'string') {
      throw new SafetensorsError(
        `encodeSafetensors: metadata ${show(key)} must be a string, got ${show(value)}; use JSON.stringify`,
      );
    }
    checkText('encodeSafetensors: metadata', key);
    checkText('encodeSafetensors: metadata', value);
  }
  if (notes.length > 0) members.push(`${JSON.stringify(METADATA_KEY)}:${JSON.stringify(metadata)}`);
  // Written member by member: as an object, names such as "0" would come first, whatever their place.
  for (const [name, { dtype, shape }] of entries) {
    const entry = { dtype: ELEMENT_TYPES[dtype].code, shape, data_offsets: places.get(name)! };
    members.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
  }
  const text = new TextEncoder().encode(`{${members.join(',')}}`);
  // Padded with spaces to a multiple of 8, so that the elements after it are aligned.
  const padded = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20);
  padded.set(text);
  if (padded.length > MAX_HEADER_BYTES) {
    throw new SafetensorsError(
      `encodeSafetensors: the header takes ${padded.length} bytes, the format allows ${MAX_HEADER_BYTES}`,
    );
  }
  return padded;
}

/**
 * The tensors of a safetensors file.
 *
 * Elements are views of `bytes` where their alignment allows it, so `bytes` must not be changed while they are in use;
 * elsewhere they are copies.
 *
 * @param bytes - The whole file.
 * @throws {@link SafetensorsError} if the file is cut short, is of another kind, or is malformed in any way; the message
 *   names the tensor and the value. Nothing is allocated on the word of a header that was not checked.
 * @example
 * const file = encodeSafetensors([['fc.bias', { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) }]]);
 * const { tensors } = decodeSafetensors(file);
 * tensors.get('fc.bias')!.data;
 */
export function decodeSafetensors(bytes: Uint8Array): SafetensorsFile {
  checkLittleEndian('decodeSafetensors');
  const { entries, metadata, dataStart } = readSafetensorsHeader(bytes);
  const tensors = new Map<string, RawTensor>();
  for (const { name, dtype, shape, begin, end } of entries) {
    const type = ELEMENT_TYPES[dtype];
    const length = (end - begin) / type.itemSize;
    const start = bytes.byteOffset + dataStart + begin;
    const data =
      start % type.itemSize === 0
        ? type.view(bytes.buffer, start, length)
        : type.view(bytes.slice(dataStart + begin, dataStart + end).buffer, 0, length);
    if (dtype === 'bool') checkBool(name, data as Uint8Array);
    tensors.set(name, { dtype, shape, data });
  }
  return { tensors, metadata };
}

/** Kernels count on 0 and 1. */
function checkBool(name: string, data: Uint8Array): void {
  const index = data.findIndex((byte) => byte > 1);
  if (index >= 0) {
    throw new SafetensorsError(
      `decodeSafetensors: tensor ${show(name)}: bool elements are 0 or 1, got ${data[index]} at index ${index}`,
    );
  }
}
