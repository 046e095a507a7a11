/**
 * Finding the files of a dataset: a given folder or address, a cache, the system's folder, a download.
 */
import { FakkelError } from '@fakkel/core';
import { download, type DownloadProgress } from './download.js';
import { builtin, isNode } from './node.js';

/** Files of a published dataset. */
export interface Collection {
  /** How errors call it. */
  readonly title: string;
  /** Folder name in the cache and in the system's folder. */
  readonly folder: string;
  /** Folder name that torchvision uses under its root. */
  readonly torchvisionFolder: string;
  /** Addresses that end in `/`; the first that answers is used. */
  readonly mirrors: readonly string[];
  /** MD5 of each file, as torchvision publishes them. */
  readonly md5: Readonly<Record<string, string>>;
}

/** Where to look for the files of a dataset. */
export interface FileOptions {
  /**
   * A folder that holds the files, compressed or not, itself or as torchvision lays them out; or an address that ends
   * in such a folder. Nothing else is looked at then. Default: the cache (`$FAKKEL_DATA`, else `~/.cache/fakkel`),
   * then the system's datasets (`/usr/share/datasets`), then a download into the cache.
   */
  root?: string | URL;
  /** Whether to download what is missing. Default: true without `root`, false with it. */
  download?: boolean;
  /** Called while a file is downloaded. */
  onProgress?: (progress: DownloadProgress) => void;
}

const SYSTEM_FOLDER = '/usr/share/datasets';

/** The contents of the files of `collection` called `names`, all from one place. */
export async function findFiles(
  collection: Collection,
  names: readonly string[],
  options: FileOptions,
): Promise<Uint8Array[]> {
  const { root, onProgress } = options;
  const address = root === undefined ? undefined : asAddress(root);
  if (address) {
    return Promise.all(names.map((name) => download([address], name, { ...(onProgress && { onProgress }) })));
  }
  if (!isNode) {
    if (options.download === false)
      throw missing(collection, names, [], 'Pass { root: address } or leave downloading on.');
    return fetchAll(collection, names, options, undefined);
  }
  const path = await builtin('node:path');
  const cache = path.join(await cacheFolder(), collection.folder);
  const folders = root
    ? [String(root), path.join(String(root), collection.torchvisionFolder, 'raw')]
    : [cache, path.join(SYSTEM_FOLDER, collection.folder)];
  for (const folder of folders) {
    const found = await Promise.all(names.map((name) => readFrom(path.join(folder, name))));
    if (found.every((bytes) => bytes !== undefined)) return found;
  }
  if (!(options.download ?? root === undefined)) {
    throw missing(collection, names, folders, 'Pass { download: true } to download them.');
  }
  return fetchAll(collection, names, options, folders[0], folders);
}

/** Downloads what is missing in `folder`, into it. */
async function fetchAll(
  collection: Collection,
  names: readonly string[],
  { onProgress }: FileOptions,
  folder: string | undefined,
  looked: readonly string[] = [],
): Promise<Uint8Array[]> {
  const files: Uint8Array[] = [];
  for (const name of names) {
    const there = folder ? await readFrom(`${folder}/${name}`) : undefined;
    try {
      files.push(
        there ??
          (await download(collection.mirrors, name, {
            md5: collection.md5[name],
            ...(folder && { folder }),
            ...(onProgress && { onProgress }),
          })),
      );
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw missing(collection, names, looked, `Downloading failed: ${reason}.`, cause);
    }
  }
  return files;
}

function missing(
  collection: Collection,
  names: readonly string[],
  looked: readonly string[],
  why: string,
  cause?: unknown,
): FakkelError {
  const files = names.map((name) => `  ${name}`).join('\n');
  const debian = collection.folder === 'fashion-mnist' ? " Debian's package dataset-fashion-mnist has them too." : '';
  const lines = [
    `${collection.title}: files are missing${looked.length > 0 ? ` (looked in ${looked.join(', ')})` : ''}. ${why}`,
    `Put these files, with or without .gz, into ${looked[0] ?? 'a folder'}, or pass { root: 'folder' }:`,
    files,
    `They are at ${collection.mirrors[0]}.${debian}`,
  ];
  return new FakkelError(lines.join('\n'), { cause });
}

async function readFrom(file: string): Promise<Uint8Array | undefined> {
  const { readFile } = await builtin('node:fs/promises');
  for (const name of [file, file.replace(/\.gz$/, '')]) {
    try {
      return await readFile(name);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code !== 'ENOENT' && code !== 'ENOTDIR') throw error;
    }
  }
  return undefined;
}

async function cacheFolder(): Promise<string> {
  const [os, path] = [await builtin('node:os'), await builtin('node:path')];
  return process.env.FAKKEL_DATA || path.join(os.homedir(), '.cache', 'fakkel');
}

/** `root` as an address that ends in `/`, if it is one; in browsers, relative ones too. */
function asAddress(root: string | URL): string | undefined {
  const text = String(root);
  if (text.startsWith('file:')) return undefined;
  return /^https?:\/\//.test(text) || !isNode ? text.replace(/\/?$/, '/') : undefined;
}
