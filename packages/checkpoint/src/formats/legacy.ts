/**
 * The format that `torch.save` wrote before PyTorch 1.6: five pickles (a magic number, the version of the format, facts
 * about the machine, the object, the keys of the storages), then each storage: the number of its elements in eight bytes,
 * and the elements.
 *
 * Source: PyTorch 1.13, `torch/serialization.py`, `_legacy_load`.
 */
import { CheckpointError, show } from '../errors.js';
import { type ByteSource, checkRange, readBytes } from '../io/source.js';
import { type Pickled, type PickleContext, type StorageRef } from '../pickle/classes.js';
import { storageOf } from '../pickle/persistent.js';
import { PickleEnds, type PickleOptions, readPickle } from '../pickle/reader.js';
import { checkView, ITEM_SIZE, type StorageBytes } from '../tensors.js';
import { type CheckpointFile, TensorTable } from './file.js';

const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;

/** The first look at a pickle; as much again and again until it is complete. */
const FIRST_BYTES = 1 << 20;
const MAX_PICKLE_BYTES = 1 << 29;

export async function readLegacy(source: ByteSource): Promise<CheckpointFile> {
  let at = 0;
  const table = new TensorTable(source.name, source.size);
  const storages = new Map<string, LegacyBytes>();
  const options: PickleOptions = {
    file: source.name,
    tensor: (ref, dtype, view) => {
      const bytes = storages.get(ref.key);
      if (!bytes) throw new CheckpointError(`${source.name}: a tensor without a storage; the file is damaged`);
      const offset = typeof view.offset === 'number' ? view.offset + ref.viewOffset : view.offset;
      return table.add(checkView(source.name, bytes, dtype, { ...view, offset }));
    },
    persistent: (id) => {
      const ref = storageOf(source.name, id);
      if (!ref.dtype) throw new CheckpointError(`${source.name}: a storage without a type; the file is damaged`);
      const known = storages.get(ref.key);
      if (!known) storages.set(ref.key, new LegacyBytes(source, ref));
      else if (known.ref.dtype !== ref.dtype || known.ref.elements !== ref.elements) {
        throw new CheckpointError(
          `${source.name}: storage ${show(ref.key)} is described in two ways; the file is damaged`,
        );
      }
      return ref;
    },
  };
  const next = async (): Promise<Pickled> => {
    const { value, length } = await pickleAt(source, at, options);
    at += length;
    return value;
  };
  if ((await next()) !== MAGIC) {
    throw new CheckpointError(
      `${source.name}: a Python pickle, but none that torch.save wrote. In Python, load it and save its tensors with torch.save`,
    );
  }
  const version = await next();
  if (version !== VERSION) {
    throw new CheckpointError(
      `${source.name}: version ${show(version)} of PyTorch's legacy format; known is ${VERSION}`,
    );
  }
  const system = await next();
  const bigEndian = system instanceof Map && system.get('little_endian') === false;
  const value = await next();
  const keys = await next();
  if (!Array.isArray(keys)) throw new CheckpointError(`${source.name}: no list of storages; the file is damaged`);
  for (const key of keys) {
    const bytes = storages.get(typeof key === 'string' || typeof key === 'number' ? String(key) : '');
    if (!bytes)
      throw new CheckpointError(`${source.name}: storage ${show(key)} belongs to no tensor; the file is damaged`);
    const head = new DataView((await readBytes(source, at, 8)).buffer);
    const elements = Number(head.getBigInt64(0, !bigEndian));
    if (elements !== bytes.ref.elements) {
      throw new CheckpointError(
        `${source.name}: storage ${show(key)} should have ${bytes.ref.elements} elements, but ${elements} follow; the file is damaged`,
      );
    }
    checkRange(source, at + 8, bytes.size, `storage ${show(key)}`);
    bytes.place(at + 8, bigEndian);
    at += 8 + bytes.size;
  }
  const missing = [...storages.values()].find((bytes) => !bytes.isPlaced);
  if (missing)
    throw new CheckpointError(`${source.name}: storage ${show(missing.ref.key)} is missing; the file is damaged`);
  return { source, value, kind: 'PyTorch checkpoint (legacy format)', close: () => source.close() };
}

/** A storage whose place is known once those before it are. */
class LegacyBytes implements StorageBytes {
  readonly size: number;
  position = -1;
  bigEndian = false;

  constructor(
    private readonly source: ByteSource,
    readonly ref: StorageRef,
  ) {
    this.size = ref.elements * ITEM_SIZE[ref.dtype!];
  }

  get isPlaced(): boolean {
    return this.position >= 0;
  }

  place(position: number, bigEndian: boolean): void {
    this.position = position;
    this.bigEndian = bigEndian;
  }

  readInto(target: Uint8Array, offset: number, onBytes?: (count: number) => void): Promise<void> {
    return this.source.readInto(target, this.position + offset, onBytes);
  }
}

async function pickleAt(
  source: ByteSource,
  at: number,
  options: PickleOptions & PickleContext,
): Promise<{ value: Pickled; length: number }> {
  for (let length = FIRST_BYTES; ; length *= 4) {
    const rest = source.size - at;
    const bytes = await readBytes(source, at, Math.min(length, rest));
    try {
      return readPickle(bytes, options);
    } catch (error) {
      if (!(error instanceof PickleEnds)) throw error;
      if (length >= rest)
        throw new CheckpointError(`${source.name}: it ends in the middle of a pickle; it is cut short`);
      if (length > MAX_PICKLE_BYTES) throw new CheckpointError(`${source.name}: a pickle of more than ${length} bytes`);
    }
  }
}
