/**
 * The zip format that `torch.save` writes since PyTorch 1.6: `<name>/data.pkl`, and each storage in `<name>/data/<key>`.
 */
import { type FileEntry, Reader, ZipReader } from '@zip.js/zip.js/lib/zip-core.js';
import { CheckpointError, list, show } from '../errors.js';
import { type ByteSource, checkRange, readBytes } from '../io/source.js';
import type { PickleContext, StorageRef } from '../pickle/classes.js';
import { storageOf } from '../pickle/persistent.js';
import { readPickle, PickleEnds } from '../pickle/reader.js';
import { checkView, ITEM_SIZE, type StorageBytes } from '../tensors.js';
import { type CheckpointFile, TensorTable } from './file.js';

/** A pickle of more bytes than this describes no checkpoint. */
const MAX_PICKLE_BYTES = 1 << 29;

/** Deflate makes at most this of a byte. */
const MAX_INFLATION = 1032;

class SourceReader extends Reader<ByteSource> {
  constructor(private readonly source: ByteSource) {
    super(source);
    this.size = source.size;
  }
  override async init(): Promise<void> {
    this.size = this.source.size;
  }
  override readUint8Array(index: number, length: number): Promise<Uint8Array> {
    return readBytes(this.source, index, Math.min(length, this.source.size - index));
  }
}

/** @param verify Whether the checksums of what is read are compared; PyTorch doesn't. */
export async function readArchive(source: ByteSource, verify: boolean): Promise<CheckpointFile> {
  const files = await filesOf(source);
  const root = rootOf(source.name, files);
  const member = async (name: string): Promise<Uint8Array | undefined> => {
    const entry = files.get(root + name);
    if (!entry) return undefined;
    const bytes = new EntryBytes(source, entry, verify, false);
    if (bytes.size > MAX_PICKLE_BYTES) throw new CheckpointError(`${source.name}: ${name} has ${bytes.size} bytes`);
    const out = new Uint8Array(bytes.size);
    await bytes.readInto(out, 0);
    return out;
  };
  const byteOrder = new TextDecoder().decode((await member('byteorder')) ?? new Uint8Array()).trim();
  const bigEndian = byteOrder === 'big';

  const table = new TensorTable(source.name, source.size);
  const storages = new Map<string, StorageBytes>();
  const context: PickleContext = {
    file: source.name,
    tensor: (ref, dtype, view) => {
      let bytes = storages.get(ref.key);
      if (!bytes) {
        const entry = files.get(`${root}data/${ref.key}`);
        if (!entry)
          throw new CheckpointError(`${source.name}: storage ${show(ref.key)} is missing; the file is damaged`);
        checkSize(source.name, ref, entry);
        checkRange(source, entry.offset, entry.compressedSize, entry.filename);
        storages.set(ref.key, (bytes = new EntryBytes(source, entry, verify, bigEndian)));
      }
      return table.add(checkView(source.name, bytes, dtype, view));
    },
  };
  const pickle = (await member('data.pkl'))!;
  let value;
  try {
    ({ value } = readPickle(pickle, { ...context, persistent: (id) => storageOf(source.name, id) }));
  } catch (error) {
    if (!(error instanceof PickleEnds)) throw error;
    throw new CheckpointError(`${source.name}: data.pkl ends in the middle; the file is damaged`);
  }
  return { source, value, kind: 'PyTorch checkpoint', close: () => source.close() };
}

function checkSize(file: string, ref: StorageRef, entry: FileEntry): void {
  const claimed = ref.elements * (ref.dtype ? ITEM_SIZE[ref.dtype] : 1);
  if (claimed !== entry.uncompressedSize) {
    throw new CheckpointError(
      `${file}: storage ${show(ref.key)} should have ${ref.elements} elements, ${claimed} bytes, but the archive has ` +
        `${entry.uncompressedSize}; the file is damaged`,
    );
  }
}

async function filesOf(source: ByteSource): Promise<Map<string, FileEntry>> {
  const reader = new ZipReader(new SourceReader(source), { useWebWorkers: false });
  try {
    const files = new Map<string, FileEntry>();
    for (const entry of await reader.getEntries()) if (!entry.directory) files.set(entry.filename, entry);
    return files;
  } catch (cause) {
    if (cause instanceof CheckpointError) throw cause;
    throw new CheckpointError(
      `${source.name}: it begins as a zip archive, but ${cause instanceof Error ? cause.message : String(cause)}; it is cut short, or damaged`,
      { cause },
    );
  }
}

/** The folder in the archive that has `data.pkl`. */
function rootOf(file: string, files: ReadonlyMap<string, FileEntry>): string {
  const roots = [...files.keys()].filter((name) => /^([^/]*\/)?data\.pkl$/.test(name)).map((n) => n.slice(0, -8));
  if (roots.length !== 1) {
    throw new CheckpointError(
      `${file}: a zip archive, but none that torch.save wrote: it has ${roots.length === 0 ? 'no' : 'more than one'} data.pkl ` +
        `(it has ${list(files.keys())})`,
    );
  }
  const [root] = roots;
  if (files.has(`${root}constants.pkl`) || [...files.keys()].some((name) => name.startsWith(`${root}code/`))) {
    throw new CheckpointError(
      `${file}: a TorchScript archive, which holds a program and not only weights. In Python: ` +
        `torch.save(torch.jit.load(${show(file)}).state_dict(), 'weights.pth')`,
    );
  }
  return root;
}

/** The bytes of an entry: straight from the file where they are stored as they are, which is what PyTorch does. */
class EntryBytes implements StorageBytes {
  readonly size: number;
  /** Of its local header; the bytes come after it. */
  readonly position: number;
  private start: number | undefined;
  private inflated: Uint8Array | undefined;

  constructor(
    private readonly source: ByteSource,
    private readonly entry: FileEntry,
    private readonly verify: boolean,
    readonly bigEndian: boolean,
  ) {
    this.size = entry.uncompressedSize;
    this.position = entry.offset;
    const what = `${source.name}: ${entry.filename}`;
    if (entry.encrypted) throw new CheckpointError(`${what} is encrypted`);
    if (entry.compressionMethod !== 0 && this.size > MAX_INFLATION * entry.compressedSize + 64) {
      throw new CheckpointError(`${what} claims ${this.size} bytes, from ${entry.compressedSize}; the file is damaged`);
    }
  }

  async readInto(target: Uint8Array, offset: number, onBytes?: (count: number) => void): Promise<void> {
    const { source, entry, verify } = this;
    if (entry.compressionMethod === 0 && !verify) {
      this.start ??= await this.findStart();
      return source.readInto(target, this.start + offset, onBytes);
    }
    if (offset === 0 && target.length === this.size) return inflate(source.name, entry, verify, target, onBytes);
    if (!this.inflated) {
      const whole = new Uint8Array(this.size);
      await inflate(source.name, entry, verify, whole);
      this.inflated = whole;
    }
    target.set(this.inflated.subarray(offset, offset + target.length));
    onBytes?.(target.length);
  }

  /** After the local header, whose length only that says. */
  private async findStart(): Promise<number> {
    const { source, entry, position, size } = this;
    const header = new DataView((await readBytes(source, position, LOCAL_HEADER_BYTES)).buffer);
    if (header.getUint32(0, true) !== LOCAL_HEADER) {
      throw new CheckpointError(
        `${source.name}: no header of ${entry.filename} at byte ${position}; the file is damaged`,
      );
    }
    const start = position + LOCAL_HEADER_BYTES + header.getUint16(26, true) + header.getUint16(28, true);
    checkRange(source, start, size, entry.filename);
    return start;
  }
}

/** Its signature and length, before name and extra field. */
const LOCAL_HEADER = 0x04034b50;
const LOCAL_HEADER_BYTES = 30;

/** Unpacks an entry through zip.js into an array of its size. */
async function inflate(
  file: string,
  entry: FileEntry,
  verify: boolean,
  target: Uint8Array,
  onBytes?: (count: number) => void,
): Promise<void> {
  let at = 0;
  const sink = new WritableStream<Uint8Array>({
    write(chunk) {
      if (at + chunk.length > target.length) throw new Error('more bytes than its directory says');
      target.set(chunk, at);
      at += chunk.length;
      onBytes?.(chunk.length);
    },
  });
  try {
    await entry.getData(sink, { useWebWorkers: false, checkCrc32: verify });
  } catch (cause) {
    throw new CheckpointError(
      `${file}: ${entry.filename} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}; the file is damaged`,
      { cause },
    );
  }
  if (at !== target.length)
    throw new CheckpointError(`${file}: ${entry.filename} ends after ${at} of ${target.length} bytes`);
}
