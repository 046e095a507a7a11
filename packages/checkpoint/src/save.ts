/**
 * Saving checkpoints that `torch.load` reads.
 */
import { Uint8ArrayReader, ZipWriter } from '@zip.js/zip.js/lib/zip-core.js';
import { bytesOf, snapshot } from './contents.js';
import { type CheckpointTarget, writeBytes, writeTo } from './io/sink.js';
import { checkOptions } from './options.js';
import { type StorageToWrite, writePickle } from './pickle/writer.js';
import { ITEM_SIZE } from './tensors.js';

/** Options of {@link save}. */
export interface SaveOptions {
  /** Called with the bytes of tensors written so far, and of all. */
  readonly onProgress?: (progress: { readonly saved: number; readonly total: number }) => void;
}

/** The folder in the archive, PyTorch's for files without a name. */
const ROOT = 'archive';

/** The version of the format, of PyTorch 1.6 and later. */
const VERSION = '3\n';

/**
 * Writes a checkpoint that `torch.load` reads, in the zip format since PyTorch 1.6.
 *
 * Modules become their state dicts, Maps and plain objects dicts (an object's whole-number keys are numbers, as an
 * optimizer's state has them), arrays lists, whole numbers `int`, others `float`. Counters such as `num_batches_tracked` are
 * int64, as PyTorch's. Tensors are those of the moment of the call, though training goes on; one that is there twice is
 * written once. One tensor at a time is read from the device.
 *
 * @param value `net`, `net.stateDict()`, `{ model: net, optimizer: optimizer.stateDict(), epoch }`, …
 * @returns The bytes of the file.
 * @throws CheckpointError naming the place of what has no counterpart in Python's plain values.
 * @example
 * const bytes = await save({ model: new nn.Linear(2, 1), epoch: 3 });
 */
export async function save(value: unknown, target?: undefined, options?: SaveOptions): Promise<Uint8Array>;
/**
 * @param target A path or `file:` URL (in Node), where the file is as a whole or not at all; or a stream.
 */
export async function save(value: unknown, target: CheckpointTarget, options?: SaveOptions): Promise<void>;
export async function save(
  value: unknown,
  target?: CheckpointTarget,
  options: SaveOptions = {},
): Promise<Uint8Array | void> {
  checkOptions('save', options, ['onProgress']);
  const { bytes: pickle, storages } = writePickle(value, { snapshot, stateDict: (module) => module.stateDict() });
  const write = (stream: WritableStream<Uint8Array>): Promise<void> => writeArchive(stream, pickle, storages, options);
  if (target !== undefined) return writeTo('save', target, write);
  const names = 512 * (storages.length + 3); // local and central headers, padding
  return writeBytes(pickle.length + bytesIn(storages) + names, write);
}

const bytesIn = (storages: readonly StorageToWrite[]): number =>
  storages.reduce((n, { tensor, dtype }) => n + tensor.numel() * ITEM_SIZE[dtype], 0);

async function writeArchive(
  stream: WritableStream<Uint8Array>,
  pickle: Uint8Array,
  storages: readonly StorageToWrite[],
  { onProgress }: SaveOptions,
): Promise<void> {
  const zip = new ZipWriter(stream, {
    useWebWorkers: false,
    level: 0,
    // USDZ asks for what PyTorch does too: contents at multiples of 64 bytes, so that they can be used in place.
    usdz: true,
    extendedTimestamp: false,
    lastModDate: new Date(1980, 0, 1), // the same bytes each time
  });
  const add = (name: string, bytes: Uint8Array): Promise<unknown> =>
    zip.add(`${ROOT}/${name}`, new Uint8ArrayReader(bytes));
  await add('data.pkl', pickle);
  await add('byteorder', new TextEncoder().encode('little'));
  const total = bytesIn(storages);
  let saved = 0;
  onProgress?.({ saved, total });
  for (const storage of storages) {
    const bytes = await bytesOf(storage);
    await add(`data/${storage.key}`, bytes);
    onProgress?.({ saved: (saved += bytes.length), total });
  }
  await add('version', new TextEncoder().encode(VERSION));
  await zip.close();
}
