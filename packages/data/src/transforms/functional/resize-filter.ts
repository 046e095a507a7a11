/**
 * Weighted sums along rows and then along columns.
 *
 * Source: PyTorch 1.13, `aten/src/ATen/native/cpu/UpSampleKernel.cpp`. Bytes are resized as float32 and rounded, so a sum
 * in another order would give other bytes where it meets a half: these are PyTorch's products and sums in the order, and
 * with the fused multiply-adds, of its builds for x86 with AVX2. The product of two singles is exact in double precision,
 * so rounding once after an addition is a fused multiply-add. Lines are float64 that hold singles: converting each
 * operand would take longer than multiplying.
 */
import type { TypedArray } from '@fakkel/core';
import type { HostArray } from '../../host-array.js';
import { imageOf, newPixels, type Dimensions } from '../pixels.js';
import type { Taps } from './resize-taps.js';

const fround = Math.fround;

type Pixels = TypedArray | Uint8ClampedArray;

/** All planes. Of the resized rows those are kept that the next output row needs too. */
export function filtered(
  image: HostArray,
  input: Dimensions,
  output: Dimensions,
  rows: Taps,
  columns: Taps,
): HostArray {
  const { data } = image;
  const planes = data.length / (input.height * input.width);
  const out = newPixels(image.dtype, planes * output.height * output.width);
  // Zeros after the row, which places without weight look at.
  const source = new Float64Array(input.width + columns.size);
  const span = spanOf(rows);
  const lines = Array.from({ length: span }, () => new Float64Array(output.width));
  const held = new Int32Array(span);
  for (let plane = 0; plane < planes; plane++) {
    held.fill(-1);
    for (let y = 0; y < output.height; y++) {
      for (let t = y * rows.size; t < (y + 1) * rows.size; t++) {
        const row = rows.index[t];
        if (held[row % span] === row) continue;
        held[row % span] = row;
        const start = (plane * input.height + row) * input.width;
        source.set(data.subarray(start, start + input.width));
        along(source, columns, lines[row % span]);
      }
      across(lines, rows, y, out, (plane * output.height + y) * output.width);
    }
  }
  return imageOf(out, image, output);
}

/** Most input rows between the first and the last that an output row needs. */
function spanOf({ size, index }: Taps): number {
  let span = 1;
  for (let i = 0; i < index.length; i += size) {
    const used = index.subarray(i, i + size);
    span = Math.max(span, Math.max(...used) - Math.min(...used) + 1);
  }
  return span;
}

/** out[x] = Σ weight · source[index] of a row: {@link Taps} says in which order. */
function along(source: Float64Array, taps: Taps, out: Float64Array): void {
  if (taps.size === 2) along2(source, taps, out);
  else if (taps.size === 4) along4(source, taps, out);
  else alongBlocks(source, taps, out);
}

function along2(source: Float64Array, { index, weight }: Taps, out: Float64Array): void {
  for (let x = 0, t = 0; x < out.length; x++, t += 2) {
    out[x] = fround(source[index[t + 1]] * weight[t + 1] + fround(source[index[t]] * weight[t]));
  }
}

function along4(source: Float64Array, { index, weight }: Taps, out: Float64Array): void {
  for (let x = 0, t = 0; x < out.length; x++, t += 4) {
    const two = fround(source[index[t + 1]] * weight[t + 1] + fround(source[index[t]] * weight[t]));
    const three = fround(source[index[t + 2]] * weight[t + 2] + two);
    out[x] = fround(source[index[t + 3]] * weight[t + 3] + three);
  }
}

/** So many lie side by side: those of the blocks from the first on, and those that are left from their own first on. */
function alongBlocks(source: Float64Array, { size, index, weight }: Taps, out: Float64Array): void {
  for (let x = 0, t = 0; x < out.length; x++, t += 3) {
    let from = index[t];
    let sum = fround(source[from] * weight[t]);
    const end = t + size - 3;
    for (t++, from++; t < end; t += 4, from += 4) {
      const two = fround(fround(sum + fround(source[from] * weight[t])) + fround(source[from + 1] * weight[t + 1]));
      const three = fround(two + fround(source[from + 2] * weight[t + 2]));
      sum = fround(three + fround(source[from + 3] * weight[t + 3]));
    }
    from = index[t];
    const two = fround(source[from + 1] * weight[t + 1] + fround(source[from] * weight[t] + sum));
    out[x] = fround(source[from + 2] * weight[t + 2] + two);
  }
}

type Line = Float64Array;

/** The same across lines, for output row y, written from `at` on. */
function across(lines: readonly Line[], { size, index, weight }: Taps, y: number, out: Pixels, at: number): void {
  const first = y * size;
  const line = (t: number): Line => lines[index[t] % lines.length];
  if (size === 2) {
    mixTwo(line(first), line(first + 1), weight[first], weight[first + 1], out, at);
  } else if (size === 4 && weight[first + 3] === 0) {
    mixThree(line(first), line(first + 1), line(first + 2), weight, first, out, at);
  } else if (size === 4) {
    mixFour(line(first), line(first + 1), line(first + 2), line(first + 3), weight, first, out, at);
  } else {
    const sum = new Float64Array(line(first).length);
    multiply(line(first), weight[first], sum);
    let t = first + 1;
    for (; t < first + size - 3; t += 4) {
      if (weight[t] !== 0) addFour(line(t), line(t + 1), line(t + 2), line(t + 3), weight, t, sum);
    }
    addThree(sum, line(t), line(t + 1), line(t + 2), weight, t, out, at);
  }
}

function multiply(line: Line, w: number, out: Line): void {
  for (let x = 0; x < out.length; x++) out[x] = fround(line[x] * w);
}

function mixTwo(a: Line, b: Line, wa: number, wb: number, out: Pixels, at: number): void {
  for (let x = 0; x < a.length; x++) out[at + x] = fround(b[x] * wb + fround(a[x] * wa));
}

function mixThree(a: Line, b: Line, c: Line, weight: Float64Array, t: number, out: Pixels, at: number): void {
  const wa = weight[t];
  const wb = weight[t + 1];
  const wc = weight[t + 2];
  for (let x = 0; x < a.length; x++) out[at + x] = fround(c[x] * wc + fround(b[x] * wb + fround(a[x] * wa)));
}

function mixFour(a: Line, b: Line, c: Line, d: Line, weight: Float64Array, t: number, out: Pixels, at: number): void {
  const wa = weight[t];
  const wb = weight[t + 1];
  const wc = weight[t + 2];
  const wd = weight[t + 3];
  for (let x = 0; x < a.length; x++) {
    out[at + x] = fround(d[x] * wd + fround(c[x] * wc + fround(b[x] * wb + fround(a[x] * wa))));
  }
}

function addFour(a: Line, b: Line, c: Line, d: Line, weight: Float64Array, t: number, sum: Line): void {
  const wa = weight[t];
  const wb = weight[t + 1];
  const wc = weight[t + 2];
  const wd = weight[t + 3];
  for (let x = 0; x < sum.length; x++) {
    const two = fround(fround(sum[x] + fround(a[x] * wa)) + fround(b[x] * wb));
    sum[x] = fround(fround(two + fround(c[x] * wc)) + fround(d[x] * wd));
  }
}

function addThree(
  sum: Line,
  a: Line,
  b: Line,
  c: Line,
  weight: Float64Array,
  t: number,
  out: Pixels,
  at: number,
): void {
  const wa = weight[t];
  const wb = weight[t + 1];
  const wc = weight[t + 2];
  for (let x = 0; x < sum.length; x++) {
    out[at + x] = fround(c[x] * wc + fround(b[x] * wb + fround(a[x] * wa + sum[x])));
  }
}

/**
 * Bilinear, of one channel: PyTorch takes it for an image with its channels last, which another kernel resizes. That one
 * rounds the products of the weights, and then sums in float64.
 */
export function singleChannel(
  image: HostArray,
  input: Dimensions,
  output: Dimensions,
  rows: Taps,
  columns: Taps,
): HostArray {
  const { data } = image;
  const planes = data.length / (input.height * input.width);
  const out = newPixels(image.dtype, planes * output.height * output.width);
  const { index, weight } = columns;
  const upper = new Float64Array(input.width);
  const lower = new Float64Array(input.width);
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
