/**
 * Real handwritten digits that come with the package.
 */
import { OutOfRangeError } from '@fakkel/core';
import { Dataset, type SampleContext } from './dataset.js';
import { DIGITS } from './embedded/digits.js';
import { checkIndex, HostArray } from './host-array.js';
import { imageSample, type TransformOptions } from './image-sample.js';
import { checkOptions } from './options.js';
import type { Recipe } from './portable.js';
import { resize } from './transforms/functional/resize.js';
import { allPortable, shared } from './shared-memory.js';

const SIDE = 8;
const LINE = 1 + SIDE * SIDE + 1; // label, pixels, line end

/**
 * What {@link digits} gives: pairs of an image, float32 `[1, S, S]` from 0 to 1 or what `transform` makes of that, and its
 * label, a number from 0 to 9.
 */
export class DigitsDataset<T = HostArray, U = number> extends Dataset<[T, U]> {
  readonly length: number;
  /** Names of the classes. */
  readonly classes: readonly string[] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'];
  /** All images: float32 `[1797, 1, S, S]`. */
  readonly images: HostArray;
  /** All labels: int32 `[1797]`. */
  readonly labels: HostArray;

  constructor(
    images: HostArray,
    labels: HostArray,
    private readonly options: TransformOptions<HostArray, T, U> = {},
  ) {
    super();
    this.images = new HostArray(shared(images.data as Float32Array), images.shape);
    this.labels = new HostArray(shared(labels.data as Int32Array), labels.shape);
    this.length = labels.data.length;
  }

  /** The label of each image. */
  get targets(): Int32Array {
    return this.labels.data as Int32Array;
  }

  get(index: number, context?: SampleContext): [T, U] {
    checkIndex('DigitsDataset.get', index, this.length);
    return imageSample(this.images.row(index), this.targets[index], this.options, context);
  }

  /** How a worker makes it again, where no function is in the way. */
  recipe(): Recipe | undefined {
    const { transform, targetTransform } = this.options;
    if (!allPortable(transform, targetTransform)) return undefined;
    return { name: 'DigitsDataset', args: [this.images, this.labels, { transform, targetTransform }] };
  }
}

export interface DigitsOptions<T = HostArray, U = number> extends TransformOptions<HostArray, T, U> {
  /** Side to which the images are resized, bilinearly. Default 8, as they are. */
  size?: number;
}

/**
 * 1,797 handwritten digits of 13 people, 8×8 pixels: "Optical Recognition of Handwritten Digits" (the test set), by
 * E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49, licensed under
 * CC BY 4.0; the same digits as scikit-learn's `load_digits`. Here the counts of ink, 0 to 16, are divided by 16.
 *
 * @param options - `size`; `transform`, which is given the float32 image (there are no bytes), and `targetTransform`.
 * @throws OutOfRangeError if `size` is no whole number from 1 up.
 * @example
 * const [image, label] = digits({ size: 32 }).get(0); // float32[1,32,32] and 0
 */
export function digits<T = HostArray, U = number>(options: DigitsOptions<T, U> = {}): DigitsDataset<T, U> {
  checkOptions('digits', options, ['size', 'transform', 'targetTransform'], 'digits(…)');
  const { size = SIDE } = options;
  if (!Number.isInteger(size) || size < 1) {
    throw new OutOfRangeError(`digits: size: expected a whole number from 1 up, got ${size}`);
  }
  const { images, labels } = decode();
  return new DigitsDataset(
    size === SIDE ? images : resize(images, [size, size], { antialias: false }),
    labels,
    options,
  );
}

/** One digit a line: its label, then its pixels in base 17. */
function decode(): { images: HostArray; labels: HostArray } {
  const count = Math.floor((DIGITS.length + 1) / LINE);
  const pixels = new Float32Array(count * SIDE * SIDE);
  const labels = new Int32Array(count);
  for (let n = 0; n < count; n++) {
    labels[n] = value(n * LINE);
    for (let i = 0; i < SIDE * SIDE; i++) pixels[n * SIDE * SIDE + i] = value(n * LINE + 1 + i) / 16;
  }
  return { images: new HostArray(pixels, [count, 1, SIDE, SIDE]), labels: new HostArray(labels) };
}

/** The base-17 digit at `position`: 0 … 9, a … g. */
function value(position: number): number {
  const code = DIGITS.charCodeAt(position);
  return code <= 57 ? code - 48 : code - 87;
}
