/**
 * Images and labels from IDX files.
 */
import { ShapeError } from '@fakkel/core';
import { Dataset } from './dataset.js';
import { checkIndex, HostArray, sizeOf } from './host-array.js';
import { readIdx, type IdxArray } from './idx.js';

/**
 * Pairs of an image and its label, from two IDX arrays.
 *
 * An image is float32 `[1, H, W]`; bytes are scaled to 0 … 1, as torchvision's `ToTensor` does. They are kept as they
 * are in {@link IdxDataset.images} and converted when a sample is asked for. A label is a number, and a batch of labels
 * int32.
 *
 * Shape: images `[N, H, W]` give samples `[1, H, W]`; `[N, C, H, W]` give `[C, H, W]`; `[N, F]` give `[F]`.
 *
 * @throws ShapeError if there are not as many labels as images, or the labels are not one whole number each.
 * @example
 * const images = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 255); // uint8[1,1,2]
 * const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 1, 5); // uint8[1]
 * const dataset = await IdxDataset.read(images, labels);
 * const [image, label] = dataset.get(0); // float32[1,1,2] of 0 and 1, and 5
 */
export class IdxDataset extends Dataset<[HostArray, number]> {
  readonly length: number;
  private readonly sampleShape: readonly number[];
  private readonly size: number;

  constructor(
    /** The images as in the file. */
    readonly images: IdxArray,
    /** The labels as in the file. */
    readonly labels: IdxArray,
    /** Names of the classes, where they are known. */
    readonly classes: readonly string[] = [],
  ) {
    super();
    if (labels.shape.length !== 1 || labels.dtype.startsWith('float')) {
      throw new ShapeError(
        `IdxDataset: expected labels with one axis of whole numbers, got ${format(labels)}. Are images and labels swapped?`,
      );
    }
    if (images.shape.length < 2) {
      throw new ShapeError(`IdxDataset: expected images [N, H, W], got ${format(images)}`);
    }
    if (images.shape[0] !== labels.shape[0]) {
      throw new ShapeError(
        `IdxDataset: ${images.shape[0]} images and ${labels.shape[0]} labels: the files do not belong together`,
      );
    }
    this.length = images.shape[0];
    this.sampleShape = images.shape.length === 3 ? [1, ...images.shape.slice(1)] : images.shape.slice(1);
    this.size = sizeOf(this.sampleShape);
  }

  /** Reads both files, compressed with gzip or not. */
  static async read(images: Uint8Array, labels: Uint8Array, classes: readonly string[] = []): Promise<IdxDataset> {
    return new IdxDataset(await readIdx(images, 'images'), await readIdx(labels, 'labels'), classes);
  }

  get(index: number): [HostArray, number] {
    checkIndex('IdxDataset.get', index, this.length);
    const { data, dtype } = this.images;
    const image = new Float32Array(data.subarray(index * this.size, (index + 1) * this.size));
    if (dtype === 'uint8') for (let i = 0; i < image.length; i++) image[i] /= 255;
    return [new HostArray(image, this.sampleShape, 'float32'), this.labels.data[index]];
  }
}

function format(array: IdxArray): string {
  return `${array.dtype}[${array.shape.join(',')}]`;
}
