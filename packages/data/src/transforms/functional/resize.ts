/**
 * Resizing, with the numbers of PyTorch's CPU kernels.
 *
 * Source: torchvision 0.14, `resize` and `_compute_resized_output_size`.
 */
import { OutOfRangeError, ShapeError } from '@fakkel/core';
import { allocate, type HostArray } from '../../host-array.js';
import { checkOptions } from '../../options.js';
import { checkPixels, dimensionsOf, imageOf, show, type Dimensions, type Interpolation, type Size } from '../pixels.js';
import { filtered, singleChannel } from './resize-filter.js';
import { antialiased, cubic, linear } from './resize-taps.js';

/** Options of {@link resize}. */
export interface ResizeOptions {
  /** Default 'bilinear'. */
  readonly interpolation?: Interpolation;
  /** With one number as size: the longer side is at most this, and the shorter one then shorter. */
  readonly maxSize?: number | null;
  /**
   * Whether filters grow as the image shrinks, so that every pixel counts. Default true, as torchvision does to files
   * always, and to tensors since 0.17; `nearest` has no filter.
   */
  readonly antialias?: boolean;
}

export const RESIZE_OPTIONS = ['interpolation', 'maxSize', 'antialias'] as const;

/**
 * The image in another size: torchvision's `resize`, with its numbers on tensors.
 *
 * Pixel centres lie at half-integers: output pixel i looks at input position (i + ½) · in/out − ½, `nearest` at
 * ⌊i · in/out⌋. With antialiasing the filter, triangle or cubic, is in/out times as wide where the image shrinks.
 * Bytes are rounded, halves to the even one.
 *
 * Shape: `[..., H, W]` → `[..., h, w]`.
 *
 * @param image - uint8 or float32; any dtype for `nearest` (masks).
 * @param size - Height and width; one number is the shorter side, and the other keeps the proportions.
 * @throws OutOfRangeError, ShapeError, DTypeError if an argument is not as above.
 * @example
 * const [image] = digits().get(0); // float32[1,8,8]
 * transforms.functional.resize(image, [32, 24]); // float32[1,32,24]
 */
export function resize(image: HostArray, size: number | readonly number[], options: ResizeOptions = {}): HostArray {
  checkOptions('resize', options, RESIZE_OPTIONS, 'resize(image, 256, …)');
  const { interpolation = 'bilinear', antialias = true, maxSize = null } = options;
  checkInterpolation('resize', interpolation, ['nearest', 'bilinear', 'bicubic']);
  const input = dimensionsOf('resize', image);
  const [height, width] = resizedSize(input, size, maxSize);
  if (image.shape.slice(-2).includes(0)) {
    throw new ShapeError(`resize: expected an image with pixels, got ${String(image)}`);
  }
  if (height === input.height && width === input.width) return image;
  const output = { ...input, height, width };
  if (interpolation === 'nearest') return pick(image, input, output);
  checkPixels('resize', image);
  const make = antialias ? antialiased : interpolation === 'bilinear' ? linear : cubic;
  const rows = make(input.height, height, interpolation);
  const columns = make(input.width, width, interpolation);
  const isSingle = input.channels === 1 && interpolation === 'bilinear' && !antialias;
  return (isSingle ? singleChannel : filtered)(image, input, output, rows, columns);
}

/** Throws unless `interpolation` is one of `known`. */
export function checkInterpolation(op: string, interpolation: unknown, known: readonly Interpolation[]): void {
  if (known.includes(interpolation as Interpolation)) return;
  throw new OutOfRangeError(`${op}: interpolation: expected ${known.join(', ')}, got ${show(interpolation)}`);
}

/** Height and width after resizing. */
function resizedSize({ height, width }: Dimensions, size: number | readonly number[], maxSize: number | null): Size {
  const sizes = typeof size === 'number' ? [size] : size;
  const isSide = (n: unknown): boolean => Number.isInteger(n) && (n as number) >= 1;
  if (!Array.isArray(sizes) || sizes.length < 1 || sizes.length > 2 || !sizes.every(isSide)) {
    throw new OutOfRangeError(
      `resize: size: expected whole numbers from 1 up, [height, width] or one for the shorter side, got ${show(size)}`,
    );
  }
  if (sizes.length === 2) {
    if (maxSize !== null) throw new OutOfRangeError('resize: maxSize goes with one number as size, the shorter side');
    return [sizes[0], sizes[1]];
  }
  const portrait = width <= height;
  const [short, long] = portrait ? [width, height] : [height, width];
  let newShort = sizes[0] as number;
  let newLong = Math.trunc((newShort * long) / short);
  if (maxSize !== null) {
    if (!(maxSize > newShort)) {
      throw new OutOfRangeError(
        `resize: maxSize: expected more than the shorter side, ${newShort}, got ${show(maxSize)}`,
      );
    }
    if (newLong > maxSize) [newShort, newLong] = [Math.trunc((maxSize * newShort) / newLong), maxSize];
  }
  return portrait ? [newLong, newShort] : [newShort, newLong];
}

/** Nearest neighbours. */
function pick(image: HostArray, input: Dimensions, output: Dimensions): HostArray {
  const { data } = image;
  const [rows, columns] = [nearest(input.height, output.height), nearest(input.width, output.width)];
  const planes = data.length / (input.height * input.width);
  const out = allocate(image.dtype, planes * output.height * output.width);
  let at = 0;
  for (let plane = 0; plane < planes; plane++) {
    for (let y = 0; y < output.height; y++) {
      const row = (plane * input.height + rows[y]) * input.width;
      for (let x = 0; x < output.width; x++) out[at++] = data[row + columns[x]];
    }
  }
  return imageOf(out, image, output);
}

function nearest(input: number, output: number): Int32Array {
  const scale = Math.fround(input / output);
  return Int32Array.from({ length: output }, (_, i) => Math.min(Math.floor(Math.fround(scale * i)), input - 1));
}
