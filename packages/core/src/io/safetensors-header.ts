/**
 * Reading and checking the header of a safetensors file. What leaves this file is true of the bytes: every tensor lies
 * within them, and together the tensors cover them exactly.
 */
import { JsonReader } from './json-reader.js';
import {
  ELEMENT_TYPES,
  elementCount,
  LENGTH_BYTES,
  MAX_HEADER_BYTES,
  METADATA_KEY,
  type SafetensorsDType,
  SafetensorsError,
  show,
} from './safetensors-format.js';

/** A tensor's place; offsets count from the end of the header. */
export interface SafetensorsEntry {
  readonly name: string;
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** What the header of a safetensors file says. */
export interface SafetensorsHeader {
  /** In the order of the file. */
  readonly entries: readonly SafetensorsEntry[];
  readonly metadata: Record<string, string>;
  /** Where the elements start. */
  readonly dataStart: number;
}

const DTYPE_OF_CODE = new Map(
  (Object.keys(ELEMENT_TYPES) as SafetensorsDType[]).map((dtype) => [ELEMENT_TYPES[dtype].code, dtype]),
);

function fail(message: string): never {
  throw new SafetensorsError(`decodeSafetensors: ${message}`);
}

/** PyTorch's limit; a shape longer than this is no tensor's. */
const MAX_AXES = 64;

/**
 * Reads and checks the header of a safetensors file.
 *
 * @param bytes The file, or its beginning up to the end of the header at least.
 * @param size Bytes of the whole file. Default: those of `bytes`.
 * @throws SafetensorsError as {@link loadSafetensors}.
 * @example
 * const bytes = await saveSafetensors(new Map([['x', ones([2])]]));
 * readSafetensorsHeader(bytes).entries[0].shape; // [2]
 */
export function readSafetensorsHeader(bytes: Uint8Array, size = bytes.length): SafetensorsHeader {
  const dataStart = LENGTH_BYTES + headerLength(bytes, size);
  if (dataStart > bytes.length) fail(`the header takes ${dataStart} bytes, got ${bytes.length} of them`);
  const text = decodeText(bytes.subarray(LENGTH_BYTES, dataStart));
  const entries: SafetensorsEntry[] = [];
  let metadata: Record<string, string> = {};
  const reader = new JsonReader(text, (message) => fail(`malformed header: ${message}`));
  reader.object('the header', (name) => {
    if (name === METADATA_KEY) metadata = readMetadata(reader);
    else entries.push(readEntry(reader, name));
  });
  reader.end();
  checkCoverage(entries, size - dataStart, dataStart);
  return { entries, metadata, dataStart };
}

function headerLength(bytes: Uint8Array, size: number): number {
  if (bytes.length < LENGTH_BYTES) {
    fail(
      `expected at least ${LENGTH_BYTES} bytes (the length of the header), the file has ${bytes.length}; is it cut short?`,
    );
  }
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  const mistaken = otherKind(bytes);
  if (mistaken) fail(mistaken);
  if (length > BigInt(MAX_HEADER_BYTES)) {
    fail(`the header claims ${length} bytes, the format allows ${MAX_HEADER_BYTES}; this is not a safetensors file`);
  }
  if (Number(length) > size - LENGTH_BYTES) {
    fail(
      `the header takes ${length} bytes, so the file must have at least ${LENGTH_BYTES + Number(length)}, ` +
        `but it has ${size}; it is cut short, or not a safetensors file`,
    );
  }
  return Number(length);
}

/** What the file seems to be, where it begins like something that is often mistaken for weights. */
function otherKind(bytes: Uint8Array): string | undefined {
  const startsWith = (...start: number[]) => start.every((byte, i) => bytes[i] === byte);
  const remedy = "in Python, write it again with safetensors.torch.save_file(model.state_dict(), 'model.safetensors')";
  if (startsWith(0x50, 0x4b, 0x03, 0x04)) return `this is a zip archive, as torch.save writes; ${remedy}`;
  if (startsWith(0x80, 0x02)) return `this is a Python pickle, as older torch.save wrote; ${remedy}`;
  if (startsWith(0x1f, 0x8b)) return 'this is a gzip file; decompress it first';
  const start = String.fromCharCode(...bytes.subarray(0, 12)).toLowerCase();
  if (start.startsWith('version http')) return 'this is a Git LFS pointer, not the file itself; run git lfs pull';
  if (/^\s*<(!doctype|html|\?xml)/.test(start)) return 'this is a web page; the download gave an error page or a login';
  return undefined;
}

function decodeText(header: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(header);
  } catch {
    fail('the header is not valid UTF-8; the file is corrupt, or not a safetensors file');
  }
  if (!text.startsWith('{')) fail(`the header must begin with "{", got ${show(text.slice(0, 8))}`);
  return text;
}

function readMetadata(reader: JsonReader): Record<string, string> {
  const notes: [string, string][] = [];
  reader.object(`"${METADATA_KEY}"`, (key) => notes.push([key, reader.string(`"${METADATA_KEY}": ${show(key)}`)]));
  return Object.fromEntries(notes);
}

function readEntry(reader: JsonReader, name: string): SafetensorsEntry {
  const where = `tensor ${show(name)}`;
  let code: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  reader.object(where, (key) => {
    if (key === 'dtype') code = reader.string(`${where}: dtype`);
    else if (key === 'shape') shape = reader.counts(`${where}: shape`, MAX_AXES);
    else if (key === 'data_offsets') offsets = reader.counts(`${where}: data_offsets`, 2);
    else fail(`${where}: unknown field ${show(key)}; expected dtype, shape and data_offsets`);
  });
  if (code === undefined || shape === undefined || offsets === undefined) {
    const missing = code === undefined ? 'dtype' : shape === undefined ? 'shape' : 'data_offsets';
    fail(`${where}: ${missing} is missing`);
  }

  const dtype = DTYPE_OF_CODE.get(code);
  if (!dtype) fail(`${where}: unknown dtype ${show(code)}. Known: ${[...DTYPE_OF_CODE.keys()].join(', ')}`);
  const [begin, end] = offsets;
  if (offsets.length !== 2 || begin > end) {
    fail(`${where}: data_offsets must be [begin, end] with begin ≤ end, got ${show(offsets)}`);
  }
  const count = elementCount(shape);
  if (count === undefined) fail(`${where}: shape ${show(shape)} has more than 2^53 elements`);
  const size = count * ELEMENT_TYPES[dtype].itemSize;
  if (size !== end - begin) {
    fail(
      `${where}: ${code}${show(shape)} takes ${size} bytes, but data_offsets ${show(offsets)} give it ${end - begin}`,
    );
  }
  return { name, dtype, shape, begin, end };
}

/** Laid end to end, the tensors must fill the file after the header: no overlap, no gap, nothing beyond. */
function checkCoverage(entries: readonly SafetensorsEntry[], available: number, dataStart: number): void {
  const sorted = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  let last = '';
  for (const { name, begin, end } of sorted) {
    const where = `tensor ${show(name)}`;
    if (begin < covered) fail(`${where}: begins at ${begin}, within ${last}, which ends at ${covered}`);
    if (begin > covered) fail(`${where}: begins at ${begin}, but the bytes from ${covered} on belong to no tensor`);
    covered = end;
    last = where;
  }
  const expected = dataStart + covered;
  const actual = dataStart + available;
  const end = entries.length > 0 ? `${last} ends there` : 'it names no tensor';
  if (covered > available) {
    fail(`by its header the file has ${expected} bytes (${end}), but it has ${actual}; it is cut short`);
  }
  if (covered < available) {
    fail(`by its header the file has ${expected} bytes (${end}), but it has ${actual}`);
  }
}
