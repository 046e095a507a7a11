/**
 * MNIST and Fashion-MNIST.
 *
 * Checksums and addresses: torchvision 0.14, `torchvision/datasets/mnist.py`.
 */
import { findFiles, type Collection, type FileOptions } from './files.js';
import { IdxDataset } from './idx-dataset.js';
import { readIdx } from './idx.js';
import { checkOptions } from './options.js';

export interface MnistOptions extends FileOptions {
  /** The 60,000 training images (default) or the 10,000 test images. */
  train?: boolean;
}

const MNIST: Collection = {
  title: 'mnist',
  folder: 'mnist',
  torchvisionFolder: 'MNIST',
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
  torchvisionFolder: 'FashionMNIST',
  mirrors: ['http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/'],
  md5: {
    'train-images-idx3-ubyte.gz': '8d4fb7e6c68d591d4c3dfef9ec88bf0d',
    'train-labels-idx1-ubyte.gz': '25c81989df183df01b3e8a0aad5dffbe',
    't10k-images-idx3-ubyte.gz': 'bef4ecab320f06d8554ea6380940ec79',
    't10k-labels-idx1-ubyte.gz': 'bb300cfdad3c16e7a12a480ee83cd310',
  },
};

const DIGIT_CLASSES = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
const FASHION_CLASSES = [
  ...['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat'],
  ...['Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'],
];

/**
 * MNIST: 28×28 images of handwritten digits, float32 `[1, 28, 28]` from 0 to 1, with labels 0 … 9.
 *
 * @param options - `train`, and where the files are: see {@link FileOptions}.
 * @throws FakkelError saying which files to put where, if they are not found and can't be downloaded; IdxError if a
 * file is damaged.
 *
 * For instance `await mnist({ onProgress: ({ file, loaded }) => console.log(file, loaded) })`.
 *
 * Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits", 1998.
 */
export function mnist(options: MnistOptions = {}): Promise<IdxDataset> {
  return load(MNIST, DIGIT_CLASSES, options);
}

/**
 * Fashion-MNIST: 28×28 images of ten kinds of clothing, float32 `[1, 28, 28]` from 0 to 1, with labels 0 … 9.
 *
 * @param options - `train`, and where the files are: see {@link FileOptions}. Debian's package `dataset-fashion-mnist`
 * is found without being told. For instance `await fashionMnist({ train: false })`, whose first image is an ankle boot.
 * @throws FakkelError saying which files to put where, if they are not found and can't be downloaded; IdxError if a
 * file is damaged.
 *
 * Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning
 * algorithms", 2017 (MIT licence).
 */
export function fashionMnist(options: MnistOptions = {}): Promise<IdxDataset> {
  return load(FASHION_MNIST, FASHION_CLASSES, options);
}

async function load(collection: Collection, classes: readonly string[], options: MnistOptions): Promise<IdxDataset> {
  checkOptions(
    collection.title,
    options,
    ['train', 'root', 'download', 'onProgress'] satisfies (keyof MnistOptions)[],
    `${collection.title}(…)`,
  );
  const part = (options.train ?? true) ? 'train' : 't10k';
  const names = [`${part}-images-idx3-ubyte.gz`, `${part}-labels-idx1-ubyte.gz`];
  const files = await findFiles(collection, names, options);
  const [images, labels] = await Promise.all(files.map((bytes, i) => readIdx(bytes, names[i])));
  return new IdxDataset(images, labels, classes);
}
