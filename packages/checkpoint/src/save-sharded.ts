/**
 * Saving safetensors in one file or several, with the index that Hugging Face's libraries read.
 */
import { layoutSafetensors } from '@fakkel/core';
import { bytesOf, namedTensors, type Snapshot } from './contents.js';
import { CheckpointError, show } from './errors.js';
import { writeBytes, writeTo } from './io/sink.js';
import { builtin, isNode } from './io/node.js';
import { checkOptions } from './options.js';
import { ITEM_SIZE } from './tensors.js';

/** Options of {@link saveSharded}. */
export interface SaveShardedOptions {
  /** The most bytes of tensors in a file: a number, or `'500MB'`, `'5GB'`, `'2GiB'`. Default `'5GB'`, Hugging Face's. */
  readonly maxShardSize?: number | string;
  /** What the files are called. Default `'model'`: `model.safetensors`, or `model-00001-of-00003.safetensors`. */
  readonly name?: string;
  /** Strings by name, kept in each file. Default `{ format: 'pt' }`, which Hugging Face's libraries ask for. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes tensors as safetensors, in files of at most `maxShardSize`, with the index that Hugging Face's libraries read
 * (`model.safetensors.index.json`); as one `model.safetensors`, without an index, where all fits. {@link loadInto} and
 * {@link load} take the path of either.
 *
 * @param state A module, or tensors by name in a Map or an object.
 * @returns The bytes by file name.
 * @throws CheckpointError for what is no tensor, or an option that makes no sense.
 * @example
 * const files = await saveSharded(new nn.Linear(8, 8), undefined, { maxShardSize: 100 });
 * [...files.keys()]; // model-00001-of-00002.safetensors, model-00002-of-00002.safetensors, model.safetensors.index.json
 */
export async function saveSharded(
  state: unknown,
  folder?: undefined,
  options?: SaveShardedOptions,
): Promise<Map<string, Uint8Array>>;
/**
 * @param folder Where the files are written, in Node; it is made where it is not there.
 * @returns The names of the files.
 */
export async function saveSharded(state: unknown, folder: string, options?: SaveShardedOptions): Promise<string[]>;
export async function saveSharded(
  state: unknown,
  folder?: string,
  options: SaveShardedOptions = {},
): Promise<Map<string, Uint8Array> | string[]> {
  checkOptions('saveSharded', options, ['maxShardSize', 'name', 'metadata']);
  const { maxShardSize = '5GB', name = 'model', metadata = { format: 'pt' } } = options;
  const limit = bytesOfSize(maxShardSize);
  if (!/^[^/\\]+$/.test(name))
    throw new CheckpointError(`saveSharded: name is that of a file, without a folder, got ${show(name)}`);
  const shards = split(namedTensors('saveSharded', state), limit);
  const width = (n: number): string => String(n).padStart(5, '0');
  const files = shards.map((tensors, i) => ({
    file:
      shards.length === 1 ? `${name}.safetensors` : `${name}-${width(i + 1)}-of-${width(shards.length)}.safetensors`,
    tensors,
  }));
  const path = await folderOf(folder);
  const written = new Map<string, Uint8Array>();
  for (const { file, tensors } of files) {
    const write = (stream: WritableStream<Uint8Array>): Promise<void> => writeShard(stream, tensors, metadata);
    if (path) await writeTo('saveSharded', path(file), write);
    else written.set(file, await writeBytes(sizeOf(tensors) + 256 * tensors.size + 1024, write));
  }
  if (files.length > 1) {
    // Last: where there is an index, all that it names is there.
    const index = `${name}.safetensors.index.json`;
    const text = new TextEncoder().encode(`${JSON.stringify(indexOf(files), null, 2)}\n`);
    const write = (stream: WritableStream<Uint8Array>): Promise<void> => writeAll(stream, [text]);
    if (path) await writeTo('saveSharded', path(index), write);
    else written.set(index, text);
    return path ? [...files.map(({ file }) => file), index] : written;
  }
  return path ? files.map(({ file }) => file) : written;
}

type Tensors = ReadonlyMap<string, Snapshot>;

/** In the order of their names in the state, as many in a file as fit; one that is larger has a file of its own. */
function split(tensors: Tensors, limit: number): Tensors[] {
  const shards = [new Map<string, Snapshot>()];
  let room = limit;
  for (const [name, tensor] of tensors) {
    const bytes = size(tensor);
    if (bytes > room && shards.at(-1)!.size > 0) {
      shards.push(new Map());
      room = limit;
    }
    shards.at(-1)!.set(name, tensor);
    room -= bytes;
  }
  return shards;
}

function indexOf(files: readonly { readonly file: string; readonly tensors: Tensors }[]): object {
  const weights = files.flatMap(({ file, tensors }) => [...tensors.keys()].map((name) => [name, file] as const));
  return {
    metadata: { total_size: files.reduce((n, { tensors }) => n + sizeOf(tensors), 0) },
    weight_map: Object.fromEntries(weights),
  };
}

const size = ({ tensor, dtype }: Snapshot): number => tensor.numel() * ITEM_SIZE[dtype];
const sizeOf = (tensors: Tensors): number => [...tensors.values()].reduce((n, tensor) => n + size(tensor), 0);

async function writeShard(
  stream: WritableStream<Uint8Array>,
  tensors: Tensors,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const described = [...tensors].map(([name, { tensor, dtype }]) => [name, { dtype, shape: tensor.shape }] as const);
  const { header, order } = layoutSafetensors(described, metadata);
  await writeAll(stream, contents(header, order, tensors));
}

async function* contents(header: Uint8Array, order: readonly string[], tensors: Tensors): AsyncGenerator<Uint8Array> {
  yield header;
  for (const name of order) yield await bytesOf(tensors.get(name)!);
}

async function writeAll(
  stream: WritableStream<Uint8Array>,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const writer = stream.getWriter();
  for await (const chunk of chunks) await writer.write(chunk);
  await writer.close();
}

/** How a file of the folder is called, which is made where it is not there; undefined without one. */
async function folderOf(folder: string | undefined): Promise<((file: string) => string) | undefined> {
  if (folder === undefined) return undefined;
  if (!isNode)
    throw new CheckpointError(
      'saveSharded: there are no folders in a browser; leave it out, and get the bytes by file',
    );
  const [fs, paths] = await Promise.all([builtin('node:fs/promises'), builtin('node:path')]);
  await fs.mkdir(folder, { recursive: true });
  return (file) => paths.join(folder, file);
}

const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

function bytesOfSize(given: number | string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*([KMGT]?I?B)$/i.exec(String(given)) ?? [];
  const bytes = typeof given === 'number' ? given : Number(number) * (UNITS[unit?.toUpperCase()] ?? NaN);
  if (bytes > 0) return bytes;
  throw new CheckpointError(
    `saveSharded: maxShardSize is a number of bytes above 0, or such as '500MB' or '5GiB', got ${show(given)}`,
  );
}
