/**
 * Signals, images and volumes in another size.
 */
import { FakkelError, OutOfRangeError, ShapeError } from '../errors.js';
import { checkTensor } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { formatAval, sizeOf } from '../shape.js';
import { adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d } from './adaptive-pooling.js';
import { checkOptions, perAxis, type PerAxis } from './arguments.js';
import { checkFloat } from './common.js';
import { composed } from './compose.js';
import { hostConstant } from './host-constants.js';
import { cat } from './joining.js';
import { tapsOf, type Resampling, type ResamplingMode, type Taps } from './resampling.js';

/** Up to here a table of weights is a matrix: 16 MB in float32. */
const MAX_MATRIX = 2 ** 22;

/** Up to here copies are joined rather than expanded: measured, twice as fast at two and three, slower at eight. */
const MAX_COPIES = 4;

/** How `interpolate` finds values between cells, by PyTorch's names. */
export type InterpolationMode = 'nearest' | 'nearest-exact' | 'linear' | 'bilinear' | 'trilinear' | 'bicubic' | 'area';

const INTERPOLATION_MODES: readonly InterpolationMode[] = [
  'nearest',
  'nearest-exact',
  'linear',
  'bilinear',
  'trilinear',
  'bicubic',
  'area',
];

/** What {@link interpolate} takes beside the input: `size` or `scaleFactor`. */
export interface InterpolateOptions {
  /** Size of the output: one number, or one for each spatial axis. */
  size?: PerAxis;
  /** Output cells an input cell: one number, or one for each spatial axis. The size is rounded down. */
  scaleFactor?: PerAxis;
  /** Default 'nearest'. */
  mode?: InterpolationMode;
  /**
   * Whether the centers of the outermost cells stay where they are, rather than their outer edges; for the linear and
   * cubic modes. Default false.
   */
  alignCorners?: boolean;
  /**
   * Whether positions follow from the ratio of the sizes; else from `scaleFactor`, which differs where the size was
   * rounded. Default false.
   */
  recomputeScaleFactor?: boolean;
  /** Whether the filter widens when it shrinks, so that it averages all cells; for bilinear and bicubic. Default false. */
  antialias?: boolean;
}

export const INTERPOLATE_OPTIONS = [
  'size',
  'scaleFactor',
  'mode',
  'alignCorners',
  'recomputeScaleFactor',
  'antialias',
] satisfies (keyof InterpolateOptions)[];

/** Spatial axes that a mode needs; the others take any. */
const AXES: Partial<Record<InterpolationMode, number>> = { linear: 1, bilinear: 2, bicubic: 2, trilinear: 3 };

/** Throws unless the options fit together. */
export function checkInterpolateOptions(op: string, options: InterpolateOptions): void {
  checkOptions(op, options, INTERPOLATE_OPTIONS);
  const { size, scaleFactor, mode = 'nearest', alignCorners, recomputeScaleFactor, antialias } = options;
  if (!INTERPOLATION_MODES.includes(mode)) {
    throw new OutOfRangeError(`${op}: mode is one of ${INTERPOLATION_MODES.join(', ')}; got '${String(mode)}'`);
  }
  if ((size === undefined) === (scaleFactor === undefined)) {
    throw new FakkelError(`${op}: expected either size or scaleFactor, got ${size === undefined ? 'neither' : 'both'}`);
  }
  if (alignCorners !== undefined && !(mode in AXES)) {
    throw new FakkelError(`${op}: alignCorners is for linear, bilinear, bicubic and trilinear, got mode '${mode}'`);
  }
  if (recomputeScaleFactor && size !== undefined) {
    throw new FakkelError(`${op}: recomputeScaleFactor says what becomes of a scaleFactor, but size is given`);
  }
  if (antialias && mode !== 'bilinear' && mode !== 'bicubic') {
    throw new FakkelError(`${op}: antialias is for bilinear and bicubic, got mode '${mode}'`);
  }
}

interface Target {
  readonly size: readonly number[];
  /** The scale factors, where positions follow from them. */
  readonly scale: readonly number[] | null;
}

function targetOf(op: string, x: Tensor, options: InterpolateOptions): Target {
  const { size, scaleFactor, mode = 'nearest', recomputeScaleFactor = false } = options;
  const axes = x.ndim - 2;
  const input = x.shape.slice(2);
  if (size !== undefined) return { size: perAxis(op, 'size', size, axes, 1), scale: null };
  const list = typeof scaleFactor === 'number' ? input.map(() => scaleFactor) : (scaleFactor as readonly number[]);
  if (!Array.isArray(list) || list.length !== axes || !list.every((s) => s > 0 && s < Infinity)) {
    throw new OutOfRangeError(
      `${op}: scaleFactor is a positive number${axes > 1 ? `, or ${axes} of them in an array` : ''}, got ${JSON.stringify(scaleFactor)}`,
    );
  }
  const scaled = input.map((n, i) => Math.floor(n * list[i]));
  if (scaled.includes(0)) {
    throw new ShapeError(`${op}: ${formatAval(x)} scaled by [${list.join(', ')}] would have an axis without elements`);
  }
  return { size: scaled, scale: recomputeScaleFactor || mode === 'area' ? null : list };
}

/** Σ over the taps, along axis `dim`. */
function resample(x: Tensor, dim: number, resampling: Resampling): Tensor {
  const { mode, from, to, scale, alignCorners, antialias, dtype } = resampling;
  if (from === to && mode === 'linear' && !antialias) return x;
  const key = `${mode} ${from} to ${to} by ${scale}${alignCorners ? ' aligned' : ''}${antialias ? ' antialiased' : ''} ${dtype}`;
  const taps = tapsOf(resampling);
  if (taps.weights === null) return pick(x, dim, taps.cells, key);
  return from * to <= MAX_MATRIX ? byMatrix(x, dim, resampling, taps, key) : byCells(x, dim, resampling, taps, key);
}

/** One cell for each: repeated, sliced or gathered. */
function pick(x: Tensor, dim: number, cells: readonly number[], key: string): Tensor {
  const [from, to] = [x.shape[dim], cells.length];
  const [before, after] = [x.shape.slice(0, dim), x.shape.slice(dim + 1)];
  const repeats = to / from;
  if (Number.isInteger(repeats) && cells.every((cell, i) => cell === Math.floor(i / repeats))) {
    if (repeats === 1) return x;
    const one = x.reshape([...before, from, 1, ...after]);
    const each =
      repeats <= MAX_COPIES
        ? cat(new Array<Tensor>(repeats).fill(one), dim + 1)
        : one.expand([...before, from, repeats, ...after]);
    return each.reshape([...before, to, ...after]);
  }
  const step = to > 1 ? cells[1] - cells[0] : 1;
  if (step >= 1 && cells.every((cell, i) => cell === cells[0] + i * step)) {
    return x.slice(dim, cells[0], cells[to - 1] + 1, step);
  }
  return x.indexSelect(
    dim,
    hostConstant(x.device, 'int32', `cells ${key}`, () => cells),
  );
}

/**
 * The weights as a matrix. Measured on ONNX Runtime and the reference backend this is up to six times as fast as
 * gathering the cells, and its gradient is a product, too.
 */
function byMatrix(
  x: Tensor,
  dim: number,
  { from, to }: Resampling,
  { count, cells, weights }: Taps,
  key: string,
): Tensor {
  const isLast = dim === x.ndim - 1;
  const matrix = hostConstant(x.device, x.dtype, `${isLast ? 'columns' : 'rows'} ${key}`, () => {
    const entries = new Array<number>(from * to).fill(0);
    cells.forEach((cell, at) => {
      const i = Math.floor(at / count);
      entries[isLast ? cell * to + i : i * from + cell] += weights![at];
    });
    return entries;
  });
  if (isLast) return x.matmul(matrix.reshape([from, to]));
  const [before, after] = [x.shape.slice(0, dim), x.shape.slice(dim + 1)];
  const rows = matrix.reshape([to, from]).matmul(x.reshape([...before, from, sizeOf(after)]));
  return rows.reshape([...before, to, ...after]);
}

/** The cells gathered and weighted, where a matrix would be too large. */
function byCells(x: Tensor, dim: number, { to }: Resampling, { count, cells, weights }: Taps, key: string): Tensor {
  const [before, after] = [x.shape.slice(0, dim), x.shape.slice(dim + 1)];
  const index = hostConstant(x.device, 'int32', `cells ${key}`, () => cells);
  const factor = hostConstant(x.device, x.dtype, `weights ${key}`, () => weights!);
  const picked = x.indexSelect(dim, index).reshape([...before, to, count, ...after]);
  return picked.mul(factor.reshape([to, count, ...after.map(() => 1)])).sum(dim + 1);
}

const KERNELS: Record<Exclude<InterpolationMode, 'area'>, ResamplingMode> = {
  nearest: 'nearest',
  'nearest-exact': 'nearest-exact',
  linear: 'linear',
  bilinear: 'linear',
  trilinear: 'linear',
  bicubic: 'cubic',
};

/**
 * A signal, image or volume in another size, as `F.interpolate`, with PyTorch's positions of the cells.
 *
 * - 'nearest': the cell at ⌊i · from / to⌋. 'nearest-exact': that under the center of the new cell, as Pillow.
 * - 'linear', 'bilinear', 'trilinear' (for one, two, three spatial axes): between the nearest two along each axis.
 * - 'bicubic' (two axes): by Keys' cubic through four, with a = −0.75. It may overshoot: clamp the result of images.
 * - 'area': the average of the cells under the new one, which is {@link adaptiveAvgPool2d}.
 *
 * NaN and ∞ in a cell reach the row and the column of the output that go through it, except with the nearest and area
 * modes: there they stay where they are.
 *
 * When to use: upsampling in decoders ('nearest' or 'bilinear', followed by a convolution: fewer checkerboards than
 * transposed convolution), images of one size for a network ('bilinear' with `antialias` to shrink).
 *
 * Shape: `[N, C, L]`, `[N, C, H, W]` or `[N, C, D, H, W]` gives `[N, C, …size]`; by `scaleFactor` each size is rounded
 * down.
 *
 * @throws FakkelError unless size or scaleFactor is given; ShapeError for a number of axes that the mode does not take.
 * @example
 * const x = tensor([[[[1, 2], [3, 4]]]]);
 * await nn.functional.interpolate(x, { size: 4 }).select(2, 0).toArray(); // [[[1, 1, 2, 2]]]
 * const options = { scaleFactor: 2, mode: 'bilinear' } as const;
 * await nn.functional.interpolate(x, options).select(2, 0).toArray(); // [[[1, 1.25, 1.75, 2]]]
 */
export function interpolate(x: Tensor, options: InterpolateOptions): Tensor {
  const op = 'interpolate';
  checkTensor(op, x);
  checkFloat(op, [x]);
  checkInterpolateOptions(op, options);
  const { mode = 'nearest', alignCorners = false, antialias = false } = options;
  const axes = x.ndim - 2;
  if (axes < 1 || axes > 3 || axes !== (AXES[mode] ?? axes)) {
    const wanted = AXES[mode] ?? [1, 2, 3];
    const shapes = ['', '[N, C, L]', '[N, C, H, W]', '[N, C, D, H, W]'];
    const modes = ['', 'linear', 'bilinear or bicubic', 'trilinear'];
    throw new ShapeError(
      `${op}: expected ${[wanted]
        .flat()
        .map((n) => shapes[n])
        .join(' or ')} for mode '${mode}', got ${formatAval(x)}. ` +
        (axes >= 1 && axes <= 3 ? `For these axes: ${modes[axes]}.` : 'Add axes with x.unsqueeze(dim).'),
    );
  }
  if (x.shape.slice(1).includes(0))
    throw new ShapeError(`${op}: expected axes that are not empty, got ${formatAval(x)}`);
  const { size, scale } = targetOf(op, x, options);
  if (mode === 'area') return [adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d][axes - 1](x, size);
  // The axes that shrink most go first: less is left for the others. Of equal ones the last, whose cells are neighbours.
  const growth = size.map((to, i) => to / x.shape[i + 2]);
  const order = [...size.keys()].sort((a, b) => growth[a] - growth[b] || b - a);
  return composed(() =>
    order.reduce((y, i) => {
      const [from, to] = [x.shape[i + 2], size[i]];
      const resampling = { mode: KERNELS[mode], from, to, scale: scale?.[i] ?? null, alignCorners, antialias };
      return resample(y, i + 2, { ...resampling, dtype: x.dtype });
    }, x),
  );
}
