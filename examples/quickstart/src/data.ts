/**
 * The images: real digits that come with Fakkel, MNIST and its relatives, or a folder of your own.
 */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Generator } from '@fakkel/core';
import {
  type Dataset,
  digits,
  fashionMnist,
  type FileOptions,
  HostArray,
  type IdxDataset,
  MapDataset,
  mnist,
  randomSplit,
  resizeBilinear,
} from '@fakkel/data';
import { UsageError } from './errors.js';

/** An image, float32 `[1, 32, 32]` from 0 to 1, and its class. */
export type Sample = readonly [image: HostArray, label: number];

export interface Data {
  readonly title: string;
  readonly classes: readonly string[];
  readonly train: Dataset<Sample>;
  readonly validation: Dataset<Sample>;
  readonly test: Dataset<Sample>;
}

/** What LeNet-5 sees. */
const SIDE = 32;

const IDX_SETS: Record<
  string,
  { title: string; load: (options: FileOptions & { train: boolean }) => Promise<IdxDataset> }
> = {
  'fashion-mnist': { title: 'Fashion-MNIST', load: fashionMnist },
  mnist: { title: 'MNIST', load: mnist },
};

/** What `--data` takes, beside a folder. */
export const DATA_SETS = ['digits', ...Object.keys(IDX_SETS)];

/**
 * The data set of a name, or in a folder, in three parts: 80 % to train with, 10 % to validate with after each epoch,
 * 10 % to test with once. Where the data set brings test images of its own, these are the test, so that results can be
 * compared with published ones; the rest is split 90 to 10.
 */
export async function loadData(name: string, seed: number, onNote: (line: string) => void): Promise<Data> {
  // A generator of its own: the split depends on the seed alone, not on what else draws random numbers.
  const generator = new Generator(seed);
  if (name === 'digits') {
    const [train, validation, test] = randomSplit(digits({ size: SIDE }), [0.8, 0.1, 0.1], generator);
    return { title: 'handwritten digits', classes: [...'0123456789'], train, validation, test };
  }
  const known = IDX_SETS[name];
  if (!known) await checkFolder(name);
  const { title, load } = known ?? { title: path.basename(path.resolve(name)), load: mnist };
  const files: FileOptions = known
    ? { onProgress: ({ file, loaded }) => loaded === 0 && onNote(`Downloading ${file}`) }
    : { root: path.resolve(name) };

  const all = await load({ ...files, train: true });
  const own = known || (await hasTestFiles(path.resolve(name))) ? await load({ ...files, train: false }) : undefined;
  const classes = known ? all.classes : classesOf(all, own);
  const images = toInput(all, name);
  if (own) {
    const [train, validation] = randomSplit(images, [0.9, 0.1], generator);
    return { title, classes, train, validation, test: toInput(own, name) };
  }
  const [train, validation, test] = randomSplit(images, [0.8, 0.1, 0.1], generator);
  return { title, classes, train, validation, test };
}

async function checkFolder(name: string): Promise<void> {
  const found = await stat(path.resolve(name)).catch(() => undefined);
  if (found?.isDirectory()) return;
  const what = found ? 'a file, not a folder' : 'neither a data set nor a folder';
  throw new UsageError(
    `--data ${name}: this is ${what} (looked for ${path.resolve(name)}). Data sets: ${DATA_SETS.join(', ')}; or give a ` +
      `folder with train-images-idx3-ubyte and train-labels-idx1-ubyte, with or without .gz.`,
  );
}

async function hasTestFiles(folder: string): Promise<boolean> {
  const candidates = ['', '.gz'].map((ending) => path.join(folder, `t10k-images-idx3-ubyte${ending}`));
  const found = await Promise.all(candidates.map((file) => stat(file).catch(() => undefined)));
  return found.some((entry) => entry !== undefined);
}

/** Numbers as names: a folder does not say what its classes are. */
function classesOf(...sets: readonly (IdxDataset | undefined)[]): string[] {
  let largest = 0;
  for (const set of sets) for (const label of set?.labels.data ?? []) largest = Math.max(largest, label);
  return Array.from({ length: largest + 1 }, (_, i) => String(i));
}

function toInput(images: IdxDataset, name: string): Dataset<Sample> {
  const [image] = images.length > 0 ? images.get(0) : [];
  if (!image) throw new UsageError(`--data ${name}: there are no images in it`);
  if (image.shape.length !== 3 || image.shape[0] !== 1) {
    throw new UsageError(`--data ${name}: LeNet-5 sees images in grey, [1, H, W]; these are ${String(image)}`);
  }
  // As in the paper: MNIST's 28×28 images get an empty border. Others are resized.
  const padded = image.shape[1] === 28 && image.shape[2] === 28;
  return new MapDataset(images, ([picture, label]): Sample => [
    padded ? withBorder(picture, (SIDE - 28) / 2) : resizeBilinear(picture, SIDE),
    label,
  ]);
}

function withBorder({ data, shape }: HostArray, border: number): HostArray {
  const [, height, width] = shape;
  const outer = width + 2 * border;
  const out = new Float32Array((height + 2 * border) * outer);
  for (let y = 0; y < height; y++) {
    out.set(data.subarray(y * width, (y + 1) * width), (y + border) * outer + border);
  }
  return new HostArray(out, [1, height + 2 * border, outer]);
}
