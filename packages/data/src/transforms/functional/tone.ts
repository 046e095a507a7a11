/**
 * Curves of brightness: inverted, posterized, solarized, stretched, equalized.
 *
 * Source: torchvision 0.14, `transforms/functional_tensor.py`.
 */
import { DTypeError, OutOfRangeError } from '@fakkel/core';
import { HostArray } from '../../host-array.js';
import { checkColor, dimensionsOf, show, whiteOf, type Dimensions } from '../pixels.js';
import { colorDimensions, pointwise } from './color.js';

const fround = Math.fround;

/**
 * White minus the image: torchvision's `invert`.
 *
 * Shape: `[..., C, H, W]` with 1 or 3 channels, uint8 or float32.
 *
 * @example
 * transforms.functional.invert(digits().get(0)[0]); // black on white
 */
export function invert(image: HostArray): HostArray {
  colorDimensions('invert', image);
  const white = whiteOf(image);
  return pointwise(image, (pixel) => white - pixel);
}

/**
 * Bytes with their highest `bits` alone: torchvision's `posterize`.
 *
 * @param image - uint8.
 * @param bits - From 0 to 8.
 * @example
 * transforms.functional.posterize(new HostArray(Uint8Array.of(255), [1, 1, 1], 'uint8'), 1).data; // 128
 */
export function posterize(image: HostArray, bits: number): HostArray {
  checkBytes('posterize', image);
  if (!Number.isInteger(bits) || bits < 0 || bits > 8) {
    throw new OutOfRangeError(`posterize: bits: expected a whole number from 0 to 8, got ${show(bits)}`);
  }
  const mask = -(2 ** (8 - bits));
  return pointwise(image, (pixel) => pixel & mask);
}

/**
 * Inverted where bright: torchvision's `solarize`.
 *
 * @param threshold - Pixels from this on are inverted; at most white, 255 or 1.
 * @example
 * transforms.functional.solarize(digits().get(0)[0], 0.5);
 */
export function solarize(image: HostArray, threshold: number): HostArray {
  colorDimensions('solarize', image);
  const white = whiteOf(image);
  if (!(threshold <= white)) {
    throw new OutOfRangeError(
      `solarize: threshold: expected a number up to ${white}, the white of ${image.dtype}, got ${show(threshold)}`,
    );
  }
  const limit = fround(threshold);
  return pointwise(image, (pixel) => (pixel >= limit ? white - pixel : pixel));
}

/**
 * Each channel stretched so that it goes from black to white: torchvision's `autocontrast`. One of equal pixels stays.
 *
 * @example
 * transforms.functional.autocontrast(new HostArray(Float32Array.of(0.2, 0.4, 0.6), [1, 1, 3])).data; // 0, 0.5, 1
 */
export function autocontrast(image: HostArray): HostArray {
  const dimensions = colorDimensions('autocontrast', image);
  const white = whiteOf(image);
  return eachChannel(image, dimensions, (channel) => {
    let low = Infinity;
    let high = -Infinity;
    for (let i = 0; i < channel.data.length; i++) {
      const pixel = channel.data[i];
      if (pixel < low) low = pixel;
      if (pixel > high) high = pixel;
    }
    const scale = fround(fround(1 / fround(high - low)) * white);
    if (!Number.isFinite(scale)) return channel;
    return pointwise(channel, (pixel) => Math.min(Math.max(fround(fround(pixel - low) * scale), 0), white));
  });
}

/**
 * Each channel with an even histogram: torchvision's `equalize`.
 *
 * @param image - uint8.
 * @example
 * transforms.functional.equalize(new HostArray(Uint8Array.of(9, 9, 10, 11), [1, 2, 2], 'uint8'));
 */
export function equalize(image: HostArray): HostArray {
  checkBytes('equalize', image);
  return eachChannel(image, dimensionsOf('equalize', image), (channel) => {
    const histogram = new Float64Array(256);
    for (let i = 0; i < channel.data.length; i++) histogram[channel.data[i]]++;
    const last = histogram.findLast((count) => count > 0) ?? 0;
    const step = Math.floor((channel.data.length - last) / 255);
    if (step === 0) return channel;
    // Value v becomes the share of the pixels that are darker.
    let darker = 0;
    const table = histogram.map((count) => {
      const level = Math.floor((darker + Math.floor(step / 2)) / step);
      darker += count;
      return Math.min(level, 255);
    });
    table[0] = 0;
    return pointwise(channel, (pixel) => table[pixel]);
  });
}

function checkBytes(op: string, image: HostArray): void {
  checkColor(op, image, dimensionsOf(op, image));
  if (image.dtype === 'uint8') return;
  throw new DTypeError(`${op}: expected uint8, got ${String(image)}. Write it before new transforms.ToTensor().`);
}

/** `f` of each channel of each image. */
function eachChannel(
  image: HostArray,
  { images, channels, height, width }: Dimensions,
  f: (channel: HostArray) => HostArray,
): HostArray {
  const size = height * width;
  const out = image.data.slice() as Uint8Array;
  for (let start = 0; start < images * channels * size; start += size) {
    const channel = new HostArray(image.data.subarray(start, start + size), [1, height, width], image.dtype);
    out.set(f(channel).data, start);
  }
  return new HostArray(out, image.shape, image.dtype);
}
