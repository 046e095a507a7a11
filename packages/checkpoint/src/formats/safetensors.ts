/**
 * Safetensors files, and the index that Hugging Face's libraries write for models in several files.
 */
import { readSafetensorsHeader } from '@fakkel/core';
import { CheckpointError, show } from '../errors.js';
import { type ByteSource, readBytes } from '../io/source.js';
import type { Pickled } from '../pickle/classes.js';
import { checkView, TensorEntry } from '../tensors.js';
import type { CheckpointFile } from './file.js';

const MAX_HEADER_BYTES = 100_000_000;
const MAX_INDEX_BYTES = 1 << 26;

export async function readSafetensors(source: ByteSource): Promise<CheckpointFile> {
  const length = new DataView((await readBytes(source, 0, Math.min(8, source.size))).buffer);
  const headerBytes = length.byteLength < 8 ? 0 : Number(length.getBigUint64(0, true));
  const bytes = await readBytes(source, 0, Math.min(source.size, 8 + Math.min(headerBytes, MAX_HEADER_BYTES)));
  const { entries, dataStart } = readSafetensorsHeader(bytes, source.size);
  const value = new Map<Pickled, Pickled>();
  for (const { name, dtype, shape, begin, end } of entries) {
    const storage = {
      size: end - begin,
      position: dataStart + begin,
      bigEndian: false,
      readInto: (target: Uint8Array, offset: number, onBytes?: (count: number) => void) =>
        source.readInto(target, dataStart + begin + offset, onBytes),
    };
    const strides = shape.map((_, i) => shape.slice(i + 1).reduce((n, size) => n * size, 1));
    value.set(name, checkView(`${source.name}: ${show(name)}`, storage, dtype, { shape, strides, offset: 0 }));
  }
  return { source, value, kind: 'safetensors file', close: () => source.close() };
}

/** `model.safetensors.index.json`, or `pytorch_model.bin.index.json`: `{ weight_map: { name: file } }`, the files beside it. */
export async function readSharded(
  source: ByteSource,
  open: (source: ByteSource, verify: boolean) => Promise<CheckpointFile>,
  verify: boolean,
): Promise<CheckpointFile> {
  const weightMap = await readIndex(source);
  const { sibling } = source;
  if (!sibling) {
    throw new CheckpointError(
      `${source.name}: an index names files beside it, which bytes don't have; pass its path or address, or load the shards one by one`,
    );
  }
  const shards = new Map<string, CheckpointFile>();
  const close = async (): Promise<void> => {
    await Promise.all([source, ...shards.values()].map((file) => file.close()));
  };
  try {
    for (const name of new Set(weightMap.values())) shards.set(name, await open(await sibling(name), verify));
    const value = new Map<Pickled, Pickled>();
    for (const [name, shard] of weightMap) {
      const { value: tensors } = shards.get(shard)!;
      const entry = tensors instanceof Map ? tensors.get(name) : undefined;
      if (!(entry instanceof TensorEntry)) {
        throw new CheckpointError(`${source.name}: tensor ${show(name)} should be in ${shard}, but is not`);
      }
      value.set(name, entry);
    }
    return { source, value, kind: 'sharded checkpoint', close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function readIndex(source: ByteSource): Promise<Map<string, string>> {
  const malformed = (what: string): never => {
    throw new CheckpointError(
      `${source.name}: expected the index of a sharded checkpoint, { "weight_map": { … } }, but ${what}`,
    );
  };
  if (source.size > MAX_INDEX_BYTES) malformed(`it has ${source.size} bytes`);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(await readBytes(source, 0, source.size)));
  } catch (error) {
    malformed(`it is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const weightMap = (json as { weight_map?: unknown } | null)?.weight_map;
  if (typeof weightMap !== 'object' || weightMap === null) malformed('it has no weight_map');
  const files = new Map<string, string>();
  for (const [name, file] of Object.entries(weightMap as Record<string, unknown>)) {
    // Beside the index, nowhere else.
    if (typeof file !== 'string' || !/^[^/\\:]+$/.test(file) || file.startsWith('..')) {
      malformed(`${show(name)} is in ${show(file)}, which is no file beside it`);
    }
    files.set(name, file as string);
  }
  if (files.size === 0) malformed('it names no tensors');
  return files;
}
