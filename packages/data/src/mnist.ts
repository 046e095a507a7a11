/**
 * MNIST and the datasets that came after it in its format.
 *
 * Checksums, addresses and class names: torchvision 0.14, `torchvision/datasets/mnist.py`.
 */
import { FakkelError } from '@fakkel/core';
import { findFiles, type Collection, type FileOptions } from './files.js';
import type { HostArray } from './host-array.js';
import { IdxDataset } from './idx-dataset.js';
import { readIdx, type IdxArray } from './idx.js';
import type { TransformOptions } from './image-sample.js';
import { checkOptions, kindOf } from './options.js';

export interface MnistOptions<T = HostArray, U = number> extends FileOptions, TransformOptions<HostArray, T, U> {
  /** The training images (default), or the test images. */
  train?: boolean;
}

const MNIST: Collection = {
  title: 'mnist',
  folder: 'mnist',
  subfolders: ['MNIST/raw'],
  mirrors: ['https://ossci-datasets.s3.amazonaws.com/mnist/'],
  md5: {
    'train-images-idx3-ubyte.gz': 'f68b3c2dcbeaaa9fbdd348bbdeb94873',
    'train-labels-idx1-ubyte.gz': 'd53e105ee54ea40749a09fcbcd1e9432',
    't10k-images-idx3-ubyte.gz': '9fb629c4189551a2d022fa330f9573f3',
    't10k-labels-idx1-ubyte.gz': 'ec29112dd5afa0611ce80d1b7f02629c',
  },
};

const FASHION_MNIST: Collection = {
  title: 'fashionMnist',
  folder: 'fashion-mnist',
  subfolders: ['FashionMNIST/raw'],
  mirrors: ['http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/'],
  hint: "Debian's package dataset-fashion-mnist has them too.",
  md5: {
    'train-images-idx3-ubyte.gz': '8d4fb7e6c68d591d4c3dfef9ec88bf0d',
    'train-labels-idx1-ubyte.gz': '25c81989df183df01b3e8a0aad5dffbe',
    't10k-images-idx3-ubyte.gz': 'bef4ecab320f06d8554ea6380940ec79',
    't10k-labels-idx1-ubyte.gz': 'bb300cfdad3c16e7a12a480ee83cd310',
  },
};

const KMNIST: Collection = {
  title: 'kmnist',
  folder: 'kmnist',
  subfolders: ['KMNIST/raw'],
  mirrors: ['http://codh.rois.ac.jp/kmnist/dataset/kmnist/'],
  md5: {
    'train-images-idx3-ubyte.gz': 'bdb82020997e1d708af4cf47b453dcf7',
    'train-labels-idx1-ubyte.gz': 'e144d726b3acfaa3e44228e80efcd344',
    't10k-images-idx3-ubyte.gz': '5c965bf0a639b31b8f53240b1b52f4d7',
    't10k-labels-idx1-ubyte.gz': '7320c461ea6c1c855c0b718fb2a4b134',
  },
};

const EMNIST: Collection = {
  title: 'emnist',
  folder: 'emnist',
  subfolders: ['EMNIST/raw', 'gzip'],
  mirrors: [],
  md5: {},
  hint:
    'EMNIST is published as one zip file, which is not unpacked here: https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip ' +
    '(536 MB, MD5 58c8d27c78d21e728a6bc7b3cc06412e). Unzip it into that folder.',
};

const QMNIST: Collection = {
  title: 'qmnist',
  folder: 'qmnist',
  subfolders: ['QMNIST/raw'],
  mirrors: ['https://raw.githubusercontent.com/facebookresearch/qmnist/master/'],
  md5: {
    'qmnist-train-images-idx3-ubyte.gz': 'ed72d4157d28c017586c42bc6afe6370',
    'qmnist-train-labels-idx2-int.gz': '0058f8dd561b90ffdd0f734c6a30e5e4',
    'qmnist-test-images-idx3-ubyte.gz': '1394631089c404de565df7b7aeaf9412',
    'qmnist-test-labels-idx2-int.gz': '5b5b05890a5e13444e108efe57b788aa',
  },
};

/** All digits of NIST: compressed in a way that neither Node nor browsers unpack. */
const NIST: Collection = {
  ...QMNIST,
  mirrors: [],
  hint: `They are at ${QMNIST.mirrors[0]} with the ending .xz: unpack them with xz.`,
};

const DIGIT_CLASSES = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
const FASHION_CLASSES = [
  ...['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat'],
  ...['Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'],
];

const KANA_CLASSES = ['o', 'ki', 'su', 'tsu', 'na', 'ha', 'ma', 'ya', 're', 'wo'];
const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];
/** Letters of which upper and lower case look alike, and are one class where classes are merged. */
const MERGED = 'cijklmopsuvwxyz';
const BY_CLASS = [...DIGIT_CLASSES, ...LETTERS.map((c) => c.toUpperCase()), ...LETTERS];
const BY_MERGE = BY_CLASS.filter((c) => !MERGED.includes(c));

const EMNIST_CLASSES = {
  byclass: BY_CLASS,
  bymerge: BY_MERGE,
  balanced: BY_MERGE,
  letters: ['N/A', ...LETTERS], // labels begin at 1
  digits: DIGIT_CLASSES,
  mnist: DIGIT_CLASSES,
};

/**
 * MNIST: 28×28 images of handwritten digits, float32 `[1, 28, 28]` from 0 to 1, with labels 0 … 9; 60,000 to train on,
 * 10,000 to test with.
 *
 * @param options - `train`; `transform`, which is given the uint8 image `[1, 28, 28]`, and `targetTransform`; and where
 * the files are: see {@link FileOptions}.
 * @throws FakkelError saying which files to put where, if they are not found and can't be downloaded; IdxError if a
 * file is damaged.
 *
 * For instance `await mnist({ onProgress: ({ file, loaded }) => console.log(file, loaded) })`.
 *
 * Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", 1998.
 */
export function mnist<T = HostArray, U = number>(options: MnistOptions<T, U> = {}): Promise<IdxDataset<T, U>> {
  return load(MNIST, DIGIT_CLASSES, options);
}

/**
 * Fashion-MNIST: 28×28 images of ten kinds of clothing, float32 `[1, 28, 28]` from 0 to 1, with labels 0 … 9; 60,000 to
 * train on, 10,000 to test with.
 *
 * @param options - As for {@link mnist}. Debian's package `dataset-fashion-mnist` is found without being told. For
 * instance `await fashionMnist({ train: false })`, whose first image is an ankle boot.
 * @throws As {@link mnist}.
 *
 * Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
 * algorithms", 2017 (MIT licence).
 */
export function fashionMnist<T = HostArray, U = number>(options: MnistOptions<T, U> = {}): Promise<IdxDataset<T, U>> {
  return load(FASHION_MNIST, FASHION_CLASSES, options);
}

/**
 * Kuzushiji-MNIST: 28×28 images of ten cursive Japanese characters, in the form of {@link mnist}.
 *
 * @param options - As for {@link mnist}.
 * @throws As {@link mnist}.
 *
 * Source: T. Clanuwat et al., "Deep learning for classical Japanese literature", 2018 (CC BY-SA 4.0).
 */
export function kmnist<T = HostArray, U = number>(options: MnistOptions<T, U> = {}): Promise<IdxDataset<T, U>> {
  return load(KMNIST, KANA_CLASSES, options);
}

export interface EmnistOptions<T = HostArray, U = number> extends MnistOptions<T, U> {
  /**
   * Which classes: digits and letters (62, 'byclass'); the same, upper and lower case as one where they look alike (47,
   * 'bymerge'; as many of each, 'balanced'); letters alone, labels 1 … 26; digits alone ('digits', 'mnist').
   */
  split: keyof typeof EMNIST_CLASSES;
  /**
   * Leave the images as they are in the files, where rows and columns are swapped; so does torchvision. Default false:
   * they are turned upright when they are read.
   */
  transposed?: boolean;
}

/**
 * EMNIST: 28×28 images of handwritten letters and digits, in the form of {@link mnist}, upright.
 *
 * @param options - `split`, `transposed`, and as for {@link mnist}. There is no download: the error says how to get the
 * files.
 * @throws FakkelError if the split is unknown, or as {@link mnist}.
 *
 * Source: G. Cohen et al., "EMNIST: an extension of MNIST to handwritten letters", 2017.
 */
export async function emnist<T = HostArray, U = number>(options: EmnistOptions<T, U>): Promise<IdxDataset<T, U>> {
  checkOptions('emnist', options, [...OPTIONS, 'split', 'transposed'] satisfies (keyof EmnistOptions)[], 'emnist(…)');
  const { split, train = true, transposed = false } = options;
  oneOf('emnist: split', split, Object.keys(EMNIST_CLASSES));
  const part = `emnist-${split}-${train ? 'train' : 'test'}`;
  const names = [`${part}-images-idx3-ubyte.gz`, `${part}-labels-idx1-ubyte.gz`];
  const [images, labels] = await read(EMNIST, names, options);
  return new IdxDataset(transposed ? images : upright(images), labels, EMNIST_CLASSES[split], options);
}

export interface QmnistOptions<T = HostArray, U = number> extends MnistOptions<T, U> {
  /**
   * 'train' (60,000), 'test' (60,000), the part of it that is MNIST's test set ('test10k') or the rest ('test50k'), or
   * all digits of NIST ('nist', 402,953). Default: 'train' or 'test', as `train` says.
   */
  what?: 'train' | 'test' | 'test10k' | 'test50k' | 'nist';
}

/**
 * QMNIST: MNIST made again from NIST's digits, with the 50,000 test images that were thought lost, in the form of
 * {@link mnist}. Of the eight columns of labels the first, the digit, is kept: torchvision's `compat=True`.
 *
 * @param options - `what`, and as for {@link mnist}.
 * @throws As {@link mnist}.
 *
 * Source: C. Yadav, L. Bottou, "Cold case: the lost MNIST digits", 2019.
 */
export async function qmnist<T = HostArray, U = number>(options: QmnistOptions<T, U> = {}): Promise<IdxDataset<T, U>> {
  checkOptions('qmnist', options, [...OPTIONS, 'what'] satisfies (keyof QmnistOptions)[], 'qmnist(…)');
  const { what = (options.train ?? true) ? 'train' : 'test' } = options;
  oneOf('qmnist: what', what, ['train', 'test', 'test10k', 'test50k', 'nist']);
  const part = what === 'nist' ? 'xnist' : `qmnist-${what === 'train' ? 'train' : 'test'}`;
  const names = [`${part}-images-idx3-ubyte`, `${part}-labels-idx2-int`];
  const [images, labels] =
    what === 'nist'
      ? await read(NIST, names, options)
      : await read(QMNIST, names.map((name) => `${name}.gz`), options); // prettier-ignore
  const [from, to] = what === 'test10k' ? [0, 10000] : what === 'test50k' ? [10000, undefined] : [0, undefined];
  const digits = Int32Array.from({ length: labels.shape[0] }, (_, i) => labels.data[i * (labels.shape[1] ?? 1)]);
  const kept = { ...labels, data: digits, shape: [digits.length] };
  return new IdxDataset(rows(images, from, to), rows(kept, from, to), QMNIST_CLASSES, options);
}

const QMNIST_CLASSES = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'].map(
  (name, i) => `${i} - ${name}`,
);

const OPTIONS = [
  ...(['train', 'root', 'download', 'onProgress'] as const),
  ...(['transform', 'targetTransform'] as const),
] satisfies (keyof MnistOptions)[];

async function load<T, U>(
  collection: Collection,
  classes: readonly string[],
  options: MnistOptions<T, U>,
): Promise<IdxDataset<T, U>> {
  checkOptions(collection.title, options, OPTIONS, `${collection.title}(…)`);
  const part = (options.train ?? true) ? 'train' : 't10k';
  const names = [`${part}-images-idx3-ubyte.gz`, `${part}-labels-idx1-ubyte.gz`];
  const [images, labels] = await read(collection, names, options);
  return new IdxDataset(images, labels, classes, options);
}

async function read(collection: Collection, names: readonly string[], options: FileOptions): Promise<IdxArray[]> {
  const files = await findFiles(collection, names, options);
  return Promise.all(files.map((bytes, i) => readIdx(bytes, names[i])));
}

/** Images with rows and columns swapped. */
function upright(images: IdxArray): IdxArray {
  const [count, side] = images.shape; // squares
  const data = images.data.slice();
  for (let n = 0; n < count; n++) {
    const at = n * side * side;
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) data[at + y * side + x] = images.data[at + x * side + y];
    }
  }
  return { ...images, data };
}

/** Rows `from` to `to` − 1 of the first axis. */
function rows(array: IdxArray, from: number, end = Infinity): IdxArray {
  const to = Math.min(end, array.shape[0]);
  const size = array.data.length / array.shape[0];
  return { ...array, data: array.data.subarray(from * size, to * size), shape: [to - from, ...array.shape.slice(1)] };
}

function oneOf(name: string, value: unknown, known: readonly string[]): void {
  if (known.includes(value as string)) return;
  const list = known.map((k) => `'${k}'`).join(', ');
  throw new FakkelError(`${name}: expected one of ${list}, got ${kindOf(value)}`);
}
