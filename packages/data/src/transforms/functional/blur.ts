/**
 * Blurred and sharpened.
 *
 * Source: torchvision 0.14, `gaussian_blur`, `adjust_sharpness`.
 */
import { OutOfRangeError, ShapeError } from '@fakkel/core';
import { type HostArray } from '../../host-array.js';
import { checkPixels, dimensionsOf, imageOf, newPixels, pairOf, show } from '../pixels.js';
import { blend, colorDimensions } from './color.js';

const fround = Math.fround;

/**
 * Convolved with a Gaussian, e^(−x²/2σ²) with sum 1, over a mirrored border: torchvision's `gaussian_blur`.
 *
 * Shape: `[..., H, W]`, and the same; uint8 or float32. One row and one column are convolved after the other.
 *
 * @param kernelSize - Odd; one number, or [width, height] as torchvision's `(kx, ky)`.
 * @param sigma - In pixels; one number, or [x, y]. Default 0.15 · kernelSize + 0.35.
 * @throws OutOfRangeError if the kernel is even or σ not above 0; ShapeError if half the kernel is not less than the
 * image.
 * @example
 * transforms.functional.gaussianBlur(digits({ size: 32 }).get(0)[0], 5, 1.5);
 */
export function gaussianBlur(
  image: HostArray,
  kernelSize: number | readonly number[],
  sigma?: number | readonly number[] | null,
): HostArray {
  const [kx, ky] = kernelSizeOf('gaussianBlur', kernelSize);
  const sigmas = sigma ?? [kx * 0.15 + 0.35, ky * 0.15 + 0.35];
  const [sx, sy] = typeof sigmas === 'number' ? [sigmas, sigmas] : sigmas;
  if (!(sx > 0) || !(sy > 0))
    throw new OutOfRangeError(`gaussianBlur: sigma: expected more than 0, got ${show(sigma)}`);
  const { height, width } = dimensionsOf('gaussianBlur', image);
  checkPixels('gaussianBlur', image);
  if (kx >> 1 >= width || ky >> 1 >= height) {
    throw new ShapeError(`gaussianBlur: a kernel of ${kx} × ${ky} needs more pixels than ${String(image)} has`);
  }
  const { data } = image;
  const out = newPixels(image.dtype, data.length);
  const [columns, rows] = [mirrored(width, kx), mirrored(height, ky)];
  const [along, across] = [gaussian(kx, sx), gaussian(ky, sy)];
  const size = height * width;
  const line = new Float64Array(columns.length);
  const blurred = new Float64Array(size);
  const sum = new Float64Array(width);
  for (let plane = 0; plane < data.length; plane += size) {
    for (let row = 0; row < size; row += width) {
      for (let x = 0; x < line.length; x++) line[x] = data[plane + row + columns[x]];
      convolve(line, along, blurred, row, width);
    }
    for (let y = 0; y < height; y++) {
      sum.fill(0);
      for (let k = 0; k < ky; k++) addRow(blurred, rows[y + k] * width, across[k], sum);
      for (let x = 0; x < width; x++) out[plane + y * width + x] = sum[x];
    }
  }
  return imageOf(out, image, { height, width });
}

/** out[at + x] = Σ weight[k] · line[x + k]. */
function convolve(line: Float64Array, weight: Float64Array, out: Float64Array, at: number, width: number): void {
  for (let x = 0; x < width; x++) {
    let sum = 0;
    for (let k = 0; k < weight.length; k++) sum += weight[k] * line[x + k];
    out[at + x] = sum;
  }
}

function addRow(pixels: Float64Array, row: number, weight: number, sum: Float64Array): void {
  for (let x = 0; x < sum.length; x++) sum[x] += weight * pixels[row + x];
}

/** `kernelSize` as [x, y], both odd. */
export function kernelSizeOf(op: string, kernelSize: number | readonly number[]): readonly [number, number] {
  const sizes = pairOf(op, 'kernelSize', kernelSize);
  if (sizes.every((k) => k % 2 === 1)) return sizes;
  throw new OutOfRangeError(
    `${op}: kernelSize: expected odd numbers, so that there is a middle, got ${show(kernelSize)}`,
  );
}

/** The Gaussian at whole numbers around 0, in float32, with sum 1. */
function gaussian(size: number, sigma: number): Float64Array {
  const weights = Float32Array.from({ length: size }, (_, i) => {
    const x = fround(fround(i - (size - 1) / 2) / fround(sigma));
    return Math.exp(-0.5 * fround(x * x));
  });
  const total = fround(weights.reduce((sum, w) => sum + w, 0));
  return Float64Array.from(weights, (w) => fround(w / total));
}

/** For each place of a line with half a kernel of mirror on both sides, the place that it shows. */
function mirrored(size: number, kernel: number): Int32Array {
  const border = kernel >> 1;
  return Int32Array.from({ length: size + 2 * border }, (_, i) => {
    const at = Math.abs(i - border);
    return at < size ? at : 2 * (size - 1) - at;
  });
}

/**
 * Mixed with its blurred image: torchvision's `adjust_sharpness`. Blurred is the mean of each pixel and its eight
 * neighbours in which the pixel weighs 5; the outermost pixels stay.
 *
 * Shape: `[..., C, H, W]` with 1 or 3 channels, uint8 or float32.
 *
 * @param sharpnessFactor - 0 gives the blurred image, 1 the image, 2 a sharper one.
 * @example
 * transforms.functional.adjustSharpness(digits().get(0)[0], 2);
 */
export function adjustSharpness(image: HostArray, sharpnessFactor: number): HostArray {
  if (!(sharpnessFactor >= 0)) {
    throw new OutOfRangeError(
      `adjustSharpness: sharpnessFactor: expected a number from 0 up, got ${show(sharpnessFactor)}`,
    );
  }
  const { height, width } = colorDimensions('adjustSharpness', image);
  if (height <= 2 || width <= 2) return image;
  const { data, dtype } = image;
  const blurred = data.slice();
  for (let plane = 0; plane < data.length; plane += height * width) {
    for (let y = 1; y < height - 1; y++) {
      for (let x = 1; x < width - 1; x++) {
        const at = plane + y * width + x;
        const above = at - width;
        const below = at + width;
        const around =
          data[above - 1] +
          data[above] +
          data[above + 1] +
          data[at - 1] +
          data[at + 1] +
          data[below - 1] +
          data[below] +
          data[below + 1];
        const mean = (around + 5 * data[at]) / 13;
        // A thirteenth is never a half: bytes round to the nearest.
        blurred[at] = dtype === 'uint8' ? Math.round(mean) : mean;
      }
    }
  }
  return blend(image, blurred, sharpnessFactor);
}
