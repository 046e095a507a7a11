/**
 * Resizing of bytes as PIL does it: whole numbers, the width first, rounded to bytes in between.
 *
 * Source: Pillow 9.4, `src/libImaging/Resample.c`.
 */
import type { HostArray } from '../../host-array.js';
import { dimensionsOf, imageOf } from '../pixels.js';

/** Bits of a weight after the point. */
const PRECISION = 22;

const FILTERS = {
  bilinear: { support: 1, weight: (x: number) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: {
    support: 2,
    weight: (x: number) => {
      const [a, t] = [-0.5, Math.abs(x)];
      if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
      return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
    },
  },
};

/** The image, uint8 `[..., H, W]`, with `height` rows and `width` columns. */
export function pilResize(image: HostArray, height: number, width: number, filter: keyof typeof FILTERS): HostArray {
  const input = dimensionsOf('resize', image);
  const planes = image.data.length / (input.height * input.width);
  const columns = along(image.data as Uint8Array, planes * input.height, input.width, width, 1, filter);
  const rows = along(columns, planes, input.height, height, width, filter);
  return imageOf(rows, image, { height, width });
}

/** Resizes the middle axis of `[outer, from, inner]`. */
function along(
  data: Uint8Array,
  outer: number,
  from: number,
  to: number,
  inner: number,
  filter: keyof typeof FILTERS,
): Uint8Array {
  if (from === to) return data;
  const out = new Uint8ClampedArray(outer * to * inner);
  const taps = Array.from({ length: to }, (_, i) => weightsOf(i, from, to, filter));
  for (let o = 0, at = 0; o < outer; o++) {
    for (const { first, weights } of taps) {
      const start = (o * from + first) * inner;
      for (let i = 0; i < inner; i++) {
        let sum = 1 << (PRECISION - 1);
        for (let k = 0; k < weights.length; k++) sum += data[start + k * inner + i] * weights[k];
        out[at++] = sum >> PRECISION;
      }
    }
  }
  return new Uint8Array(out.buffer);
}

/** What pixel `i` of `to` takes of those of `from`. */
function weightsOf(i: number, from: number, to: number, filter: keyof typeof FILTERS) {
  const { support, weight } = FILTERS[filter];
  const scale = from / to;
  const wide = Math.max(scale, 1);
  const center = (i + 0.5) * scale;
  const first = Math.max(0, Math.trunc(center - support * wide + 0.5));
  const end = Math.min(from, Math.trunc(center + support * wide + 0.5));
  const values = Array.from({ length: end - first }, (_, k) => weight((k + first - center + 0.5) * (1 / wide)));
  const total = values.reduce((sum, value) => sum + value, 0);
  const whole = (value: number): number => Math.trunc(value * (1 << PRECISION) + (value < 0 ? -0.5 : 0.5));
  return { first, weights: Int32Array.from(values, (value) => whole(total === 0 ? value : value / total)) };
}
