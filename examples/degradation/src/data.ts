/**
 * The images: Fashion-MNIST, or CIFAR-10 as in the paper.
 */
import { FakkelError, Generator } from '@fakkel/core';
import {
  cifar10,
  type Dataset,
  fashionMnist,
  type HostArray,
  IdxError,
  MapDataset,
  randomSplit,
  transforms,
} from '@fakkel/data';
import { UsageError } from '../../quickstart/src/errors.js';
import type { Settings } from './options.js';

/** An image, float32 `[C, H, W]` from 0 to 1, and its class. */
export type Sample = readonly [image: HostArray, label: number];

export interface Data {
  readonly channels: number;
  readonly classes: readonly string[];
  /** Shifted and mirrored anew each time. */
  readonly train: Dataset<Sample>;
  /** The training images as they are. */
  readonly plain: Dataset<Sample>;
  /** Images that no network is trained with. */
  readonly validation: Dataset<Sample>;
}

export const DATA_SETS = {
  'fashion-mnist': { title: 'Fashion-MNIST', channels: 1, side: 28, load: fashionMnist },
  cifar10: { title: 'CIFAR-10', channels: 3, side: 32, load: cifar10 },
};

export type DataName = keyof typeof DATA_SETS;

/** Some of the training images, drawn by the seed, and a fifth as many others to watch generalization with. */
export async function loadData({ data, root, images, seed }: Settings): Promise<Data> {
  const { channels, side, load } = DATA_SETS[data];
  const all = await load(root === undefined ? {} : { root }).catch((cause: unknown) => {
    if (!(cause instanceof FakkelError) || cause instanceof IdxError) throw cause;
    throw new UsageError(`${cause.message}\nA folder that holds them can be named: --root <folder>.`, { cause });
  });
  const held = Math.round(images / 5);
  const rest = all.length - images - held;
  if (rest < 0) {
    throw new UsageError(
      `--images ${images}: with ${held} more to validate with, that is more than the ${all.length} there are. ` +
        `At most ${Math.floor(all.length / 1.2)}.`,
    );
  }
  // A generator of its own: the choice depends on the seed alone, not on what else draws random numbers.
  const [plain, validation] = randomSplit<Sample, number[]>(all, [images, held, rest], new Generator(seed));
  // As in the paper: 4 empty pixels on each side, a crop of the image's size, mirrored one time in two.
  const augment = new transforms.Compose([
    new transforms.RandomCrop(side, { padding: 4 }),
    new transforms.RandomHorizontalFlip(),
  ]);
  const train = new MapDataset(plain, ([image, label], _, context): Sample => [augment(image, context), label]);
  return { channels, classes: all.classes, train, plain, validation };
}
