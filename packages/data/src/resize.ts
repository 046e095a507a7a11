/**
 * Resizing images on the host.
 *
 * Source: PyTorch 1.13, `aten/src/ATen/native/cpu/UpSampleKernel.cpp`.
 */
import { DTypeError, OutOfRangeError, ShapeError } from '@fakkel/core';
import { HostArray } from './host-array.js';

/**
 * Bilinear interpolation to another height and width: the numbers of
 * `torch.nn.functional.interpolate(x, size, mode='bilinear', align_corners=False)`, without antialiasing.
 *
 * Pixel centres lie at half-integers: output pixel i looks at input position (i + ½) · in/out − ½, cut at 0.
 *
 * Shape: `[..., H, W]` → `[..., size[0], size[1]]`.
 *
 * @param image - float32 or float64, at least two axes.
 * @param size - Height and width, or one number for both.
 * @throws DTypeError, ShapeError, OutOfRangeError if an argument is not as above.
 * @example
 * const [image] = digits().get(0); // float32[1,8,8]
 * resizeBilinear(image, 32); // float32[1,32,32]
 */
export function resizeBilinear(image: HostArray, size: number | readonly [number, number]): HostArray {
  const { data, shape, dtype } = image;
  if (!(data instanceof Float32Array || data instanceof Float64Array)) {
    throw new DTypeError(`resizeBilinear: expected float32 or float64, got ${String(image)}`);
  }
  if (shape.length < 2 || shape.includes(0)) {
    throw new ShapeError(`resizeBilinear: expected [..., H, W] with H and W from 1 up, got ${String(image)}`);
  }
  const [outH, outW] = typeof size === 'number' ? [size, size] : size;
  for (const n of [outH, outW]) {
    if (!Number.isInteger(n) || n < 1) {
      throw new OutOfRangeError(`resizeBilinear: expected a size of whole numbers from 1 up, got [${outH}, ${outW}]`);
    }
  }
  const [inH, inW] = shape.slice(-2);
  const planes = data.length / (inH * inW);
  const rows = taps(inH, outH);
  const columns = taps(inW, outW);
  const out = new (data.constructor as typeof Float32Array)(planes * outH * outW);
  let at = 0;
  for (let plane = 0; plane < planes; plane++) {
    for (const row of rows) {
      const upper = (plane * inH + row.low) * inW;
      const lower = (plane * inH + row.high) * inW;
      for (const { low, high, weight } of columns) {
        const top = (1 - weight) * data[upper + low] + weight * data[upper + high];
        const bottom = (1 - weight) * data[lower + low] + weight * data[lower + high];
        out[at++] = (1 - row.weight) * top + row.weight * bottom;
      }
    }
  }
  return new HostArray(out, [...shape.slice(0, -2), outH, outW], dtype);
}

/** For each output position the two input positions beside it, and the weight of the second. */
function taps(input: number, output: number): { low: number; high: number; weight: number }[] {
  return Array.from({ length: output }, (_, i) => {
    const position = Math.max(0, ((i + 0.5) * input) / output - 0.5);
    const low = Math.min(Math.floor(position), input - 1);
    return { low, high: Math.min(low + 1, input - 1), weight: position - low };
  });
}
