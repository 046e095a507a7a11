/**
 * From bytes to floats and back, and normalization.
 *
 * Source: torchvision 0.14, `transforms/functional_tensor.py`.
 */
import { DTypeError, FakkelError, ShapeError } from '@fakkel/core';
import { HostArray } from '../../host-array.js';
import { checkHostArray, dimensionsOf, newPixels, show } from '../pixels.js';

const fround = Math.fround;

/** Byte b as float32, b / 255. */
const SCALED = Float32Array.from({ length: 256 }, (_, b) => b / 255);

/**
 * Bytes from 0 to 255 as float32 from 0 to 1: torchvision's `to_tensor`. Floats stay as they are.
 *
 * Shape: any; images are `[C, H, W]` before and after.
 *
 * @throws DTypeError for int32 and bool, whose scale is not known.
 * @example
 * transforms.functional.toTensor(new HostArray(Uint8Array.of(0, 51, 255), [1, 1, 3], 'uint8')).data; // 0, 0.2, 1
 */
export function toTensor(image: HostArray): HostArray {
  checkHostArray('toTensor', image);
  const { data, dtype, shape } = image;
  if (dtype === 'float32' || dtype === 'float64') return image;
  if (dtype !== 'uint8') {
    throw new DTypeError(
      `toTensor: expected uint8 from 0 to 255 or floats, got ${String(image)}. For pixels in other ranges write ` +
        `transforms.functional.convertImageDtype(image, 'float32').`,
    );
  }
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = SCALED[data[i]];
  return new HostArray(out, shape);
}

/** What pixels may be: bytes from 0 to 255, int32 from 0 to 2³¹ − 1, or floats from 0 to 1. */
export type ImageDType = 'uint8' | 'int32' | 'float32' | 'float64';

const MAXIMUM = { uint8: 255, int32: 2 ** 31 - 1 };

/**
 * Pixels of another dtype, and of its range: torchvision's `convert_image_dtype`. From floats to bytes they are
 * multiplied by 255.999 and cut to whole numbers, so that all 256 values take equal parts of 0 … 1.
 *
 * @param dtype - 'uint8', 'int32', 'float32' or 'float64'.
 * @throws DTypeError for bool, for other dtypes, and from float32 to int32, which float32 can't resolve.
 * @example
 * const image = new HostArray(Float32Array.of(0, 0.5, 1), [1, 1, 3]);
 * transforms.functional.convertImageDtype(image, 'uint8').data; // 0, 127, 255
 */
export function convertImageDtype(image: HostArray, dtype: ImageDType): HostArray {
  checkHostArray('convertImageDtype', image);
  const { data, dtype: from, shape } = image;
  if (from === dtype) return image;
  if (!['uint8', 'int32', 'float32', 'float64'].includes(dtype)) {
    throw new DTypeError(`convertImageDtype: expected uint8, int32, float32 or float64, got ${show(dtype)}`);
  }
  if (from === 'bool' || (from === 'float32' && dtype === 'int32')) {
    throw new DTypeError(`convertImageDtype: ${String(image)} can't be converted to ${dtype} safely`);
  }
  const out = newPixels(dtype, data.length);
  const target = out instanceof Uint8ClampedArray ? new Uint8Array(out.buffer) : out;
  if (isFloat(from)) {
    const scale = isFloat(dtype) ? 1 : MAXIMUM[dtype] + 1 - 1e-3;
    // float32 · number is a float32, whose fraction is then cut off; writing to whole numbers cuts.
    const factor = from === 'float32' ? fround(scale) : scale;
    if (from === 'float32') for (let i = 0; i < out.length; i++) target[i] = fround(data[i] * factor);
    else for (let i = 0; i < out.length; i++) target[i] = data[i] * factor;
  } else if (dtype === 'float32') {
    const maximum = fround(MAXIMUM[from]);
    for (let i = 0; i < out.length; i++) target[i] = fround(data[i]) / maximum;
  } else if (dtype === 'float64') {
    for (let i = 0; i < out.length; i++) target[i] = data[i] / MAXIMUM[from];
  } else {
    const factor = 2 ** 23; // (2³¹ − 1 + 1) / (255 + 1)
    for (let i = 0; i < out.length; i++) target[i] = from === 'uint8' ? data[i] * factor : Math.floor(data[i] / factor);
  }
  return new HostArray(target, shape, dtype);
}

const isFloat = (dtype: string): dtype is 'float32' | 'float64' => dtype === 'float32' || dtype === 'float64';

/**
 * y = (x − mean) / std for each channel: torchvision's `normalize`.
 *
 * Shape: images `[..., C, H, W]`; also `[C, L]` and features `[C]`.
 *
 * @param mean - One for each channel, or one for all.
 * @param std - The same, not zero.
 * @throws DTypeError unless the image is float32 or float64 (`toTensor` first); ShapeError where the channels are not
 * as many; FakkelError if a deviation is zero or not finite.
 * @example
 * transforms.functional.normalize(digits().get(0)[0], [0.5], [0.5]); // from -1 to 1
 */
export function normalize(image: HostArray, mean: ArrayLike<number>, std: ArrayLike<number>): HostArray {
  checkStatistics('normalize', mean, std);
  checkHostArray('normalize', image);
  const { data, dtype, shape } = image;
  if (dtype !== 'float32' && dtype !== 'float64') {
    const remedy = dtype === 'uint8' ? '. Write new transforms.ToTensor() before it.' : '';
    throw new DTypeError(`normalize: expected float32 or float64, got ${String(image)}${remedy}`);
  }
  if (shape.length >= 3) dimensionsOf('normalize', image);
  const axis = Math.max(0, shape.length - 3);
  const channels = shape[axis];
  if (mean.length !== 1 && mean.length !== channels) {
    throw new ShapeError(
      `normalize: expected ${mean.length} channels for as many means, got ${channels ?? 'none'} of ${String(image)}`,
    );
  }
  const size = shape.slice(axis + 1).reduce((n, d) => n * d, 1);
  const out = dtype === 'float32' ? new Float32Array(data.length) : new Float64Array(data.length);
  const round = dtype === 'float32' ? fround : (v: number) => v;
  for (let start = 0, c = 0; start < out.length; start += size, c = (c + 1) % channels) {
    const [m, s] = mean.length === 1 ? [round(mean[0]), round(std[0])] : [round(mean[c]), round(std[c])];
    if (dtype === 'float32') for (let i = start; i < start + size; i++) out[i] = fround(data[i] - m) / s;
    else for (let i = start; i < start + size; i++) out[i] = (data[i] - m) / s;
  }
  return new HostArray(out, shape, dtype);
}

/** Throws unless there are as many finite means and deviations, none of which is zero. */
export function checkStatistics(op: string, mean: ArrayLike<number>, std: ArrayLike<number>): void {
  const isList = (v: unknown): v is ArrayLike<number> => typeof v === 'object' && v !== null && 'length' in v;
  if (!isList(mean) || !isList(std)) {
    throw new TypeError(`${op}: expected an array of means and one of standard deviations, [0.5] for one channel`);
  }
  if (mean.length !== std.length || mean.length === 0) {
    throw new ShapeError(`${op}: ${mean.length} means and ${std.length} standard deviations`);
  }
  for (let i = 0; i < std.length; i++) {
    if (!Number.isFinite(mean[i]) || !Number.isFinite(std[i]) || std[i] === 0) {
      throw new FakkelError(`${op}: channel ${i} has mean ${mean[i]} and standard deviation ${std[i]}`);
    }
  }
}

/**
 * An image with its channels last, as canvases and most decoders give it, with its channels first.
 *
 * Shape: `[H, W, C]` → `[C, H, W]`.
 *
 * @param image - Of any dtype.
 * @param channels - How many to keep: 3 of RGBA. Default all.
 * @example
 * const rgba = new HostArray(new Uint8Array(4 * 6 * 4), [4, 6, 4], 'uint8'); // ImageData of a canvas
 * transforms.functional.channelsFirst(rgba, 3); // uint8[3,4,6]
 */
export function channelsFirst(image: HostArray, channels?: number): HostArray {
  checkHostArray('channelsFirst', image);
  if (image.shape.length !== 3) throw new ShapeError(`channelsFirst: expected [H, W, C], got ${String(image)}`);
  const { data, dtype } = image;
  const [height, width, depth] = image.shape;
  const kept = channels ?? depth;
  if (!Number.isInteger(kept) || kept < 1 || kept > depth) {
    throw new ShapeError(`channelsFirst: expected from 1 to ${depth} channels of ${String(image)}, got ${kept}`);
  }
  const plane = height * width;
  const out = data.slice(0, kept * plane);
  for (let c = 0; c < kept; c++) {
    for (let i = 0, from = c; i < plane; i++, from += depth) out[c * plane + i] = data[from];
  }
  return new HostArray(out, [kept, height, width], dtype);
}
