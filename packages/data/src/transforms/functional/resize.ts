/**
 * Resizing by separable filters, with the numbers of PyTorch's CPU kernels.
 *
 * Source: PyTorch 1.13, `aten/src/ATen/native/cpu/UpSampleKernel.cpp` and `UpSample.h`; sizes from torchvision 0.14,
 * `_compute_resized_output_size`. Bytes are resized as float32 and rounded, so that a sum in another order would give
 * other bytes where it meets a half: these are PyTorch's products and sums in the order, and with the fused
 * multiply-adds, of its builds for x86 with AVX2. The product of two singles is exact in double precision, so rounding
 * once after an addition is a fused multiply-add.
 */
import { OutOfRangeError, ShapeError } from '@fakkel/core';
import { allocate, type HostArray } from '../../host-array.js';
import { checkOptions } from '../../options.js';
import {
  checkPixels,
  dimensionsOf,
  imageOf,
  newPixels,
  show,
  type Dimensions,
  type Interpolation,
  type Size,
} from '../pixels.js';

const fround = Math.fround;

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
  const scale = fround(input / output);
  return Int32Array.from({ length: output }, (_, i) => Math.min(Math.floor(fround(scale * i)), input - 1));
}

/** For each output position the input positions that it is the weighted sum of, in the order of summing. */
interface Taps {
  /** Places for each output position. */
  readonly size: number;
  /** How many of them are used. */
  readonly count: Int32Array;
  readonly index: Int32Array;
  readonly weight: Float32Array;
}

function tapsOf(list: readonly { index: readonly number[]; weight: readonly number[] }[]): Taps {
  const size = list.reduce((most, { index }) => Math.max(most, index.length), 2);
  const taps: Taps = {
    size,
    count: Int32Array.from(list, ({ index }) => index.length),
    index: new Int32Array(list.length * size),
    weight: new Float32Array(list.length * size),
  };
  list.forEach(({ index, weight }, i) => {
    taps.index.fill(index[0], i * size, (i + 1) * size); // weight 0
    taps.index.set(index, i * size);
    taps.weight.set(weight, i * size);
  });
  return taps;
}

/** Two neighbours, the second first: that is how PyTorch's sum is fused. */
function linear(input: number, output: number): Taps {
  const scale = fround(input / output);
  const list = Array.from({ length: output }, (_, i) => {
    const position = Math.max(scale * (i + 0.5) - 0.5, 0);
    const low = Math.min(Math.floor(position), input - 1);
    const second = fround(Math.min(Math.max(position - low, 0), 1));
    return { index: [Math.min(low + 1, input - 1), low], weight: [second, fround(1 - second)] };
  });
  return tapsOf(list);
}

/** Four neighbours by Keys's cubic with A = −0.75. */
function cubic(input: number, output: number): Taps {
  const scale = fround(input / output);
  const A = -0.75;
  const near = (x: number) => fround(fround(fround(fround((A + 2) * x - (A + 3)) * x) * x) + 1);
  const far = (x: number) => fround(fround(fround(fround(A * x - 5 * A) * x + 8 * A) * x) - 4 * A);
  const list = Array.from({ length: output }, (_, i) => {
    const position = scale * (i + 0.5) - 0.5;
    const low = Math.min(Math.floor(fround(position)), input - 1);
    const t = fround(position - low);
    const rest = fround(1 - t);
    const at = (offset: number) => Math.min(Math.max(low + offset, 0), input - 1);
    return {
      index: [at(0), at(-1), at(1), at(2)],
      weight: [near(t), far(fround(t + 1)), near(rest), far(fround(rest + 1))],
    };
  });
  return tapsOf(list);
}

/** All input pixels under the filter, which is `input / output` times as wide where that is more than 1. */
function antialiased(input: number, output: number, interpolation: Interpolation): Taps {
  const scale = fround(input / output);
  const [filter, radius] = interpolation === 'bilinear' ? ([triangle, 1] as const) : ([keys, 2] as const);
  const support = scale >= 1 ? fround(radius * scale) : radius;
  const inverse = scale >= 1 ? fround(1 / scale) : 1;
  const list = Array.from({ length: output }, (_, i) => {
    const center = fround(scale * (i + 0.5));
    const first = Math.max(Math.trunc(fround(center - support) + 0.5), 0);
    const end = Math.min(Math.trunc(fround(center + support) + 0.5), input);
    const index = Array.from({ length: end - first }, (_, j) => first + j);
    const weight = index.map((j) => filter(fround((fround(j - center) + 0.5) * inverse)));
    const total = weight.reduce((sum, w) => fround(sum + w), 0);
    return { index, weight: total === 0 ? weight : weight.map((w) => fround(w / total)) };
  });
  return tapsOf(list);
}

const triangle = (x: number): number => (Math.abs(x) < 1 ? fround(1 - Math.abs(x)) : 0);

/** Keys's cubic with A = −0.5, in the precision in which PyTorch computes each half. */
function keys(x: number): number {
  const d = Math.abs(x);
  if (d < 1) return fround((1.5 * d - 2.5) * d * d + 1);
  return d < 2 ? -0.5 * fround(fround(fround(d - 5) * d + 8) * d - 4) : 0;
}

/** Along the rows, then along the columns. Of the resized rows those are kept that the next output row needs too. */
function filtered(image: HostArray, input: Dimensions, output: Dimensions, rows: Taps, columns: Taps): HostArray {
  const { data } = image;
  const planes = data.length / (input.height * input.width);
  const out = newPixels(image.dtype, planes * output.height * output.width);
  const source = new Float32Array(input.width);
  const sum = new Float32Array(output.width);
  const span = spanOf(rows);
  const lines = Array.from({ length: span }, () => new Float32Array(output.width));
  const held = new Int32Array(span);
  for (let plane = 0; plane < planes; plane++) {
    held.fill(-1);
    for (let y = 0; y < output.height; y++) {
      for (let t = y * rows.size; t < y * rows.size + rows.count[y]; t++) {
        const row = rows.index[t];
        if (held[row % span] === row) continue;
        held[row % span] = row;
        const start = (plane * input.height + row) * input.width;
        source.set(data.subarray(start, start + input.width));
        along(source, columns, lines[row % span]);
      }
      across(lines, rows, y, sum);
      const start = (plane * output.height + y) * output.width;
      for (let x = 0; x < sum.length; x++) out[start + x] = sum[x];
    }
  }
  return imageOf(out, image, output);
}

/**
 * Bilinear, of one channel: PyTorch takes it for an image with its channels last, which another kernel resizes. That one
 * rounds the products of the weights, and then sums in float64.
 */
function singleChannel(image: HostArray, input: Dimensions, output: Dimensions, rows: Taps, columns: Taps): HostArray {
  const { data } = image;
  const planes = data.length / (input.height * input.width);
  const out = newPixels(image.dtype, planes * output.height * output.width);
  const { index, weight } = columns;
  const upper = new Float32Array(input.width);
  const lower = new Float32Array(input.width);
  for (let plane = 0, at = 0; plane < planes; plane++) {
    for (let y = 0; y < output.height; y++) {
      const below = (plane * input.height + rows.index[2 * y]) * input.width;
      const above = (plane * input.height + rows.index[2 * y + 1]) * input.width;
      lower.set(data.subarray(below, below + input.width));
      upper.set(data.subarray(above, above + input.width));
      const south = rows.weight[2 * y];
      const north = rows.weight[2 * y + 1];
      for (let t = 0; t < 2 * output.width; t += 2, at++) {
        const east = weight[t];
        const west = weight[t + 1];
        const top = fround(north * west) * upper[index[t + 1]] + fround(north * east) * upper[index[t]];
        const bottom = fround(south * west) * lower[index[t + 1]] + fround(south * east) * lower[index[t]];
        out[at] = fround(top + bottom);
      }
    }
  }
  return imageOf(out, image, output);
}

/** Most input rows between the first and the last that an output row needs. */
function spanOf({ size, count, index }: Taps): number {
  let span = 1;
  for (let i = 0; i < count.length; i++) {
    const used = index.subarray(i * size, i * size + count[i]);
    span = Math.max(span, Math.max(...used) - Math.min(...used) + 1);
  }
  return span;
}

/** out[x] = Σ weight · source[index]. PyTorch's loop adds in blocks of four; what is left over it fuses. */
function along(source: Float32Array, { size, count, index, weight }: Taps, out: Float32Array): void {
  if (size === 2) {
    for (let x = 0, t = 0; x < out.length; x++, t += 2) {
      out[x] = source[index[t + 1]] * weight[t + 1] + fround(source[index[t]] * weight[t]);
    }
    return;
  }
  for (let x = 0; x < out.length; x++) {
    let t = x * size;
    const end = t + count[x];
    let sum = fround(source[index[t]] * weight[t]);
    t++;
    for (; t + 4 <= end; t += 4) {
      sum = fround(sum + fround(source[index[t]] * weight[t]));
      sum = fround(sum + fround(source[index[t + 1]] * weight[t + 1]));
      sum = fround(sum + fround(source[index[t + 2]] * weight[t + 2]));
      sum = fround(sum + fround(source[index[t + 3]] * weight[t + 3]));
    }
    for (; t < end; t++) sum = fround(source[index[t]] * weight[t] + sum);
    out[x] = sum;
  }
}

/** The same across lines, for output row y: out = Σ weight · lines[index]. */
function across(
  lines: readonly Float32Array[],
  { size, count, index, weight }: Taps,
  y: number,
  out: Float32Array,
): void {
  const first = y * size;
  const end = first + count[y];
  const blocks = first + 1 + ((count[y] - 1) & ~3);
  const line = lines[index[first] % lines.length];
  const w = weight[first];
  for (let x = 0; x < out.length; x++) out[x] = line[x] * w;
  for (let t = first + 1; t < end; t++) add(lines[index[t] % lines.length], weight[t], t >= blocks, out);
}

function add(line: Float32Array, w: number, fused: boolean, out: Float32Array): void {
  if (fused) for (let x = 0; x < out.length; x++) out[x] = line[x] * w + out[x];
  else for (let x = 0; x < out.length; x++) out[x] = fround(line[x] * w) + out[x];
}
