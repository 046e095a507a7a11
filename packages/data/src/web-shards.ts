/**
 * The samples of tar shards: files grouped by WebDataset's naming rules, in an order that can be continued.
 *
 * Source: A. Aizman, G. Maltby, T. Breuel, "High performance I/O for large scale deep learning", 2019;
 * github.com/webdataset/webdataset, `tariterators.py` (`base_plus_ext`, `group_by_keys`).
 */
import { FakkelError, Generator } from '@fakkel/core';
import { readChunks } from './byte-source.js';
import { ShuffleBuffer } from './shuffle-buffer.js';
import { readTar } from './tar.js';

/** A sample as it is in its shard. */
export interface RawSample {
  /** Path of its files up to the first dot of the last part. */
  readonly key: string;
  /** The shard. */
  readonly url: string;
  /** What follows the dot of each file, in lower case, and the file's contents. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** What follows the dot of all its files, also of those that were not read. */
  readonly extensions: readonly string[];
}

/** Where a `ShardStream` stands: plain JSON. */
export interface ShardPosition {
  /** Samples handed out. */
  readonly drawn: number;
  /** Samples of each shard that has been read to its end, in the order of the epoch. */
  readonly counts: readonly number[];
}

export interface ShardStreamOptions {
  readonly urls: readonly string[];
  /** Size of the shuffle buffer. */
  readonly shuffle: number;
  /** Whether the shards come in random order. */
  readonly shuffleShards: boolean;
  readonly retries: number;
  /** Which files to read. */
  readonly wants: (extension: string) => boolean;
  /** Told of a shard that can't be read on; the rest of it is left out then. Without it that is an error. */
  readonly onDamage?: ((url: string, error: Error) => void) | undefined;
}

/** Everything up to the first dot of the last part of a path, and what follows the dot. */
const KEY_AND_EXTENSION = /^((?:.*\/|)[^.]+)[.]([^/]*)$/;

/** Files about the shard, not of a sample. */
const META = /^__[^/]*__($|\/)/;

/** The samples of one epoch. */
export class ShardStream {
  private drawn: number;
  private readonly counts: number[];

  constructor(
    private readonly options: ShardStreamOptions,
    private readonly seed: bigint,
    from: ShardPosition = { drawn: 0, counts: [] },
  ) {
    this.drawn = from.drawn;
    this.counts = [...from.counts];
  }

  stateDict(): ShardPosition {
    return { drawn: this.drawn, counts: [...this.counts] };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RawSample, void, undefined> {
    const { urls, shuffle, shuffleShards } = this.options;
    const generator = new Generator(this.seed);
    const order = shuffleShards ? Array.from(generator.randperm(urls.length), (i) => urls[i]) : urls;
    const buffer = new ShuffleBuffer(shuffle, generator);
    const read = this.replay(buffer, order.length);
    // What waits in the buffer is read again; shards without any of it are not opened.
    const again = new Set(buffer.waiting);
    const samples = new Map<number, RawSample>();
    const give = (number: number): RawSample => {
      const sample = samples.get(number)!;
      samples.delete(number);
      this.drawn++;
      return sample;
    };
    for await (const [number, sample] of this.numbered(order, read, again)) {
      samples.set(number, sample);
      const leaving = number < read ? undefined : buffer.arrive(number);
      if (leaving !== undefined) yield give(leaving);
    }
    for (let leaving = buffer.leave(); leaving !== undefined; leaving = buffer.leave()) yield give(leaving);
  }

  /** Brings the buffer to where it was when `drawn` samples had left it; returns how many had arrived. */
  private replay(buffer: ShuffleBuffer, shards: number): number {
    const total = this.counts.length < shards ? Infinity : this.counts.reduce((a, b) => a + b, 0);
    let arrived = 0;
    for (let left = 0; left < this.drawn;) {
      const leaving = arrived < total ? buffer.arrive(arrived++) : buffer.leave();
      if (leaving !== undefined) left++;
      else if (arrived >= total && buffer.waiting.length === 0) break;
    }
    return arrived;
  }

  /** Samples with their number in the epoch: those from `read` on, and before them those of `again`. */
  private async *numbered(
    order: readonly string[],
    read: number,
    again: ReadonlySet<number>,
  ): AsyncGenerator<[number, RawSample], void, undefined> {
    let first = 0;
    for (const [shard, url] of order.entries()) {
      const count = this.counts[shard] as number | undefined;
      const end = first + (count ?? Infinity);
      const isWanted = (number: number): boolean => number >= read || again.has(number);
      let left = end <= read ? [...again].filter((number) => number >= first && number < end).length : Infinity;
      let number = first;
      if (left > 0) {
        for await (const sample of this.shard(url, (i) => isWanted(first + i))) {
          if (sample) {
            yield [number, sample];
            if (--left === 0) break;
          }
          number++;
        }
      }
      if (count === undefined) this.counts.push(number - first);
      else if (left > 0 && left < Infinity) {
        throw new FakkelError(`WebDataset: ${url} has fewer samples than when the state was saved: ${number - first}`);
      }
      first += this.counts[shard];
    }
    if (first === 0) {
      throw new FakkelError(
        `WebDataset: there are no samples in ${order.length === 1 ? order[0] : `${order.length} shards, the first is ${order[0]}`}. ` +
          `A sample is files with one name and different endings: 0001.jpg, 0001.cls.`,
      );
    }
  }

  /** The samples of a shard; undefined for those that are not wanted, whose files are not kept. */
  private async *shard(
    url: string,
    isWanted: (index: number) => boolean,
  ): AsyncGenerator<RawSample | undefined, void, undefined> {
    try {
      yield* samplesOf(url, this.options, isWanted);
    } catch (error) {
      if (!this.options.onDamage) throw error;
      this.options.onDamage(url, error instanceof Error ? error : new Error(String(error)));
    }
  }
}

async function* samplesOf(
  url: string,
  { retries, wants }: ShardStreamOptions,
  isWanted: (index: number) => boolean,
): AsyncGenerator<RawSample | undefined, void, undefined> {
  let key: string | undefined;
  let index = -1;
  let files: Record<string, Uint8Array> = {};
  let extensions: string[] = [];
  const sample = (): RawSample | undefined => (isWanted(index) ? { key: key!, url, files, extensions } : undefined);
  for await (const file of readTar(readChunks(url, retries), url)) {
    const parts = META.test(file.name) ? null : KEY_AND_EXTENSION.exec(file.name);
    if (!parts) continue;
    const extension = parts[2].toLowerCase();
    if (parts[1] !== key) {
      if (key !== undefined) yield sample();
      [key, files, extensions] = [parts[1], {}, []];
      index++;
    }
    if (extensions.includes(extension)) {
      throw new FakkelError(
        `WebDataset: ${url}: sample ${key} has two files ${extension}. The files of a sample must have different endings.`,
      );
    }
    extensions.push(extension);
    if (isWanted(index) && wants(extension)) files[extension] = await file.read();
  }
  if (key !== undefined) yield sample();
}
