/**
 * Cutting and flipping: pixels move, none is computed.
 *
 * Source: torchvision 0.14, `transforms/functional_tensor.py`, `functional.py`.
 */
import { OutOfRangeError, ShapeError } from '@fakkel/core';
import { allocate, type HostArray } from '../../host-array.js';
import { dimensionsOf, imageOf, pairOf, roundHalfEven, show, type Dimensions } from '../pixels.js';
import { pad } from './pad.js';
import { resize, type ResizeOptions } from './resize.js';

/**
 * A rectangle of the image: torchvision's `crop`. What lies outside of the image is zero.
 *
 * Shape: `[..., H, W]` → `[..., height, width]`.
 *
 * @param top - First row.
 * @param left - First column.
 * @example
 * transforms.functional.crop(digits().get(0)[0], 2, 2, 4, 4); // float32[1,4,4]
 */
export function crop(image: HostArray, top: number, left: number, height: number, width: number): HostArray {
  const input = dimensionsOf('crop', image);
  for (const [name, value, smallest] of [
    ['top', top, -Infinity],
    ['left', left, -Infinity],
    ['height', height, 1],
    ['width', width, 1],
  ] as const) {
    if (!Number.isInteger(value) || value < smallest) {
      const range = smallest === 1 ? ' from 1 up' : '';
      throw new OutOfRangeError(`crop: ${name}: expected a whole number${range}, got ${show(value)}`);
    }
  }
  if (top === 0 && left === 0 && height === input.height && width === input.width) return image;
  const { data } = image;
  const planes = data.length / (input.height * input.width) || 0;
  const out = allocate(image.dtype, planes * height * width);
  const [firstRow, lastRow] = [Math.max(top, 0), Math.min(top + height, input.height)];
  const [first, last] = [Math.max(left, 0), Math.min(left + width, input.width)];
  if (last > first) {
    for (let plane = 0; plane < planes; plane++) {
      for (let y = firstRow; y < lastRow; y++) {
        const row = (plane * input.height + y) * input.width;
        const to = (plane * height + (y - top)) * width + (first - left);
        (out as Uint8Array).set(data.subarray(row + first, row + last), to);
      }
    }
  }
  return imageOf(out, image, { height, width });
}

/**
 * The middle of the image: torchvision's `center_crop`. A smaller image gets a border of zeros.
 *
 * Shape: `[..., H, W]` → `[..., size[0], size[1]]`.
 *
 * @param size - Height and width, or one number for both.
 * @example
 * transforms.functional.centerCrop(digits().get(0)[0], 4); // float32[1,4,4]
 */
export function centerCrop(image: HostArray, size: number | readonly number[]): HostArray {
  const [height, width] = pairOf('centerCrop', 'size', size);
  const { height: h, width: w } = dimensionsOf('centerCrop', image);
  if (width > w || height > h) {
    const before = (wanted: number, has: number) => Math.max(0, Math.floor((wanted - has) / 2));
    const after = (wanted: number, has: number) => Math.max(0, Math.floor((wanted - has + 1) / 2));
    image = pad(image, [before(width, w), before(height, h), after(width, w), after(height, h)]);
  }
  const padded = dimensionsOf('centerCrop', image);
  const top = roundHalfEven((padded.height - height) / 2);
  const left = roundHalfEven((padded.width - width) / 2);
  return crop(image, top, left, height, width);
}

/**
 * A rectangle of the image in another size: torchvision's `resized_crop`.
 *
 * @param options - As for {@link resize}.
 * @example
 * transforms.functional.resizedCrop(digits().get(0)[0], 1, 1, 6, 6, [16, 16]); // float32[1,16,16]
 */
export function resizedCrop(
  image: HostArray,
  top: number,
  left: number,
  height: number,
  width: number,
  size: number | readonly number[],
  options: ResizeOptions = {},
): HostArray {
  return resize(crop(image, top, left, height, width), size, options);
}

/** Left and right exchanged: torchvision's `hflip`. */
export function hflip(image: HostArray): HostArray {
  const { width } = dimensionsOf('hflip', image);
  const out = image.data.slice();
  if (width > 0) for (let row = 0; row < out.length; row += width) out.subarray(row, row + width).reverse();
  return imageOf(out, image, sizeOf(image));
}

/** Top and bottom exchanged: torchvision's `vflip`. */
export function vflip(image: HostArray): HostArray {
  const { height, width } = dimensionsOf('vflip', image);
  const { data } = image;
  const out = allocate(image.dtype, data.length);
  const size = height * width;
  for (let plane = 0; plane < data.length; plane += size) {
    for (let y = 0; y < height; y++) {
      const row = plane + y * width;
      (out as Uint8Array).set(data.subarray(row, row + width), plane + (height - 1 - y) * width);
    }
  }
  return imageOf(out, image, sizeOf(image));
}

const sizeOf = (image: HostArray): Pick<Dimensions, 'height' | 'width'> => dimensionsOf('crop', image);

/**
 * The four corners and the middle: torchvision's `five_crop`.
 *
 * @returns top left, top right, bottom left, bottom right, middle.
 * @throws ShapeError if the image is smaller than a crop.
 * @example
 * transforms.functional.fiveCrop(digits().get(0)[0], 6).length; // 5
 */
export function fiveCrop(image: HostArray, size: number | readonly number[]): HostArray[] {
  const [height, width] = pairOf('fiveCrop', 'size', size);
  const { height: h, width: w } = dimensionsOf('fiveCrop', image);
  if (height > h || width > w) {
    throw new ShapeError(`fiveCrop: a crop of [${height}, ${width}] is larger than the image, ${String(image)}`);
  }
  return [
    crop(image, 0, 0, height, width),
    crop(image, 0, w - width, height, width),
    crop(image, h - height, 0, height, width),
    crop(image, h - height, w - width, height, width),
    centerCrop(image, [height, width]),
  ];
}

/**
 * The five crops, and those of the flipped image: torchvision's `ten_crop`.
 *
 * @param verticalFlip - Flip top and bottom instead of left and right. Default false.
 */
export function tenCrop(image: HostArray, size: number | readonly number[], verticalFlip = false): HostArray[] {
  const flipped = verticalFlip ? vflip(image) : hflip(image);
  return [...fiveCrop(image, size), ...fiveCrop(flipped, size)];
}

/**
 * A rectangle overwritten: torchvision's `erase`.
 *
 * @param i - First row.
 * @param j - First column.
 * @param h - Height.
 * @param w - Width.
 * @param v - A number, one for each channel, or pixels `[C, h, w]`.
 * @example
 * transforms.functional.erase(digits().get(0)[0], 2, 2, 4, 4, 0); // a hole in the middle
 */
export function erase(
  image: HostArray,
  i: number,
  j: number,
  h: number,
  w: number,
  v: number | readonly number[] | HostArray,
): HostArray {
  const { images, channels, height, width } = dimensionsOf('erase', image);
  const inside = [i, j, h, w].every((n) => Number.isInteger(n) && n >= 0) && i + h <= height && j + w <= width;
  if (!inside) {
    throw new OutOfRangeError(`erase: ${h} × ${w} pixels from row ${i}, column ${j} do not lie in ${String(image)}`);
  }
  const size = typeof v === 'number' ? 1 : Array.isArray(v) ? v.length : (v as HostArray).numel();
  if (size !== 1 && size !== channels && size !== channels * h * w) {
    throw new ShapeError(
      `erase: v: expected a number, one for each of ${channels} channels, or [${channels},${h},${w}], got ${size} values`,
    );
  }
  const values: ArrayLike<number> = typeof v === 'number' ? [v] : Array.isArray(v) ? v : (v as HostArray).data;
  const out = image.data.slice();
  for (let plane = 0; plane < images * channels; plane++) {
    const c = plane % channels;
    for (let y = 0; y < h; y++) {
      const row = (plane * height + i + y) * width + j;
      if (size === channels * h * w && size > channels) {
        for (let x = 0; x < w; x++) out[row + x] = values[(c * h + y) * w + x];
      } else {
        out.fill(values[size === 1 ? 0 : c], row, row + w);
      }
    }
  }
  return imageOf(out, image, { height, width });
}
