/**
 * Brightness, contrast, saturation, hue and grey.
 *
 * Source: torchvision 0.14, `transforms/functional_tensor.py`. Bytes are computed in float32, rounded after each
 * operation, and cut to whole numbers, as its tensors are; so the functions below round after each operation too. What
 * depends on one byte alone is looked up in a table.
 */
import { OutOfRangeError, type TypedArray } from '@fakkel/core';
import { allocate, HostArray } from '../../host-array.js';
import { checkColor, checkPixels, dimensionsOf, show, whiteOf, type Dimensions } from '../pixels.js';

const fround = Math.fround;

/**
 * Each pixel of each channel by itself.
 *
 * @param f - Of a pixel, to a number that is cut to a whole one for bytes.
 */
export function pointwise(image: HostArray, f: (pixel: number) => number): HostArray {
  const { data, dtype, shape } = image;
  if (dtype === 'uint8') {
    const table = Uint8Array.from({ length: 256 }, (_, pixel) => f(pixel));
    const out = new Uint8Array(data.length);
    for (let i = 0; i < out.length; i++) out[i] = table[data[i]];
    return new HostArray(out, shape, dtype);
  }
  const out = new Float32Array(data.length);
  for (let i = 0; i < out.length; i++) out[i] = f(data[i]);
  return new HostArray(out, shape, dtype);
}

/** Checks an image of 1 or 3 channels of bytes or float32. */
export function colorDimensions(op: string, image: HostArray): Dimensions {
  const dimensions = dimensionsOf(op, image);
  checkColor(op, image, dimensions);
  checkPixels(op, image);
  return dimensions;
}

function checkFactor(op: string, name: string, factor: number): void {
  if (typeof factor === 'number' && factor >= 0) return;
  throw new OutOfRangeError(`${op}: ${name}: expected a number from 0 up, got ${show(factor)}`);
}

/**
 * factor · a + (1 − factor) · b, between black and white: `_blend`.
 *
 * @param b - Pixels as many as a plane of `a`, or as all of it; or one number for all.
 */
export function blend(a: HostArray, b: TypedArray | number, factor: number): HostArray {
  const { data, dtype, shape } = a;
  const out = allocate(dtype, data.length) as Uint8Array;
  const first = fround(factor);
  const second = fround(1 - factor);
  const white = whiteOf(a);
  if (typeof b === 'number') {
    const added = fround(second * b);
    for (let i = 0; i < out.length; i++) out[i] = cut(fround(fround(first * data[i]) + added), white);
  } else {
    for (let start = 0; start < out.length; start += b.length) {
      for (let i = 0; i < b.length; i++) {
        out[start + i] = cut(fround(fround(first * data[start + i]) + fround(second * b[i])), white);
      }
    }
  }
  return new HostArray(out, shape, dtype);
}

const cut = (v: number, white: number): number => (v < 0 ? 0 : v > white ? white : v);

/**
 * Times a factor, between black and white: torchvision's `adjust_brightness`.
 *
 * Shape: `[..., C, H, W]` with 1 or 3 channels, uint8 or float32; so for all functions of colour.
 *
 * @param brightnessFactor - 0 gives black, 1 the image.
 * @example
 * transforms.functional.adjustBrightness(digits().get(0)[0], 1.5);
 */
export function adjustBrightness(image: HostArray, brightnessFactor: number): HostArray {
  checkFactor('adjustBrightness', 'brightnessFactor', brightnessFactor);
  colorDimensions('adjustBrightness', image);
  return blend(image, 0, brightnessFactor);
}

/**
 * Mixed with the mean of its grey image: torchvision's `adjust_contrast`.
 *
 * @param contrastFactor - 0 gives that mean everywhere, 1 the image.
 * @example
 * transforms.functional.adjustContrast(digits().get(0)[0], 0.5);
 */
export function adjustContrast(image: HostArray, contrastFactor: number): HostArray {
  checkFactor('adjustContrast', 'contrastFactor', contrastFactor);
  const dimensions = colorDimensions('adjustContrast', image);
  return eachImage(image, dimensions, (one) => {
    const grey = dimensions.channels === 3 ? greyOf(one.data as Uint8Array | Float32Array) : one.data;
    let sum = 0;
    for (let i = 0; i < grey.length; i++) sum += grey[i];
    const mean = fround(fround(sum) / grey.length);
    return blend(one, mean, contrastFactor);
  });
}

/**
 * Mixed with its grey image: torchvision's `adjust_saturation`.
 *
 * @param saturationFactor - 0 gives grey, 1 the image.
 * @example
 * const image = new HostArray(Uint8Array.of(255, 0, 0), [3, 1, 1], 'uint8');
 * transforms.functional.adjustSaturation(image, 0).data; // 76, 76, 76
 */
export function adjustSaturation(image: HostArray, saturationFactor: number): HostArray {
  checkFactor('adjustSaturation', 'saturationFactor', saturationFactor);
  const dimensions = colorDimensions('adjustSaturation', image);
  if (dimensions.channels === 1) return image;
  return eachImage(image, dimensions, (one) =>
    blend(one, greyOf(one.data as Uint8Array | Float32Array), saturationFactor),
  );
}

/**
 * Colours turned around the circle of hues: torchvision's `adjust_hue`.
 *
 * @param hueFactor - From −0.5 to 0.5 of a turn; both give the complementary colours.
 * @example
 * const image = new HostArray(Uint8Array.of(255, 0, 0), [3, 1, 1], 'uint8');
 * transforms.functional.adjustHue(image, 0.5).data; // 0, 255, 255
 */
export function adjustHue(image: HostArray, hueFactor: number): HostArray {
  if (!(hueFactor >= -0.5 && hueFactor <= 0.5)) {
    throw new OutOfRangeError(`adjustHue: hueFactor: expected a number from -0.5 to 0.5, got ${show(hueFactor)}`);
  }
  const dimensions = colorDimensions('adjustHue', image);
  if (dimensions.channels === 1) return image;
  return eachImage(image, dimensions, (one) => {
    const out = one.data.slice();
    if (one.dtype === 'float32') {
      turnHues(one.data as Float32Array, hueFactor, out as Float32Array);
    } else {
      const floats = new Float32Array(out.length);
      for (let i = 0; i < floats.length; i++) floats[i] = one.data[i] / 255;
      turnHues(floats, hueFactor, floats);
      for (let i = 0; i < floats.length; i++) out[i] = fround(floats[i] * 255);
    }
    return new HostArray(out, one.shape, one.dtype);
  });
}

/** RGB to HSV, hues turned, and back: `_rgb2hsv`, `_hsv2rgb`. */
function turnHues(rgb: Float32Array, hueFactor: number, out: Float32Array): void {
  const size = rgb.length / 3;
  const turn = fround(hueFactor);
  for (let i = 0; i < size; i++) {
    const r = rgb[i];
    const g = rgb[size + i];
    const b = rgb[2 * size + i];
    const high = Math.max(r, g, b);
    const low = Math.min(r, g, b);
    const range = fround(high - low);
    const divisor = high === low ? 1 : range;
    const s = fround(range / (high === low ? 1 : high));
    const rc = fround(fround(high - r) / divisor);
    const gc = fround(fround(high - g) / divisor);
    const bc = fround(fround(high - b) / divisor);
    const sixth = high === r ? fround(bc - gc) : high === g ? fround(fround(2 + rc) - bc) : fround(fround(4 + gc) - rc);
    let h = fround(fround(fround(sixth / 6) + 1) % 1);
    h = fround(h + turn) % 1;
    if (h < 0) h = fround(h + 1);
    const position = fround(h * 6);
    const f = fround(position - Math.floor(position));
    const p = unit(fround(high * fround(1 - s)));
    const q = unit(fround(high * fround(1 - fround(s * f))));
    const t = unit(fround(high * fround(1 - fround(s * fround(1 - f)))));
    const sector = Math.floor(position) % 6;
    out[i] = sector === 0 || sector === 5 ? high : sector === 1 ? q : sector === 4 ? t : p;
    out[size + i] = sector === 1 || sector === 2 ? high : sector === 0 ? t : sector === 3 ? q : p;
    out[2 * size + i] = sector === 3 || sector === 4 ? high : sector === 2 ? t : sector === 5 ? q : p;
  }
}

const unit = (v: number): number => Math.min(Math.max(v, 0), 1);

/**
 * gain · x^γ of x from 0 to 1: torchvision's `adjust_gamma`.
 *
 * @param gamma - From 0 up; above 1 shadows get darker.
 * @param gain - Default 1.
 * @example
 * transforms.functional.adjustGamma(digits().get(0)[0], 2.2);
 */
export function adjustGamma(image: HostArray, gamma: number, gain = 1): HostArray {
  checkFactor('adjustGamma', 'gamma', gamma);
  colorDimensions('adjustGamma', image);
  const curve = (x: number) => unit(fround(fround(gain) * fround(x ** gamma)));
  if (image.dtype === 'float32') return pointwise(image, curve);
  return pointwise(image, (pixel) => fround(curve(fround(pixel / 255)) * fround(255.999)));
}

/**
 * Grey, 0.2989 R + 0.587 G + 0.114 B: torchvision's `rgb_to_grayscale`.
 *
 * Shape: `[..., C, H, W]` with 1 or 3 channels → `[..., numOutputChannels, H, W]`.
 *
 * @param numOutputChannels - 1 (default), or 3 equal ones.
 * @example
 * const image = new HostArray(Uint8Array.of(255, 0, 0), [3, 1, 1], 'uint8');
 * transforms.functional.rgbToGrayscale(image).data; // 76
 */
export function rgbToGrayscale(image: HostArray, numOutputChannels = 1): HostArray {
  const dimensions = colorDimensions('rgbToGrayscale', image);
  if (numOutputChannels !== 1 && numOutputChannels !== 3) {
    throw new OutOfRangeError(`rgbToGrayscale: numOutputChannels: expected 1 or 3, got ${show(numOutputChannels)}`);
  }
  const shape = [...image.shape.slice(0, -3), numOutputChannels, ...image.shape.slice(-2)];
  const size = dimensions.height * dimensions.width;
  const grey = allocate(image.dtype, dimensions.images * numOutputChannels * size) as Uint8Array;
  eachImage(image, dimensions, (one, n) => {
    const plane = dimensions.channels === 3 ? greyOf(one.data as Uint8Array) : (one.data as Uint8Array);
    for (let c = 0; c < numOutputChannels; c++) grey.set(plane, (n * numOutputChannels + c) * size);
    return one;
  });
  return new HostArray(grey, shape, image.dtype);
}

/** One plane of grey from three of colours. */
function greyOf<A extends Uint8Array | Float32Array>(rgb: A): A {
  const size = rgb.length / 3;
  const [r, g, b] = [fround(0.2989), fround(0.587), fround(0.114)];
  const grey = rgb.slice(0, size) as A;
  for (let i = 0; i < size; i++) {
    grey[i] = fround(fround(fround(r * rgb[i]) + fround(g * rgb[size + i])) + fround(b * rgb[2 * size + i]));
  }
  return grey;
}

/** `f` of each of the images; of one, without a copy. */
export function eachImage(
  image: HostArray,
  { images, channels, height, width }: Dimensions,
  f: (one: HostArray, index: number) => HostArray,
): HostArray {
  if (images === 1) return f(image, 0);
  const size = channels * height * width;
  const out = image.data.slice();
  for (let n = 0; n < images; n++) {
    const one = new HostArray(image.data.subarray(n * size, (n + 1) * size), [channels, height, width], image.dtype);
    (out as Uint8Array).set(f(one, n).data, n * size);
  }
  return new HostArray(out, image.shape, image.dtype);
}
