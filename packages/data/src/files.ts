/**
 * Finding the files of a dataset: a given folder or address, a cache, the system's folder, a download.
 */
import { FakkelError } from '@fakkel/core';
import { cacheFolder, type DownloadProgress } from '@fakkel/hub';
import { download } from './download.js';
import { builtin, isNode } from './node.js';
import { readTar } from './tar.js';

/** Files of a published dataset. */
export interface Collection {
  /** How errors call it. */
  readonly title: string;
  /** Folder name in the cache and in the system's folder. */
  readonly folder: string;
  /** Folders below a root in which the files may lie too, as torchvision or the archive has them. */
  readonly subfolders: readonly string[];
  /** Addresses that end in `/`; the first that answers is used. None: what is published can't be unpacked here. */
  readonly mirrors: readonly string[];
  /** MD5 of each file that is downloaded, as published. */
  readonly md5: Readonly<Record<string, string>>;
  /** The tar archive in which the files are published, if they are not by themselves. */
  readonly archive?: string;
  /** A remark for those who have no files. */
  readonly hint?: string;
}

/** Where to look for the files of a dataset. */
export interface FileOptions {
  /**
   * A folder that holds the files, compressed or not, itself or as torchvision lays them out; or an address that ends
   * in such a folder. Nothing else is looked at then. Default: the cache (`$FAKKEL_DATA`, else `$FAKKEL_HOME`, else
   * `~/.cache/fakkel`), then the system's datasets (`/usr/share/datasets`), then a download into the cache.
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
  const { archive, subfolders } = collection;
  const address = root === undefined ? undefined : asAddress(root);
  if (address) {
    const fetched = await Promise.all(
      (archive ? [archive] : names).map((name) => download([address], name, { onProgress })),
    );
    return archive ? unpack(fetched[0], archive, names) : fetched;
  }
  if (!isNode) {
    if (options.download === false)
      throw missing(collection, names, [], 'Pass { root: address } or leave downloading on.');
    return fetchAll(collection, names, options, undefined);
  }
  const path = await builtin('node:path');
  const cache = path.join(process.env.FAKKEL_DATA || (await cacheFolder()), collection.folder);
  const given = root === undefined ? undefined : await localPath(root);
  const below = (folder: string): string[] => subfolders.map((name) => path.join(folder, name));
  const folders = given
    ? [given, ...below(given)]
    : [cache, ...(archive ? below(cache) : []), path.join(SYSTEM_FOLDER, collection.folder)];
  for (const folder of folders) {
    const found = await Promise.all(names.map((name) => readFrom(path.join(folder, name))));
    if (found.every((bytes) => bytes !== undefined)) return found;
    const packed = archive && (await readFrom(path.join(folder, archive)));
    if (packed) return unpack(packed, path.join(folder, archive), names);
  }
  if (!(options.download ?? root === undefined)) {
    throw missing(
      collection,
      names,
      folders,
      collection.mirrors.length > 0 ? 'Pass { download: true } to download them.' : '',
    );
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
  const { archive, mirrors, md5 } = collection;
  if (mirrors.length === 0) throw missing(collection, names, looked, '');
  const files: Uint8Array[] = [];
  for (const name of archive ? [archive] : names) {
    const there = folder ? await readFrom(`${folder}/${name}`) : undefined;
    try {
      files.push(
        there ??
          // In browsers the name of the folder does not matter, there is one cache.
          (await download(mirrors, name, { md5: md5[name], folder: folder ?? collection.folder, onProgress })),
      );
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw missing(collection, names, looked, `Downloading failed: ${reason}.`, cause);
    }
  }
  return archive ? unpack(files[0], archive, names) : files;
}

/** The files of a tar archive whose names, without folders, are `names`; all of it is read, and so its checksum. */
async function unpack(archive: Uint8Array, from: string, names: readonly string[]): Promise<Uint8Array[]> {
  const files = new Map<string, Uint8Array>();
  for await (const file of readTar(once(archive), from)) {
    const name = file.name.replace(/^.*\//, '');
    if (names.includes(name)) files.set(name, await file.read());
  }
  return names.map((name) => {
    const bytes = files.get(name);
    if (!bytes) throw new FakkelError(`${from}: the archive has no ${name}: it is not the one that was published`);
    return bytes;
  });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, undefined> {
  yield bytes;
}

function missing(
  collection: Collection,
  names: readonly string[],
  looked: readonly string[],
  why: string,
  cause?: unknown,
): FakkelError {
  const { archive, hint, mirrors } = collection;
  const files = names.map((name) => `  ${name}`).join('\n');
  const where = looked[0] ?? 'a folder';
  const lines = [
    `${collection.title}: files are missing${looked.length > 0 ? ` (looked in ${looked.join(', ')})` : ''}. ${why}`.trim(),
    archive
      ? `Put ${archive}, or these files of it, into ${where}, or pass { root: 'folder' }:`
      : `Put these files, with or without .gz, into ${where}, or pass { root: 'folder' }:`,
    files,
    [mirrors.length > 0 ? `They are at ${mirrors[0]}.` : '', hint ?? ''].join(' ').trim(),
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

/** `root` as a path. */
async function localPath(root: string | URL): Promise<string> {
  const text = String(root);
  return text.startsWith('file:') ? (await builtin('node:url')).fileURLToPath(text) : text;
}

/** `root` as an address that ends in `/`, if it is one; in browsers, relative ones too. */
function asAddress(root: string | URL): string | undefined {
  const text = String(root);
  if (text.startsWith('file:')) return undefined;
  return /^https?:\/\//.test(text) || !isNode ? text.replace(/\/?$/, '/') : undefined;
}
