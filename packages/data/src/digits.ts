/**
 * Real handwritten digits that come with the package.
 */
import { OutOfRangeError } from '@fakkel/core';
import { Dataset } from './dataset.js';
import { DIGITS } from './embedded/digits.js';
import { checkIndex, HostArray } from './host-array.js';
import { checkOptions } from './options.js';
import { resizeBilinear } from './resize.js';

const SIDE = 8;
const LINE = 1 + SIDE * SIDE + 1; // label, pixels, line end

/**
 * What {@link digits} gives: pairs of an image, float32 `[1, S, S]` from 0 to 1, and its label, a number from 0 to 9.
 */
export class DigitsDataset extends Dataset<[HostArray, number]> {
  readonly length: number;
  /** All images: float32 `[1797, 1, S, S]`. */
  readonly images: HostArray;
  /** All labels: int32 `[1797]`. */
  readonly labels: HostArray;

  constructor(images: HostArray, labels: HostArray) {
    super();
    this.images = images;
    this.labels = labels;
    this.length = labels.data.length;
  }

  get(index: number): [HostArray, number] {
    checkIndex('DigitsDataset.get', index, this.length);
    return [this.images.row(index), this.labels.data[index]];
  }
}

/**
 * 1,797 handwritten digits of 13 people, 8×8 pixels: "Optical Recognition of Handwritten Digits" (the test set), by
 * E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, 1998, https://doi.org/10.24432/C50P49, licensed under
 * CC BY 4.0; the same digits as scikit-learn's `load_digits`. Here the counts of ink, 0 to 16, are divided by 16.
 *
 * @param options - `size`: side to which the images are resized, bilinearly; default 8, as they are.
 * @throws OutOfRangeError if `size` is no whole number from 1 up.
 * @example
 * const [image, label] = digits({ size: 32 }).get(0); // float32[1,32,32] and 0
 */
export function digits(options: { size?: number } = {}): DigitsDataset {
  checkOptions('digits', options, ['size'], 'digits(…)');
  const { size = SIDE } = options;
  if (!Number.isInteger(size) || size < 1) {
    throw new OutOfRangeError(`digits: size: expected a whole number from 1 up, got ${size}`);
  }
  const { images, labels } = decode();
  return new DigitsDataset(size === SIDE ? images : resizeBilinear(images, size), labels);
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
