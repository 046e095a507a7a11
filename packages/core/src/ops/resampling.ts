/**
 * Which cells an interpolated one is made of, along one axis, with which weights: PyTorch's index arithmetic. In
 * float32 it is done in float32 there, and so it is here.
 */
import type { DType } from '../dtype.js';

export type ResamplingMode = 'nearest' | 'nearest-exact' | 'linear' | 'cubic';

/** How an axis is resampled. */
export interface Resampling {
  readonly mode: ResamplingMode;
  /** Cells before and after. */
  readonly from: number;
  readonly to: number;
  /** The scale factor that was asked for; null: the ratio of the sizes. */
  readonly scale: number | null;
  /** Whether the outermost cells' centers are kept, rather than the outer edges. */
  readonly alignCorners: boolean;
  /** Whether the filter widens when it shrinks. */
  readonly antialias: boolean;
  readonly dtype: DType;
}

/** Output cell i is Σ over k of weights[i·count + k] · input cell cells[i·count + k]; no weights: 1 each. */
export interface Taps {
  readonly count: number;
  readonly cells: readonly number[];
  readonly weights: readonly number[] | null;
}

type Round = (value: number) => number;

/** Sharpness of the cubic: PyTorch's without antialias, and Pillow's with it. */
const CUBIC = -0.75;
const CUBIC_ANTIALIAS = -0.5;

/** Keys' cubic convolution kernel. Source: Keys, "Cubic convolution interpolation for digital image processing", 1981. */
function cubic(x: number, a: number): number {
  const d = Math.abs(x);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}

/** Input cells an output cell. */
function scaleOf({ from, to, scale, alignCorners, mode }: Resampling, round: Round): number {
  if (alignCorners && mode !== 'nearest') return to > 1 ? round((from - 1) / (to - 1)) : 0;
  return round(scale !== null ? 1 / scale : from / to);
}

function nearest(resampling: Resampling, round: Round): Taps {
  const scale = scaleOf(resampling, round);
  const { from, to, mode } = resampling;
  const shift = mode === 'nearest-exact' ? 0.5 : 0;
  const cells = Array.from({ length: to }, (_, i) =>
    Math.min(Math.floor(Math.fround(round((i + shift) * scale))), from - 1),
  );
  return { count: 1, cells, weights: null };
}

/** The input cell that holds the center of output cell i, and how far behind that cell's own center it lies. */
function positionOf(i: number, scale: number, resampling: Resampling, round: Round): [cell: number, offset: number] {
  const { from, mode, alignCorners } = resampling;
  // Of float32 numbers only the scale is rounded.
  const place = alignCorners ? scale * i : scale * (i + 0.5) - 0.5;
  const center = mode === 'linear' ? Math.max(place, 0) : place;
  const cell = Math.min(Math.floor(center), from - 1);
  return [cell, Math.min(Math.max(round(center - cell), 0), 1)];
}

function linear(resampling: Resampling, round: Round): Taps {
  const scale = scaleOf(resampling, round);
  const { from, to } = resampling;
  const [cells, weights]: [number[], number[]] = [[], []];
  for (let i = 0; i < to; i++) {
    const [cell, next] = positionOf(i, scale, resampling, round);
    cells.push(cell, Math.min(cell + 1, from - 1));
    weights.push(round(1 - next), next);
  }
  return { count: 2, cells, weights };
}

function bicubic(resampling: Resampling, round: Round): Taps {
  const scale = scaleOf(resampling, round);
  const { from, to } = resampling;
  const [cells, weights]: [number[], number[]] = [[], []];
  for (let i = 0; i < to; i++) {
    const [cell, t] = positionOf(i, scale, resampling, round);
    for (let k = -1; k <= 2; k++) {
      cells.push(Math.min(Math.max(cell + k, 0), from - 1));
      weights.push(cubic(t - k, CUBIC));
    }
  }
  return { count: 4, cells, weights };
}

/** The filter, widened by the scale where it shrinks, cut off at the edges and made to sum to 1: as Pillow's resize. */
function antialiased(resampling: Resampling, round: Round): Taps {
  const scale = scaleOf(resampling, round);
  const { from, to, mode } = resampling;
  const widen = Math.max(scale, 1);
  const reach = (mode === 'linear' ? 1 : 2) * widen;
  const filter = (x: number): number => (mode === 'linear' ? Math.max(1 - Math.abs(x), 0) : cubic(x, CUBIC_ANTIALIAS));
  const count = Math.ceil(reach) * 2 + 1;
  const [cells, weights]: [number[], number[]] = [[], []];
  for (let i = 0; i < to; i++) {
    const center = round(scale * (i + 0.5));
    const first = Math.max(Math.trunc(round(center - reach + 0.5)), 0);
    const size = Math.min(Math.trunc(round(center + reach + 0.5)), from) - first;
    const own = Array.from({ length: count }, (_, k) => (k < size ? filter((k + first - center + 0.5) / widen) : 0));
    const total = own.reduce((a, b) => a + b, 0);
    for (let k = 0; k < count; k++) {
      cells.push(Math.min(first + k, from - 1));
      weights.push(total === 0 ? own[k] : own[k] / total);
    }
  }
  return { count, cells, weights };
}

/** The cells that each output cell is made of. */
export function tapsOf(resampling: Resampling): Taps {
  const round: Round = resampling.dtype === 'float32' ? Math.fround : (value) => value;
  if (resampling.mode === 'nearest' || resampling.mode === 'nearest-exact') return nearest(resampling, round);
  if (resampling.antialias) return antialiased(resampling, round);
  return resampling.mode === 'linear' ? linear(resampling, round) : bicubic(resampling, round);
}
