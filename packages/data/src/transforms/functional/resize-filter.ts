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
  const source = new Float64Array(input.width);
  const span = spanOf(rows);
  const lines = Array.from({ length: span }, () => new Float64Array(output.width));
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
      across(lines, rows, y, out, (plane * output.height + y) * output.width);
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

/** out[x] = Σ weight · source[index] of a row. The taps that an output pixel does not have weigh 0. */
function along(source: Float64Array, taps: Taps, out: Float64Array): void {
  if (taps.size === 2) along2(source, taps, out);
  else if (taps.size === 3) along3(source, taps, out);
  else if (taps.size === 4) along4(source, taps, out);
  else alongMany(source, taps, out);
}

function along2(source: Float64Array, { index, weight }: Taps, out: Float64Array): void {
  for (let x = 0, t = 0; x < out.length; x++, t += 2) {
    out[x] = fround(source[index[t + 1]] * weight[t + 1] + fround(source[index[t]] * weight[t]));
  }
}

function along3(source: Float64Array, { index, weight }: Taps, out: Float64Array): void {
  for (let x = 0, t = 0; x < out.length; x++, t += 3) {
    const two = fround(source[index[t + 1]] * weight[t + 1] + fround(source[index[t]] * weight[t]));
    out[x] = fround(source[index[t + 2]] * weight[t + 2] + two);
  }
}

function along4(source: Float64Array, { index, weight }: Taps, out: Float64Array): void {
  for (let x = 0, t = 0; x < out.length; x++, t += 4) {
    const two = fround(source[index[t + 1]] * weight[t + 1] + fround(source[index[t]] * weight[t]));
    const three = fround(source[index[t + 2]] * weight[t + 2] + two);
    out[x] = fround(source[index[t + 3]] * weight[t + 3] + three);
  }
}

/** From five on PyTorch's loop adds in blocks of four, without fusing; it fuses what is left over. */
function alongMany(source: Float64Array, { size, count, index, weight }: Taps, out: Float64Array): void {
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

/** The same across lines, for output row y, written from `at` on. */
function across(lines: readonly Float64Array[], taps: Taps, y: number, out: Pixels, at: number): void {
  const { size, count, index, weight } = taps;
  const t = y * size;
  const line = (k: number): Float64Array => lines[index[t + k] % lines.length];
  if (count[y] === 1) across2(line(0), line(0), weight[t], 0, out, at);
  else if (count[y] === 2) across2(line(0), line(1), weight[t], weight[t + 1], out, at);
  else if (count[y] === 3) across3(line(0), line(1), line(2), weight, t, out, at);
  else if (count[y] === 4) across4(line(0), line(1), line(2), line(3), weight, t, out, at);
  else acrossMany(lines, taps, y, out, at);
}

type Line = Float64Array;

function across2(a: Line, b: Line, wa: number, wb: number, out: Pixels, at: number): void {
  for (let x = 0; x < a.length; x++) out[at + x] = fround(b[x] * wb + fround(a[x] * wa));
}

function across3(a: Line, b: Line, c: Line, weight: Float64Array, t: number, out: Pixels, at: number): void {
  const wa = weight[t];
  const wb = weight[t + 1];
  const wc = weight[t + 2];
  for (let x = 0; x < a.length; x++) out[at + x] = fround(c[x] * wc + fround(b[x] * wb + fround(a[x] * wa)));
}

function across4(a: Line, b: Line, c: Line, d: Line, weight: Float64Array, t: number, out: Pixels, at: number): void {
  const wa = weight[t];
  const wb = weight[t + 1];
  const wc = weight[t + 2];
  const wd = weight[t + 3];
  for (let x = 0; x < a.length; x++) {
    out[at + x] = fround(d[x] * wd + fround(c[x] * wc + fround(b[x] * wb + fround(a[x] * wa))));
  }
}

function acrossMany(
  lines: readonly Line[],
  { size, count, index, weight }: Taps,
  y: number,
  out: Pixels,
  at: number,
): void {
  const line = (t: number): Line => lines[index[t] % lines.length];
  let t = y * size;
  const end = t + count[y];
  const first = weight[t];
  const sum = line(t).map((v) => fround(v * first));
  for (t++; t + 4 <= end; t += 4) addFour(line(t), line(t + 1), line(t + 2), line(t + 3), weight, t, sum);
  for (; t < end; t++) addFused(line(t), weight[t], sum);
  for (let x = 0; x < sum.length; x++) out[at + x] = sum[x];
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

function addFused(line: Line, w: number, sum: Line): void {
  for (let x = 0; x < sum.length; x++) sum[x] = fround(line[x] * w + sum[x]);
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
