/**
 * Models with published weights, or with those of a file.
 */
import { loadInto, type CheckpointSource } from '@fakkel/checkpoint';
import { FakkelError, StateDictError, type nn } from '@fakkel/core';
import { cacheFolder, download, type DownloadedFile } from '@fakkel/hub';
import type { WeightsRules } from '../builder.js';
import { isNode } from '../node.js';
import { getWeights, listWeights, type WeightsEntry } from './weights.js';

/** How far the loading of weights is. */
export interface WeightsProgress {
  /** First the file is downloaded, if it is not there; then the weights are read from it. */
  readonly phase: 'download' | 'load';
  /** Name of the file. */
  readonly file: string;
  /** Bytes so far. */
  readonly loaded: number;
  /** Bytes in all, if the server says. */
  readonly total: number | undefined;
}

/** Where the weights of a model come from. */
export interface WeightsOptions {
  /**
   * - 'DEFAULT': the best that torchvision has published; or the name of another entry, `'IMAGENET1K_V1'`, see
   *   `listWeights`;
   * - the path or address of a file (PyTorch's .pth or .pt, .safetensors, or the index of a sharded one,
   *   .safetensors.index.json), or its bytes: a `File` that a user has chosen in a browser.
   *
   * A file of the name of a published one is taken to be that.
   */
  weights: 'DEFAULT' | (string & {}) | URL | Blob | Uint8Array | ArrayBuffer;
  /** Called while the file is downloaded and read. */
  onProgress?: (progress: WeightsProgress) => void;
  /** The folder for downloads, in Node. Default: `checkpoints` in the cache (`$FAKKEL_HOME`, else `~/.cache/fakkel`). */
  cacheFolder?: string;
  /** Stops the download; what has come stays for the next time. */
  signal?: AbortSignal;
}

/**
 * Makes a model and gives it weights: all of them, and no others.
 *
 * @throws FakkelError if there are no such weights, or they are for another number of classes; DownloadError naming file,
 * folder and address if they can't be downloaded; CheckpointError or StateDictError if the file is no checkpoint, or not
 * one of this model.
 */
export async function loadWeights<M extends nn.Module, O extends object>(
  modelName: string,
  options: O & WeightsOptions,
  make: (options: O) => M,
  rules: WeightsRules<M, O>,
): Promise<M> {
  const { weights, onProgress, cacheFolder: folder, signal, ...rest } = options;
  const own = rest as unknown as O;
  const source = sourceOf(modelName, weights);
  const { entry } = source;
  if (entry) checkClasses(modelName, entry, own);
  const model = make(entry && rules.prepare ? rules.prepare(own) : own);
  const from =
    source.url === undefined ? source.from : await fetchWeights(source.url, entry, { onProgress, folder, signal });
  try {
    await loadInto(model, from, {
      ...(onProgress && { onProgress: (progress) => onProgress({ phase: 'load', ...progress }) }),
    });
  } catch (error) {
    throw error instanceof StateDictError ? misfit(modelName, entry?.file ?? nameOf(from), error) : error;
  }
  return entry && rules.finish ? rules.finish(model, own) : model;
}

/** The names and shapes that differ, and what to do about it here. */
function misfit(modelName: string, file: string, cause: StateDictError): StateDictError {
  const differences = cause.message.split('\n').filter((line) => line.startsWith('  '));
  // Names that are on one side only are passed over; a tensor of another shape has to be left out.
  const misshapen = differences.map((line) => /^ {2}(\S+): the module has/.exec(line)?.[1]).find(Boolean);
  const leaveOut = misshapen ? `, rename: (name) => (name === '${misshapen}' || … ? null : name)` : '';
  return new StateDictError(
    [
      `${modelName}: the weights in ${file} are not those of this model with these options.`,
      ...differences,
      'Pass the options that they were trained with (numClasses …), and change the model afterwards: adapt(model, { numClasses }).',
      `To load what fits by name${misshapen ? ' and shape' : ''}: loadInto(${modelName}(…), file, { strict: false${leaveOut} }) of @fakkel/checkpoint.`,
    ].join('\n'),
    { cause },
  );
}

function nameOf(source: CheckpointSource): string {
  if (source instanceof Uint8Array || source instanceof ArrayBuffer) return 'these bytes';
  return source instanceof Blob ? ((source as Partial<File>).name ?? 'this Blob') : String(source);
}

/** Where weights are: at an address, or something that is read as it is; and the entry that they are, if they are one. */
type Source =
  | { readonly entry: WeightsEntry | undefined; readonly url: URL; readonly from?: undefined }
  | { readonly entry: WeightsEntry | undefined; readonly url?: undefined; readonly from: CheckpointSource };

function sourceOf(modelName: string, weights: WeightsOptions['weights']): Source {
  if (weights instanceof Uint8Array || weights instanceof ArrayBuffer || weights instanceof Blob) {
    return { entry: named(modelName, (weights as Partial<File>).name), from: weights };
  }
  if (typeof weights !== 'string' && !(weights instanceof URL)) {
    throw new FakkelError(
      `${modelName}: weights: expected 'DEFAULT', the name of an entry, an address, a path, or the bytes of a file, got ${String(weights)}`,
    );
  }
  const text = String(weights);
  // A word is a name; files have an ending or a folder.
  if (/^(\w+_Weights\.)?\w+$/.test(text)) {
    const entry = getWeights(modelName, text);
    return { entry, url: new URL(entry.url) };
  }
  const entry = named(
    modelName,
    text
      .replace(/[?#].*$/, '')
      .split(/[/\\]/)
      .at(-1),
  );
  if (/^https?:/i.test(text)) return { entry, url: new URL(text) };
  const base = (globalThis as { location?: { href: string } }).location?.href;
  // In a page, what is no address of its own is relative to the page's.
  return !isNode && URL.canParse(text, base) ? { entry, url: new URL(text, base) } : { entry, from: text };
}

/** The entry whose file is called so. */
const named = (modelName: string, file: string | undefined): WeightsEntry | undefined =>
  listWeights(modelName).find((entry) => entry.file === file);

function checkClasses(modelName: string, entry: WeightsEntry, options: { readonly numClasses?: number }): void {
  const { numClasses = entry.numClasses } = options;
  if (numClasses === entry.numClasses) return;
  throw new FakkelError(
    `${modelName}: the weights ${entry.name} are for ${entry.numClasses} classes, got numClasses: ${numClasses}. ` +
      `Give the model a new last layer: adapt(await ${modelName}({ weights: '${entry.name}' }), { numClasses: ${numClasses} }).`,
  );
}

async function fetchWeights(
  url: URL,
  entry: WeightsEntry | undefined,
  {
    onProgress,
    folder,
    signal,
  }: { [K in 'onProgress' | 'signal']?: WeightsOptions[K] | undefined } & { folder?: string | undefined },
): Promise<CheckpointSource> {
  const root = folder ?? (await cacheFolder('checkpoints'));
  const fetching = {
    signal,
    onProgress: onProgress && ((progress: Progress) => onProgress({ phase: 'download', ...progress })),
  };
  if (entry && url.href === entry.url) {
    return contentsOf(await download(url, { ...fetching, folder: root, checksum: { sha256: entry.sha256 } }));
  }
  const file = await download(url, { ...fetching, root });
  if (!url.pathname.endsWith('.index.json')) return contentsOf(file);
  if (file.path === undefined) return url; // a Blob has no neighbours: shards are read from the server
  for (const shard of shardsOf(await file.bytes())) await download(new URL(shard, url), { ...fetching, root });
  return file.path;
}

type Progress = Omit<WeightsProgress, 'phase'>;

/** The files that `model.safetensors.index.json` names; none if it is no such index, which reading it will say. */
function shardsOf(index: Uint8Array): Set<string> {
  try {
    const { weight_map: files } = JSON.parse(new TextDecoder().decode(index)) as { weight_map: Record<string, string> };
    return new Set(Object.values(files));
  } catch {
    return new Set();
  }
}

const contentsOf = ({ path, blob }: DownloadedFile): CheckpointSource => path ?? blob!;
