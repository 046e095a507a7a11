/**
 * The files of a dataset whose classes are folders, found as torchvision finds them.
 *
 * Source: torchvision 0.14, `torchvision/datasets/folder.py` (`find_classes`, `make_dataset`).
 */
import { FakkelError } from '@fakkel/core';
import { builtin } from './node.js';
import { shared, StringTable } from './shared-memory.js';

/** What `findFolderFiles` finds: plain data, which workers share. */
export interface FolderFiles {
  /** The folder of the class folders. */
  readonly root: string;
  /** Names of the class folders. */
  readonly classes: readonly string[];
  /** Path of each file, below the root. */
  readonly paths: { readonly bytes: Uint8Array; readonly ends: Float64Array };
  /** Class of each file. */
  readonly targets: Int32Array;
}

/** Which files of a folder belong to the dataset. */
export interface FolderSelection {
  /** Endings of the files that belong to it, in any case: `['.png']`. */
  extensions?: readonly string[];
  /** Says of each path whether it belongs to the dataset; instead of `extensions`. */
  isValidFile?: (path: string) => boolean | Promise<boolean>;
  /** The class folders, in the order of their indices. Default: all folders in the root, sorted by name. */
  classes?: readonly string[];
  /** Allow classes without files. Default false. */
  allowEmpty?: boolean;
}

/** Images that sharp does not read: leaving them out silently would lose data. */
const OTHER_IMAGES = /\.(bmp|ppm|pgm|pbm|jp2|heic|heif|jxl|tga|ico|psd)$/i;

/**
 * Files below each class folder, at any depth, links followed: by class, then by folder, then by name.
 *
 * @param name - How errors call the dataset.
 * @param defaultExtensions - Where neither `extensions` nor `isValidFile` is given; images that are none of these are an
 * error then.
 */
export async function findFolderFiles(
  name: string,
  root: string,
  selection: FolderSelection,
  defaultExtensions?: readonly string[],
): Promise<FolderFiles> {
  const { isValidFile, allowEmpty = false } = selection;
  if (selection.extensions && isValidFile) {
    throw new FakkelError(`${name}: extensions and isValidFile exclude each other: both say which files are samples`);
  }
  const extensions = (selection.extensions ?? defaultExtensions)?.map((e) => e.toLowerCase());
  if (!extensions && !isValidFile) {
    throw new FakkelError(`${name}: expected extensions or isValidFile: one of them says which files are samples`);
  }
  const path = await builtin('node:path');
  const classes = selection.classes ?? (await classFolders(name, root));
  const paths: string[] = [];
  const targets: number[] = [];
  const counts = classes.map(() => 0);
  const others: string[] = [];
  for (const [target, folder] of classes.entries()) {
    for (const file of await filesBelow(path.join(root, folder), folder)) {
      const valid = isValidFile
        ? await isValidFile(path.join(root, file))
        : extensions!.some((e) => file.toLowerCase().endsWith(e));
      if (!valid) {
        if (!isValidFile && !selection.extensions && OTHER_IMAGES.test(file)) others.push(file);
        continue;
      }
      paths.push(file);
      targets.push(target);
      counts[target]++;
    }
  }
  const supported = extensions ? ` Supported extensions are: ${extensions.join(', ')}.` : '';
  if (others.length > 0) {
    throw new FakkelError(
      `${name}: ${root} holds ${others.length} ${others.length === 1 ? 'image' : 'images'} in a format that can't be ` +
        `read, the first is ${others[0]}.${supported} Convert them, or leave them out: pass extensions.`,
    );
  }
  const empty = classes.filter((_, i) => counts[i] === 0);
  if (empty.length > 0 && !allowEmpty) {
    const hidden = empty.find((folder) => folder.startsWith('.'));
    throw new FakkelError(
      `${name}: found no valid file for the classes ${empty.join(', ')} in ${root}.${supported} ` +
        (hidden === undefined
          ? 'Each folder in the root is a class: remove those that are none, or pass classes or allowEmpty: true.'
          : `${hidden} is a hidden folder of some program: remove it, or pass classes.`),
    );
  }
  return { root, classes, paths: StringTable.from(paths), targets: shared(Int32Array.from(targets)) };
}

async function classFolders(name: string, root: string): Promise<string[]> {
  const { readdir, stat } = await builtin('node:fs/promises');
  const entries = await readdir(root, { withFileTypes: true }).catch((cause: unknown) => {
    const { code } = cause as { code?: string };
    const why = code === 'ENOENT' ? 'there is no such folder' : code === 'ENOTDIR' ? 'it is a file' : String(cause);
    throw new FakkelError(`${name}: can't read ${root}: ${why}`, { cause });
  });
  const classes: string[] = [];
  for (const entry of entries) {
    const isFolder =
      entry.isDirectory() ||
      (entry.isSymbolicLink() && (await stat(`${root}/${entry.name}`).catch(() => undefined))?.isDirectory());
    if (isFolder) classes.push(entry.name);
  }
  if (classes.length === 0) {
    throw new FakkelError(
      `${name}: couldn't find any class folder in ${root}. Put the files of each class into a folder of its own: ` +
        `${root}/cat/1.png, ${root}/dog/1.png.`,
    );
  }
  return classes.sort();
}

/** Files below `folder` as paths that begin with `prefix`; Python's `sorted(os.walk(folder, followlinks=True))`. */
async function filesBelow(folder: string, prefix: string): Promise<string[]> {
  const { readdir, realpath, stat } = await builtin('node:fs/promises');
  const folders = new Map<string, string[]>();
  const walk = async (at: string, relative: string, above: readonly string[]): Promise<void> => {
    const real = await realpath(at);
    if (above.includes(real)) return; // a link back to where it is
    const files: string[] = [];
    folders.set(relative, files);
    for (const entry of await readdir(at, { withFileTypes: true })) {
      const info = entry.isSymbolicLink() ? await stat(`${at}/${entry.name}`).catch(() => undefined) : entry;
      if (info?.isDirectory()) await walk(`${at}/${entry.name}`, `${relative}/${entry.name}`, [...above, real]);
      else files.push(entry.name);
    }
  };
  await walk(folder, prefix, []).catch((error: unknown) => {
    if ((error as { code?: string }).code !== 'ENOENT') throw error;
  });
  return [...folders.keys()].sort().flatMap((at) =>
    folders
      .get(at)!
      .sort()
      .map((file) => `${at}/${file}`),
  );
}
