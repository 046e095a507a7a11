/**
 * Fashion-MNIST in three parts, and what is done to the training images.
 */
import { FakkelError, Generator } from '@fakkel/core';
import {
  type Dataset,
  fashionMnist,
  type HostArray,
  IdxError,
  MapDataset,
  stratifiedSplit,
  transforms,
} from '@fakkel/data';
import { UsageError } from '../../quickstart/src/errors.js';
import type { Settings } from './options.js';

/** An image, float32 `[1, 28, 28]` from 0 to 1, and its class. */
export type Sample = readonly [image: HostArray, label: number];

export interface Data {
  readonly classes: readonly string[];
  /** Each time it is asked for, an image is shifted and mirrored anew. */
  readonly train: Dataset<Sample>;
  /** The training images as they are. */
  readonly plain: Dataset<Sample>;
  readonly validation: Dataset<Sample>;
  readonly test: Dataset<Sample>;
}

/** A shoe is the same shoe two pixels further, and looking the other way: 50 images are made of one. */
const augment = new transforms.Compose([
  new transforms.RandomCrop(28, { padding: 2 }), // zeros: the background is black
  new transforms.RandomHorizontalFlip(),
]);

/**
 * Nine tenths of the 60,000 training images to train with, one tenth to choose settings by, with as many of each class;
 * the 10,000 test images are for the end.
 */
export async function loadData({ data: root, images, seed }: Settings, onNote: (line: string) => void): Promise<Data> {
  const read = (train: boolean) =>
    fashionMnist({
      train,
      ...(root === undefined ? { onProgress: announceOnce(onNote) } : { root }),
    }).catch((cause: unknown) => {
      if (!(cause instanceof FakkelError) || cause instanceof IdxError) throw cause;
      throw new UsageError(`${cause.message}\nA folder that holds them can be named: --data <folder>.`, { cause });
    });
  const [all, test] = [await read(true), await read(false)];
  const used = Math.min(images, all.length);
  const held = Math.round(used / 10);
  // A generator of its own: the split depends on the seed alone, not on what else draws random numbers.
  const generator = new Generator(seed);
  const [plain, validation] = stratifiedSplit(all, [used - held, held, all.length - used], { generator });
  const train = new MapDataset(plain, ([image, label], _, context): Sample => [augment(image, context), label]);
  return { classes: all.classes, train, plain, validation, test };
}

/** A line for each file that is downloaded. */
function announceOnce(onNote: (line: string) => void): (progress: { file: string }) => void {
  const seen = new Set<string>();
  return ({ file }) => {
    if (!seen.has(file)) onNote(`Downloading ${file}`);
    seen.add(file);
  };
}
