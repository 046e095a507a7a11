/**
 * Images and labels from IDX files.
 */
import { ShapeError } from '@fakkel/core';
import { Dataset, type SampleContext } from './dataset.js';
import { checkIndex, HostArray, sizeOf } from './host-array.js';
import { readIdx, type IdxArray } from './idx.js';
import { imageSample, type TransformOptions } from './image-sample.js';
import type { Recipe } from './portable.js';
import { allPortable, shared } from './shared-memory.js';

/**
 * Pairs of an image and its label, from two IDX arrays.
 *
 * An image is float32 `[1, H, W]`; bytes are scaled to 0 … 1, as torchvision's `ToTensor` does. They are kept as they
 * are in {@link IdxDataset.images} and converted when a sample is asked for. With a `transform` an image is what that
 * makes of the bytes, uint8 `[1, H, W]`. A label is a number, and a batch of labels int32.
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
export class IdxDataset<T = HostArray, U = number> extends Dataset<[T, U]> {
  readonly length: number;
  /** The images as in the file. */
  readonly images: IdxArray;
  /** The label of each image. */
  readonly targets: Int32Array;
  private readonly sampleShape: readonly number[];
  private readonly size: number;

  /**
   * @param images - As in the file.
   * @param labels - As in the file.
   * @param classes - Names of the classes, where they are known.
   * @param options - `transform`, `targetTransform`.
   */
  constructor(
    images: IdxArray,
    readonly labels: IdxArray,
    readonly classes: readonly string[] = [],
    private readonly options: TransformOptions<HostArray, T, U> = {},
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
    this.images = { ...images, data: shared(images.data) };
    this.targets = Int32Array.from(labels.data);
    this.length = images.shape[0];
    this.sampleShape = images.shape.length === 3 ? [1, ...images.shape.slice(1)] : images.shape.slice(1);
    this.size = sizeOf(this.sampleShape);
  }

  /** Reads both files, compressed with gzip or not. */
  static async read<T = HostArray, U = number>(
    images: Uint8Array,
    labels: Uint8Array,
    classes: readonly string[] = [],
    options: TransformOptions<HostArray, T, U> = {},
  ): Promise<IdxDataset<T, U>> {
    return new IdxDataset(await readIdx(images, 'images'), await readIdx(labels, 'labels'), classes, options);
  }

  /** Index of each class. */
  get classToIdx(): Record<string, number> {
    return Object.fromEntries(this.classes.map((name, i) => [name, i]));
  }

  get(index: number, context?: SampleContext): [T, U] {
    checkIndex('IdxDataset.get', index, this.length);
    const { data, dtype } = this.images;
    const pixels = data.slice(index * this.size, (index + 1) * this.size); // a copy, which transforms may change
    const image =
      dtype === 'uint8'
        ? new HostArray(pixels as Uint8Array, this.sampleShape, 'uint8')
        : new HostArray(new Float32Array(pixels), this.sampleShape);
    return imageSample(image, this.targets[index], this.options, context);
  }

  /** How a worker makes it again, where no function is in the way. */
  recipe(): Recipe | undefined {
    const { transform, targetTransform } = this.options;
    if (!allPortable(transform, targetTransform)) return undefined;
    const { images, labels, classes } = this;
    return { name: 'IdxDataset', args: [images, labels, classes, { transform, targetTransform }] };
  }
}

function format(array: IdxArray): string {
  return `${array.dtype}[${array.shape.join(',')}]`;
}
