/**
 * CIFAR-10 and CIFAR-100.
 *
 * A file is a row of records: the label (CIFAR-100: the coarse, then the fine one), then 3072 bytes, 32×32 red pixels,
 * then green, then blue. Addresses, formats and checksums: https://www.cs.toronto.edu/~kriz/cifar.html, "binary version".
 *
 * Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
 */
import { FakkelError } from '@fakkel/core';
import { Dataset, type SampleContext } from './dataset.js';
import { findFiles, type Collection, type FileOptions } from './files.js';
import { checkIndex, HostArray } from './host-array.js';
import { imageSample, type TransformOptions } from './image-sample.js';
import { checkOptions, kindOf } from './options.js';
import type { Recipe } from './portable.js';
import { allPortable, shared } from './shared-memory.js';

export interface CifarOptions<T = HostArray, U = number> extends FileOptions, TransformOptions<HostArray, T, U> {
  /** The 50,000 training images (default) or the 10,000 test images. */
  train?: boolean;
}

export interface Cifar100Options<T = HostArray, U = number> extends CifarOptions<T, U> {
  /** The label that is the target: one of 100 classes ('fine', default) or of the 20 superclasses ('coarse'). */
  labels?: 'fine' | 'coarse';
}

const IMAGE = [3, 32, 32] as const;
const PIXELS = 3 * 32 * 32;

const CIFAR10: Collection = {
  title: 'cifar10',
  folder: 'cifar-10',
  subfolders: ['cifar-10-batches-bin'],
  mirrors: ['https://www.cs.toronto.edu/~kriz/'],
  md5: { 'cifar-10-binary.tar.gz': 'c32a1d4ab5d03f1284b67883e8d87530' },
  archive: 'cifar-10-binary.tar.gz',
  hint: 'The Python version (cifar-10-batches-py) holds pickles and is not read.',
};

const CIFAR100: Collection = {
  title: 'cifar100',
  folder: 'cifar-100',
  subfolders: ['cifar-100-binary'],
  mirrors: ['https://www.cs.toronto.edu/~kriz/'],
  md5: { 'cifar-100-binary.tar.gz': '03b5dce01913d631647c71ecec9e9cb8' },
  archive: 'cifar-100-binary.tar.gz',
  hint: 'The Python version (cifar-100-python) holds pickles and is not read.',
};

const CLASSES = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];

/** The superclasses of CIFAR-100 in order, each with its classes, whose own order is the alphabet's. */
const SUPERCLASSES: Record<string, readonly string[]> = {
  aquatic_mammals: ['beaver', 'dolphin', 'otter', 'seal', 'whale'],
  fish: ['aquarium_fish', 'flatfish', 'ray', 'shark', 'trout'],
  flowers: ['orchid', 'poppy', 'rose', 'sunflower', 'tulip'],
  food_containers: ['bottle', 'bowl', 'can', 'cup', 'plate'],
  fruit_and_vegetables: ['apple', 'mushroom', 'orange', 'pear', 'sweet_pepper'],
  household_electrical_devices: ['clock', 'keyboard', 'lamp', 'telephone', 'television'],
  household_furniture: ['bed', 'chair', 'couch', 'table', 'wardrobe'],
  insects: ['bee', 'beetle', 'butterfly', 'caterpillar', 'cockroach'],
  large_carnivores: ['bear', 'leopard', 'lion', 'tiger', 'wolf'],
  'large_man-made_outdoor_things': ['bridge', 'castle', 'house', 'road', 'skyscraper'],
  large_natural_outdoor_scenes: ['cloud', 'forest', 'mountain', 'plain', 'sea'],
  large_omnivores_and_herbivores: ['camel', 'cattle', 'chimpanzee', 'elephant', 'kangaroo'],
  medium_mammals: ['fox', 'porcupine', 'possum', 'raccoon', 'skunk'],
  'non-insect_invertebrates': ['crab', 'lobster', 'snail', 'spider', 'worm'],
  people: ['baby', 'boy', 'girl', 'man', 'woman'],
  reptiles: ['crocodile', 'dinosaur', 'lizard', 'snake', 'turtle'],
  small_mammals: ['hamster', 'mouse', 'rabbit', 'shrew', 'squirrel'],
  trees: ['maple_tree', 'oak_tree', 'palm_tree', 'pine_tree', 'willow_tree'],
  vehicles_1: ['bicycle', 'bus', 'motorcycle', 'pickup_truck', 'train'],
  vehicles_2: ['lawn_mower', 'rocket', 'streetcar', 'tank', 'tractor'],
};
const COARSE_CLASSES = Object.keys(SUPERCLASSES);
const FINE_CLASSES = Object.values(SUPERCLASSES).flat().sort();

/** What a {@link CifarDataset} holds. */
export interface CifarData {
  /** Bytes, `[N, 3, 32, 32]`. */
  readonly images: Uint8Array;
  /** The label of each image that is its target. */
  readonly targets: Int32Array;
  readonly classes: readonly string[];
}

/** Pairs of an image, float32 `[3, 32, 32]` from 0 to 1 or what `transform` makes of its bytes, and its label. */
export class CifarDataset<T = HostArray, U = number> extends Dataset<[T, U]> {
  readonly length: number;
  /** Names of the classes. */
  readonly classes: readonly string[];
  /** The label of each image. */
  readonly targets: Int32Array;
  /** All images: uint8 `[N, 3, 32, 32]`. */
  readonly images: HostArray;

  constructor(
    { images, targets, classes }: CifarData,
    private readonly options: TransformOptions<HostArray, T, U> = {},
  ) {
    super();
    this.classes = classes;
    this.targets = shared(targets);
    this.length = targets.length;
    this.images = new HostArray(shared(images), [this.length, ...IMAGE], 'uint8');
  }

  /** Index of each class. */
  get classToIdx(): Record<string, number> {
    return Object.fromEntries(this.classes.map((name, i) => [name, i]));
  }

  get(index: number, context?: SampleContext): [T, U] {
    checkIndex('CifarDataset.get', index, this.length);
    const pixels = this.images.data.slice(index * PIXELS, (index + 1) * PIXELS); // a copy, which transforms may change
    return imageSample(new HostArray(pixels, IMAGE, 'uint8'), this.targets[index], this.options, context);
  }

  /** How a worker makes it again, where no function is in the way. */
  recipe(): Recipe | undefined {
    const { transform, targetTransform } = this.options;
    if (!allPortable(transform, targetTransform)) return undefined;
    const data = { images: this.images.data, targets: this.targets, classes: this.classes };
    return { name: 'CifarDataset', args: [data, { transform, targetTransform }] };
  }
}

/**
 * CIFAR-10: 32×32 colour images of ten kinds of vehicles and animals, 6,000 of each.
 *
 * An image is float32 `[3, 32, 32]` from 0 to 1; with a `transform` it is what that makes of the uint8 image.
 *
 * @param options - `train`, `transform`, `targetTransform`, and where the files are: `cifar-10-binary.tar.gz` or its
 * folder `cifar-10-batches-bin`, see {@link FileOptions}. The download is 162 MB.
 * @throws FakkelError saying which files to put where, if they are not found and can't be downloaded, or which is damaged.
 * @example
 * // not run: it needs the files
 * const train = await cifar10({ transform: new transforms.Compose([new transforms.RandomCrop(32, { padding: 4 }),
 *   new transforms.RandomHorizontalFlip(), new transforms.ToTensor()]) });
 * train.classes[train.targets[0]]; // 'frog'
 */
export async function cifar10<T = HostArray, U = number>(
  options: CifarOptions<T, U> = {},
): Promise<CifarDataset<T, U>> {
  checkOptions('cifar10', options, OPTIONS, 'cifar10(…)');
  const names = (options.train ?? true) ? [1, 2, 3, 4, 5].map((i) => `data_batch_${i}.bin`) : ['test_batch.bin'];
  const files = await findFiles(CIFAR10, names, options);
  return new CifarDataset(parse(files, names, 0, [CLASSES]), options);
}

/**
 * CIFAR-100: 32×32 colour images of a hundred classes, 600 of each, in twenty superclasses.
 *
 * @param options - `labels`, and as for {@link cifar10}; the archive is `cifar-100-binary.tar.gz`, 161 MB, its folder
 * `cifar-100-binary`.
 * @throws As {@link cifar10}.
 */
export async function cifar100<T = HostArray, U = number>(
  options: Cifar100Options<T, U> = {},
): Promise<CifarDataset<T, U>> {
  checkOptions('cifar100', options, [...OPTIONS, 'labels'] satisfies (keyof Cifar100Options)[], 'cifar100(…)');
  const { labels = 'fine' } = options;
  if (labels !== 'fine' && labels !== 'coarse') {
    throw new FakkelError(`cifar100: labels: expected 'fine' or 'coarse', got ${kindOf(labels)}`);
  }
  const names = [(options.train ?? true) ? 'train.bin' : 'test.bin'];
  const files = await findFiles(CIFAR100, names, options);
  const which = labels === 'coarse' ? 0 : 1;
  return new CifarDataset(parse(files, names, which, [COARSE_CLASSES, FINE_CLASSES]), options);
}

const OPTIONS = [
  ...(['train', 'root', 'download', 'onProgress'] as const),
  ...(['transform', 'targetTransform'] as const),
] satisfies (keyof CifarOptions)[];

/** Splits records into images and labels; `labelClasses` are the classes of each label byte, `which` the one to keep. */
function parse(
  files: readonly Uint8Array[],
  names: readonly string[],
  which: number,
  labelClasses: readonly (readonly string[])[],
): CifarData {
  const head = labelClasses.length;
  const record = head + PIXELS;
  for (const [i, bytes] of files.entries()) {
    if (bytes.length === 0 || bytes.length % record !== 0) {
      throw new FakkelError(
        `${names[i]}: expected records of ${record} bytes, the file has ${bytes.length} bytes: it is truncated, or of another dataset`,
      );
    }
  }
  const count = files.reduce((n, bytes) => n + bytes.length / record, 0);
  const images = shared(new Uint8Array(count * PIXELS));
  const targets = shared(new Int32Array(count));
  let n = 0;
  for (const [i, bytes] of files.entries()) {
    for (let at = 0; at < bytes.length; at += record, n++) {
      labelClasses.forEach((classes, label) => {
        if (bytes[at + label] >= classes.length) {
          throw new FakkelError(
            `${names[i]}: image ${at / record} has label ${bytes[at + label]}, expected 0 to ${classes.length - 1}: the file is damaged, or of another dataset`,
          );
        }
      });
      targets[n] = bytes[at + which];
      images.set(bytes.subarray(at + head, at + record), n * PIXELS);
    }
  }
  return { images, targets, classes: labelClasses[which] };
}
