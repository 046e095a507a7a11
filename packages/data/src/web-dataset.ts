/**
 * WebDataset: samples in tar archives, streamed.
 */
import { FakkelError, OutOfRangeError } from '@fakkel/core';
import { expandBraces } from './brace-expansion.js';
import type { SampleContext } from './dataset.js';
import type { UnreadableFile } from './folder-dataset.js';
import type { HostArray } from './host-array.js';
import { bytesToFloat } from './image-sample.js';
import { checkReadOptions, decodeImage, MissingPackageError, type ReadImageOptions } from './image.js';
import { IterableDataset, type EpochContext } from './iterable-dataset.js';
import { checkOptions, kindOf } from './options.js';
import type { Recipe } from './portable.js';
import { allPortable } from './shared-memory.js';
import { checkCount } from './samplers.js';
import { decoderOf, type Decoder, type WebField } from './web-decode.js';
import { ShardStream, type RawSample, type ShardPosition } from './web-shards.js';

/** A sample without `fields`: what its files hold, by their endings. */
export interface WebSample {
  /** Path of its files up to the first dot of the last part. */
  readonly __key__: string;
  /** The shard. */
  readonly __url__: string;
  readonly [extension: string]: unknown;
}

/** What a {@link WebDataset} with these fields hands out. */
export type WebSampleOf<F extends readonly string[], I> = F extends readonly []
  ? WebSample
  : { -readonly [K in keyof F]: WebField<F[K], I> };

export interface WebDatasetOptions<F extends readonly string[] = readonly [], I = HostArray> extends ReadImageOptions {
  /**
   * Endings of the files that make the sample, a tuple, in this order; `jpg;png` is whichever there is. Other files are
   * not read. Default: all, as a {@link WebSample}.
   */
  fields?: F;
  /** Applied to each image, uint8 `[3, H, W]`. Default: as `ToTensor`, float32 from 0 to 1. */
  transform?: ((image: HostArray, context?: SampleContext) => I) | undefined;
  /** Decoders for further endings, or instead of those that there are: `{ npy: (bytes) => … }`. */
  decoders?: Readonly<Record<string, Decoder>>;
  /** Samples in the shuffle buffer, undecoded. Default 0: samples come in the order of their shards. */
  shuffle?: number;
  /** Go through the shards in random order. Default: if there is a shuffle buffer. */
  shuffleShards?: boolean;
  /** Which part of the shards this process takes, of how many: shards index, index + count, … Default: all. */
  part?: { readonly index: number; readonly count: number };
  /**
   * 'error' (default); or 'skip': samples that can't be decoded, and the rest of a shard that is damaged or missing, are
   * left out and reported by a warning. Batches are smaller then.
   */
  unreadable?: 'error' | 'skip';
  /** Attempts to go on with a download that broke, where it broke. Default 3. */
  retries?: number;
  /** Number of samples in an epoch, if it is known: gives a loader its `length`. */
  length?: number;
}

const OPTIONS = [
  ...([
    'fields',
    'transform',
    'decoders',
    'shuffle',
    'shuffleShards',
    'part',
    'unreadable',
    'retries',
    'length',
  ] as const),
  ...(['mode', 'applyExifOrientation'] as const),
] satisfies (keyof WebDatasetOptions)[];

/** Warnings about samples that are shown; all are in `unreadable`. */
const MAX_WARNINGS = 10;

/**
 * Samples in tar archives (shards), streamed from disk or the web: `webdataset.WebDataset`. Files that stand together in
 * a shard and differ after the first dot of their name are a sample: `000.jpg`, `000.cls`, `000.seg.png`.
 *
 * Files are decoded by their endings: jpg, jpeg, png, webp, gif, tif, tiff and avif to images; cls, cls2, class, count,
 * index, inx and id to whole numbers; txt, text and transcript to text; json and jsn; others stay bytes. Shards may be
 * compressed with gzip.
 *
 * Memory holds the file under way and the shuffle buffer (its samples as they are in the shards), whatever the size of a
 * shard. A loader's workers decode and transform; shards are read once, so that the batches are the same for any number of
 * workers, and a loader's state is one of place: going on reads again what was in the shuffle buffer, and opens no other
 * shard.
 *
 * When to use: data that don't fit on the disk, or of millions of files, which a file system opens one by one. Else
 * {@link ImageFolder}, which shuffles perfectly and can be split. Put samples into shards in random order, some hundred MB
 * each; the buffer mixes only what is near.
 *
 * @param urls - Paths or addresses of the shards; braces stand for several: `train-{000000..000146}.tar`.
 * @param options - See {@link WebDatasetOptions}.
 * @throws OutOfRangeError, FakkelError for wrong options. Streams throw {@link TarError} and others that name shard and
 * sample.
 * @example
 * // not run: it needs the shards
 * const train = new WebDataset('https://example.org/train-{000000..000146}.tar', {
 *   fields: ['jpg;png', 'cls'],
 *   transform: new transforms.Compose([new transforms.RandomResizedCrop(224), new transforms.ToTensor()]),
 *   shuffle: 1000,
 * });
 * for await (const [x, y] of new DataLoader(train, { batchSize: 64, numWorkers: 2 })) {
 *   // x: float32[64,3,224,224], y: int32[64]
 * }
 */
export class WebDataset<const F extends readonly string[] = readonly [], I = HostArray> extends IterableDataset<
  WebSampleOf<F, I>,
  RawSample
> {
  /** The shards of this process. */
  readonly urls: readonly string[];
  /** Number of samples, if it was said. */
  readonly length: number | undefined;
  /** What was left out so far, in this thread: shards, and samples as `shard: key`. */
  readonly unreadable: UnreadableFile[] = [];
  private readonly wanted: ReadonlySet<string> | undefined;

  constructor(
    urls: string | URL | readonly (string | URL)[],
    private readonly options: WebDatasetOptions<F, I> = {},
  ) {
    super();
    checkOptions('WebDataset', options, OPTIONS, 'new WebDataset(urls, …)', ABSENT);
    checkReadOptions('WebDataset', options);
    const { fields, shuffle = 0, part = { index: 0, count: 1 }, unreadable = 'error', retries = 3, length } = options;
    if (!Number.isInteger(shuffle) || shuffle < 0) {
      const remedy = (shuffle as unknown) === true ? ': the size of the shuffle buffer, such as 1000' : '';
      throw new OutOfRangeError(
        `WebDataset: shuffle: expected a whole number from 0 up, got ${String(shuffle)}${remedy}`,
      );
    }
    if (!Number.isInteger(retries) || retries < 0) {
      throw new OutOfRangeError(`WebDataset: retries: expected a whole number from 0 up, got ${retries}`);
    }
    if (length !== undefined) checkCount('WebDataset: length', length);
    if (unreadable !== 'error' && unreadable !== 'skip') {
      throw new FakkelError(`WebDataset: unreadable: expected 'error' or 'skip', got ${kindOf(unreadable)}`);
    }
    this.urls = partOf(expand(urls), part);
    this.length = length;
    this.wanted = fields && new Set(fields.flatMap((field) => field.split(';')));
  }

  override stream({ seed, state }: EpochContext): AsyncIterable<RawSample> & { stateDict(): ShardPosition } {
    const { shuffle = 0, retries = 3, unreadable } = this.options;
    const stream = {
      urls: this.urls,
      shuffle,
      shuffleShards: this.options.shuffleShards ?? shuffle > 0,
      retries,
      wants: (extension: string) => this.wanted?.has(extension) ?? true,
      onDamage:
        unreadable === 'skip'
          ? (url: string, error: Error) => this.report(url, error, 'The rest of the shard is left out.')
          : undefined,
    };
    return new ShardStream(stream, seed, state as ShardPosition | undefined);
  }

  override async prepare(raw: RawSample, context?: SampleContext): Promise<WebSampleOf<F, I> | undefined> {
    const { fields, unreadable } = this.options;
    try {
      const extensions = fields?.map((field) => present(raw, field)) ?? Object.keys(raw.files);
      const decoded = await Promise.all(extensions.map((extension) => this.decode(raw, extension)));
      // In order, for they draw from one generator.
      const values = decoded.map((file) => ('image' in file ? this.transformed(file.image, context) : file.value));
      if (fields) return values as WebSampleOf<F, I>;
      const files = Object.fromEntries(extensions.map((extension, i) => [extension, values[i]]));
      return { __key__: raw.key, __url__: raw.url, ...files } as WebSampleOf<F, I>;
    } catch (error) {
      if (unreadable !== 'skip' || !(error instanceof Undecodable)) throw error;
      this.report(`${raw.url}: ${raw.key}`, error, 'The sample is left out.');
      return undefined;
    }
  }

  /** How a worker makes it again, where no function is in the way. */
  recipe(): Recipe | undefined {
    const { transform, decoders } = this.options;
    if (!allPortable(transform, ...Object.values(decoders ?? {}))) return undefined;
    return { name: 'WebDataset', args: [this.urls, { ...this.options, part: undefined }] };
  }

  private async decode(raw: RawSample, extension: string): Promise<{ image: HostArray } | { value: unknown }> {
    const { decoders = {}, mode, applyExifOrientation } = this.options;
    const read = { ...(mode && { mode }), ...(applyExifOrientation && { applyExifOrientation }) };
    const name = `${raw.url}: ${raw.key}.${extension}`;
    const bytes = raw.files[extension];
    try {
      const decoder = decoderOf(extension, decoders);
      if (decoder === 'image') return { image: await decodeImage(bytes, name, read) };
      return { value: decoder ? await decoder(bytes, name) : bytes };
    } catch (cause) {
      if (cause instanceof MissingPackageError) throw cause;
      const reason = (cause instanceof Error ? cause.message : String(cause)).replace(`${name}: `, '');
      throw new Undecodable(`${name}: ${reason}`, { cause });
    }
  }

  private transformed(image: HostArray, context: SampleContext | undefined): unknown {
    const { transform } = this.options;
    return transform ? transform(image, context) : bytesToFloat(image);
  }

  private report(path: string, error: Error, what: string): void {
    const reason = error.message.replace(`${path}: `, '').replace(`${path}.`, '');
    this.unreadable.push({ path, reason });
    if (this.unreadable.length > MAX_WARNINGS) return;
    const last = this.unreadable.length === MAX_WARNINGS ? ' Further ones are only listed in dataset.unreadable.' : '';
    // eslint-disable-next-line no-console -- what is left out of a dataset must not be silent
    console.warn(`WebDataset: ${path}: ${reason}. ${what}${last}`);
  }
}

/** A sample's files are not what their endings say, or not there. */
class Undecodable extends FakkelError {
  override name = 'WebDatasetError';
}

/** Which ending of a field such as `jpg;png` the sample has. */
function present(raw: RawSample, field: string): string {
  const extension = field.split(';').find((e) => e in raw.files);
  if (extension !== undefined) return extension;
  throw new Undecodable(
    `${raw.url}: sample ${raw.key} has no ${field.replaceAll(';', ' or ')}, but ${raw.extensions.join(', ')}. Files of a ` +
      `sample must stand together in the shard: tar --sort=name`,
  );
}

/** What webdataset calls otherwise. */
const ABSENT = {
  shardshuffle: 'Write shuffleShards: true.',
  resampled: 'An epoch goes through all shards once: leave it out.',
  nodesplitter: 'Write part: { index, count }.',
  workersplitter: 'Shards are read once, whatever the number of workers: leave it out.',
  handler: "Write unreadable: 'skip'.",
};

function expand(urls: string | URL | readonly (string | URL)[]): string[] {
  const list = Array.isArray(urls) ? (urls as readonly (string | URL)[]) : [urls as string | URL];
  const names = list.flatMap((url) => {
    if (typeof url === 'string') return expandBraces(url);
    if (url instanceof URL) return expandBraces(url.href.replaceAll('%7B', '{').replaceAll('%7D', '}'));
    throw new TypeError(`WebDataset: expected paths or addresses of shards, got ${kindOf(url)}`);
  });
  if (names.length === 0) throw new OutOfRangeError('WebDataset: expected at least one shard');
  return names;
}

function partOf(urls: readonly string[], { index, count }: { index: number; count: number }): string[] {
  checkCount('WebDataset: part: count', count);
  if (!Number.isInteger(index) || index < 0 || index >= count) {
    throw new OutOfRangeError(`WebDataset: part: index: expected a whole number from 0 to ${count - 1}, got ${index}`);
  }
  if (urls.length < count) {
    throw new OutOfRangeError(
      `WebDataset: part: ${urls.length} shards can't be divided into ${count} parts: make more shards`,
    );
  }
  return urls.filter((_, i) => i % count === index);
}
