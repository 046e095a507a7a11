/**
 * Datasets whose classes are folders: `root/cat/1.jpg`, `root/dog/1.jpg`.
 *
 * Source: torchvision 0.14, `torchvision/datasets/folder.py`.
 */
import { FakkelError } from '@fakkel/core';
import { FolderDataset, type UnreadableOptions } from './folder-dataset.js';
import { findFolderFiles, type FolderFiles, type FolderSelection } from './folder-files.js';
import type { HostArray } from './host-array.js';
import { bytesToFloat, type TransformOptions } from './image-sample.js';
import { checkDecoder, checkReadOptions, readImage, type ReadImageOptions } from './image.js';
import { builtin, isNode } from './node.js';
import { checkOptions, kindOf } from './options.js';
import type { Recipe } from './portable.js';
import { allPortable } from './shared-memory.js';

const SELECTION = ['extensions', 'isValidFile', 'classes', 'allowEmpty'] as const;
const COMMON = [...SELECTION, 'transform', 'targetTransform', 'unreadable', 'onProgress'] as const;

export interface DatasetFolderOptions<S, T = S, U = number>
  extends FolderSelection, TransformOptions<S, T, U>, UnreadableOptions {
  /** Loads a sample from its path. */
  loader: (path: string) => S | Promise<S>;
}

/**
 * Files of any kind in class folders: `torchvision.datasets.DatasetFolder`. A sample is `[loader(path), class index]`.
 *
 * Classes are the folders in the root, sorted by name; files may lie in folders below them.
 *
 * @example
 * // not run: it needs a folder
 * const texts = await DatasetFolder.open('reviews', { extensions: ['.txt'], loader: (path) => readFile(path, 'utf8') });
 * texts.classes; // ['negative', 'positive']
 */
export class DatasetFolder<S, T = S, U = number> extends FolderDataset<S, T, U> {
  constructor(
    files: FolderFiles,
    private readonly options: DatasetFolderOptions<S, T, U>,
  ) {
    super(files, options);
  }

  /**
   * Finds the files.
   *
   * @param root - The folder of the class folders.
   * @param options - `loader`, and `extensions` or `isValidFile`; see {@link DatasetFolderOptions} for the others.
   * @throws FakkelError if there is no class folder, or one without files.
   */
  static async open<S, T = S, U = number>(
    root: string | URL,
    options: DatasetFolderOptions<S, T, U>,
  ): Promise<DatasetFolder<S, T, U>> {
    checkOptions('DatasetFolder', options, [...COMMON, 'loader'], 'DatasetFolder.open(root, …)');
    if (typeof options.loader !== 'function') {
      throw new TypeError(`DatasetFolder: loader: expected a function of a path, got ${kindOf(options.loader)}`);
    }
    checkUnreadable('DatasetFolder', options);
    const files = await findFolderFiles('DatasetFolder', await folderPath('DatasetFolder', root), options);
    return new DatasetFolder(files, options).checked();
  }

  /** How a worker makes it again, where no function is in the way. */
  recipe(): Recipe | undefined {
    const { loader, transform, targetTransform, unreadable } = this.options;
    if (!allPortable(loader, transform, targetTransform)) return undefined;
    return { name: 'DatasetFolder', args: [this.files, { loader, transform, targetTransform, unreadable }] };
  }

  protected load(path: string): S | Promise<S> {
    return this.options.loader(path);
  }

  protected withFiles(files: FolderFiles): this {
    return new DatasetFolder(files, this.options) as this;
  }
}

export interface ImageFolderOptions<T = HostArray, U = number>
  extends FolderSelection, TransformOptions<HostArray, T, U>, UnreadableOptions, ReadImageOptions {}

/** What is read without being told; torchvision's, but for those that sharp has no decoder for, and GIF and AVIF. */
const IMAGE_EXTENSIONS = ['.jpg', '.jpeg', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif'];

/**
 * Images in class folders: `torchvision.datasets.ImageFolder`. A sample is `[image, class index]`. An image is float32
 * `[3, H, W]` from 0 to 1; with a `transform` it is what that makes of the uint8 image. {@link readImage} says how pixels
 * compare with torchvision's.
 *
 * Classes are the folders in the root, sorted by name, and samples are in torchvision's order: equal indices name equal
 * files. Needs sharp: `npm install sharp`.
 *
 * When to use: images of your own, in folders by class. One file that can't be read among 50,000 stops a run unless
 * `unreadable` says 'skip' or 'replace'.
 *
 * @example
 * // not run: it needs a folder
 * const dataset = await ImageFolder.open('flowers/train', {
 *   transform: new transforms.Compose([new transforms.RandomResizedCrop(224), new transforms.ToTensor()]),
 *   unreadable: 'skip',
 * });
 * dataset.classes; // ['daisy', 'rose', …], the names of the folders
 * const loader = new DataLoader(dataset, { batchSize: 64, shuffle: true });
 */
export class ImageFolder<T = HostArray, U = number> extends FolderDataset<HostArray, T, U> {
  constructor(
    files: FolderFiles,
    private readonly options: ImageFolderOptions<T, U> = {},
  ) {
    super(files, { ...options, transform: options.transform ?? (bytesToFloat as (image: HostArray) => T) });
  }

  /**
   * Finds the images.
   *
   * @param root - The folder of the class folders.
   * @param options - `transform`, `targetTransform`, `unreadable`; `extensions`, `isValidFile`, `classes`, `allowEmpty`;
   * `mode`, `applyExifOrientation`.
   * @throws FakkelError if there is no class folder, or one without images; MissingPackageError if sharp is not installed.
   */
  static async open<T = HostArray, U = number>(
    root: string | URL,
    options: ImageFolderOptions<T, U> = {},
  ): Promise<ImageFolder<T, U>> {
    const known = [...COMMON, 'mode', 'applyExifOrientation'] satisfies (keyof ImageFolderOptions)[];
    checkOptions('ImageFolder', options, known, 'ImageFolder.open(root, …)');
    checkReadOptions('ImageFolder', options);
    checkUnreadable('ImageFolder', options);
    await checkDecoder();
    const byDefault = options.isValidFile ? undefined : IMAGE_EXTENSIONS;
    const files = await findFolderFiles('ImageFolder', await folderPath('ImageFolder', root), options, byDefault);
    return new ImageFolder(files, options).checked();
  }

  /** As `samples`: torchvision's other name for it. */
  get imgs(): [path: string, target: number][] {
    return this.samples;
  }

  /** How a worker makes it again, where no function is in the way. */
  recipe(): Recipe | undefined {
    const { transform, targetTransform, unreadable, mode, applyExifOrientation } = this.options;
    if (!allPortable(transform, targetTransform)) return undefined;
    const options = { transform, targetTransform, unreadable, mode, applyExifOrientation };
    return { name: 'ImageFolder', args: [this.files, options] };
  }

  protected load(path: string): Promise<HostArray> {
    const { mode, applyExifOrientation } = this.options;
    return readImage(path, { ...(mode && { mode }), ...(applyExifOrientation && { applyExifOrientation }) });
  }

  protected withFiles(files: FolderFiles): this {
    return new ImageFolder(files, this.options) as this;
  }
}

function checkUnreadable(name: string, { unreadable = 'error' }: UnreadableOptions): void {
  if (['error', 'skip', 'replace'].includes(unreadable)) return;
  throw new FakkelError(`${name}: unreadable: expected 'error', 'skip' or 'replace', got ${kindOf(unreadable)}`);
}

async function folderPath(name: string, root: string | URL): Promise<string> {
  if (typeof root !== 'string' && !(root instanceof URL)) {
    throw new TypeError(`${name}: expected the path of a folder, got ${kindOf(root)}`);
  }
  const text = String(root);
  if (/^https?:/.test(text)) {
    throw new FakkelError(`${name}: a folder can't be listed over the web: ${text}. Tar shards can: see WebDataset.`);
  }
  if (!isNode) throw new FakkelError(`${name}: a page can't list folders. It can stream tar shards: see WebDataset.`);
  const path = text.startsWith('file:') ? (await builtin('node:url')).fileURLToPath(text) : text;
  return path.replace(/(?<=.)\/+$/, '');
}
