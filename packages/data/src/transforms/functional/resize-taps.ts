/**
 * Which input pixels make an output pixel, and with which weights.
 *
 * Source: PyTorch 1.13, `aten/src/ATen/native/UpSample.h` and `cpu/UpSampleKernel.cpp`, in the precision in which they
 * compute each part.
 */
import type { Interpolation } from '../pixels.js';

const fround = Math.fround;

/**
 * For each output position the input positions that it is the weighted sum of, in places for each.
 *
 * PyTorch's loop multiplies the first, then adds the others in blocks of four, and those that are left over, at most
 * three, with a fused multiply-add. So there is a place for the first, places for the blocks, and three for what is left;
 * places that are not needed weigh 0. Two neighbours have two places.
 */
export interface Taps {
  /** Places for each output position: 2, or 4 · (blocks + 1). */
  readonly size: number;
  readonly index: Int32Array;
  /** Of float32, kept as float64: their products are exact. */
  readonly weight: Float64Array;
}

function tapsOf(list: readonly { index: readonly number[]; weight: readonly number[] }[]): Taps {
  const most = list.reduce((n, { index }) => Math.max(n, index.length), 2);
  const size = most === 2 ? 2 : 4 * (((most - 1) >> 2) + 1);
  const taps: Taps = {
    size,
    index: new Int32Array(list.length * size),
    weight: new Float64Array(list.length * size),
  };
  list.forEach(({ index, weight }, i) => {
    const blocks = (index.length - 1) & ~3;
    for (let t = 0; t < size; t++) taps.index[i * size + t] = index[0];
    for (let t = 0; t < index.length; t++) {
      const place = i * size + (t <= blocks || size === 2 ? t : size - 4 + t - blocks);
      taps.index[place] = index[t];
      taps.weight[place] = weight[t];
    }
  });
  return taps;
}

/** Two neighbours, the second first: that is how PyTorch's sum is fused. */
export function linear(input: number, output: number): Taps {
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
export function cubic(input: number, output: number): Taps {
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
export function antialiased(input: number, output: number, interpolation: Interpolation): Taps {
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
