/**
 * The images: real digits that come with Fakkel, MNIST and its relatives, or a folder of your own.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { FakkelError, Generator } from '@fakkel/core';
import {
  type Dataset,
  digits,
  fashionMnist,
  type FileOptions,
  type HostArray,
  type IdxDataset,
  IdxError,
  MapDataset,
  mnist,
  randomSplit,
  transforms,
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
 * The data set of a name, or in a folder (an absolute path), in three parts: 80 % to train with, 10 % to validate with after each epoch,
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
  const { title, load } = known ?? { title: path.basename(name), load: mnist };
  const files: FileOptions = known ? { onProgress: announceOnce(onNote) } : { root: name };

  const read = (train: boolean): Promise<IdxDataset> =>
    load({ ...files, train }).catch((cause: unknown) => {
      if (!(cause instanceof FakkelError) || cause instanceof IdxError) throw cause;
      throw new UsageError(`${cause.message}\nA folder that holds them can be named as it is: --data <folder>.`, {
        cause,
      });
    });
  const all = await read(true);
  const own = known || (await hasImages(name, 't10k')) ? await read(false) : undefined;
  const classes = known ? all.classes : classesOf(all, own);
  const images = toInput(all, name);
  if (own) {
    const [train, validation] = randomSplit(images, [0.9, 0.1], generator);
    return { title, classes, train, validation, test: toInput(own, name) };
  }
  const [train, validation, test] = randomSplit(images, [0.8, 0.1, 0.1], generator);
  return { title, classes, train, validation, test };
}

/** A line for each file that is downloaded. */
function announceOnce(onNote: (line: string) => void): NonNullable<FileOptions['onProgress']> {
  const seen = new Set<string>();
  return ({ file }) => {
    if (!seen.has(file)) onNote(`Downloading ${file}`);
    seen.add(file);
  };
}

async function checkFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  const files = 'train-images-idx3-ubyte and train-labels-idx1-ubyte, with or without .gz';
  if (!found?.isDirectory()) {
    const what = found ? `${folder} is no folder` : `there is no folder ${folder}`;
    throw new UsageError(
      `--data: ${what}, and no data set of that name (there are: ${DATA_SETS.join(', ')}). A folder holds ${files}.`,
    );
  }
  if (!(await hasImages(folder, 'train'))) {
    const entries = (await readdir(folder)).slice(0, 8).join(', ') || 'nothing';
    throw new UsageError(`--data: ${folder} holds ${entries}; expected ${files}.`);
  }
}

async function hasImages(folder: string, part: 'train' | 't10k'): Promise<boolean> {
  const entries = await readdir(folder);
  return ['', '.gz'].some((ending) => entries.includes(`${part}-images-idx3-ubyte${ending}`));
}

/** Numbers as names: a folder does not say what its classes are. */
function classesOf(...sets: readonly (IdxDataset | undefined)[]): string[] {
  let largest = 0;
  for (const set of sets) for (const label of set?.labels.data ?? []) largest = Math.max(largest, label);
  return Array.from({ length: largest + 1 }, (_, i) => String(i));
}

function toInput(images: IdxDataset, name: string): Dataset<Sample> {
  const [image] = images.length > 0 ? images.get(0) : [];
  if (!image) throw new UsageError(`--data: there are no images in ${name}`);
  if (image.shape.length !== 3 || image.shape[0] !== 1) {
    throw new UsageError(`--data: LeNet-5 sees images in grey, [1, H, W]; those of ${name} are ${String(image)}`);
  }
  // As in the paper: MNIST's 28×28 images get an empty border. Others are resized.
  const padded = image.shape[1] === 28 && image.shape[2] === 28;
  const fit = padded ? new transforms.Pad((SIDE - 28) / 2) : new transforms.Resize([SIDE, SIDE]);
  return new MapDataset(images, ([picture, label]): Sample => [fit(picture), label]);
}
