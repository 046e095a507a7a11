/**
 * Pooling to an output of a given size: output i covers the cells from ⌊i·n/m⌋ up to ⌈(i+1)·n/m⌉ of n, as in PyTorch.
 * Where m divides n these are equal windows; else the cells are picked by tables.
 */
import { OutOfRangeError, ShapeError } from '../errors.js';
import { noGrad } from '../graph/modes.js';
import type { Tensor } from '../graph/tensor.js';
import { formatAval, sizeOf } from '../shape.js';
import { composed } from './compose.js';
import { literal } from './constants.js';
import { hostConstant } from './host-constants.js';
import { where } from './logic.js';
import {
  avgPool1d,
  avgPool2d,
  avgPool3d,
  maxPool1dWithIndices,
  maxPool2dWithIndices,
  maxPool3dWithIndices,
  type WithIndices,
} from './pooling.js';
import { atIndices, batched, checkPlanes } from './spatial.js';

/** A size for all spatial axes, or one for each; null keeps the input's. */
export type OutputSize = number | null | readonly (number | null)[];

type Axes = 1 | 2 | 3;

function outputSizes(op: string, x: Tensor, axes: number, size: OutputSize): number[] {
  checkPlanes(op, x, axes);
  const list: readonly (number | null)[] = Array.isArray(size)
    ? size
    : new Array<number | null>(axes).fill(size as number);
  if (list.length !== axes || !list.every((n) => n === null || (Number.isInteger(n) && n >= 1))) {
    throw new OutOfRangeError(
      `${op}: the output size is a whole number from 1 up${axes > 1 ? `, or ${axes} of them in an array` : ''} ` +
        `(null keeps the input's); got ${Array.isArray(size) ? `[${list.join(', ')}]` : String(size)}`,
    );
  }
  const input = x.shape.slice(-axes);
  if (input.includes(0)) throw new ShapeError(`${op}: expected spatial axes that are not empty, got ${formatAval(x)}`);
  return list.map((n, i) => n ?? input[i]);
}

const start = (i: number, n: number, m: number): number => Math.floor((i * n) / m);
const end = (i: number, n: number, m: number): number => Math.ceil(((i + 1) * n) / m);

/** Cells of the longest window. */
function longest(n: number, m: number): number {
  let most = 0;
  for (let i = 0; i < m; i++) most = Math.max(most, end(i, n, m) - start(i, n, m));
  return most;
}

/** `cell(output, k)` for each output and each k below the longest window. */
function table(n: number, m: number, cell: (i: number, k: number) => number): number[] {
  const length = longest(n, m);
  return Array.from({ length: m * length }, (_, at) => cell(Math.floor(at / length), at % length));
}

/** The k-th cell of the window of output i; past its end the last one again. */
const cellOf = (n: number, m: number) => (i: number, k: number) => Math.min(start(i, n, m) + k, end(i, n, m) - 1);

/** Averages windows of unequal lengths along one axis. */
function averageAxis(x: Tensor, dim: number, m: number): Tensor {
  const n = x.shape[dim];
  if (n === m) return x;
  const length = longest(n, m);
  const key = `${n} to ${m}`;
  const { device } = x;
  const index = hostConstant(device, 'int32', `pool cells ${key}`, () => table(n, m, cellOf(n, m)));
  const inside = hostConstant(device, 'bool', `pool inside ${key}`, () =>
    table(n, m, (i, k) => Number(start(i, n, m) + k < end(i, n, m))),
  );
  const count = hostConstant(device, x.dtype, `pool counts ${x.dtype} ${key}`, () =>
    Array.from({ length: m }, (_, i) => end(i, n, m) - start(i, n, m)),
  );
  const after = new Array<number>(x.ndim - dim - 1).fill(1);
  const cells = x.indexSelect(dim, index);
  const kept = where(inside.reshape([m * length, ...after]), cells, literal(0, x));
  const windows = kept.reshape([...x.shape.slice(0, dim), m, length, ...x.shape.slice(dim + 1)]);
  return windows.sum(dim + 1).div(count.reshape([m, ...after]));
}

function adaptiveAvgPool(op: string, axes: Axes, x: Tensor, outputSize: OutputSize): Tensor {
  const size = outputSizes(op, x, axes, outputSize);
  const input = x.shape.slice(-axes);
  return composed(() => {
    if (size.every((m, i) => input[i] % m === 0)) {
      const kernel = size.map((m, i) => input[i] / m);
      return [avgPool1d, avgPool2d, avgPool3d][axes - 1](x, kernel);
    }
    const first = x.ndim - axes;
    return size.reduce((y, m, i) => averageAxis(y, first + i, m), x);
  });
}

/**
 * Averages windows along one axis so that the output has `outputSize` cells, as `F.adaptive_avg_pool1d`.
 *
 * Shape: `[N, C, L]` or `[C, L]` gives `[N, C, outputSize]`.
 */
export function adaptiveAvgPool1d(x: Tensor, outputSize: OutputSize): Tensor {
  return adaptiveAvgPool('adaptiveAvgPool1d', 1, x, outputSize);
}

/**
 * Averages windows so that the output has the given size, as `F.adaptive_avg_pool2d`. Output i of m covers the cells
 * from ⌊i·n/m⌋ up to ⌈(i+1)·n/m⌉ of n; windows may overlap by one cell.
 *
 * Shape: `[N, C, H, W]` or `[C, H, W]` gives `[N, C, …outputSize]`.
 *
 * @param outputSize One number for both axes, or one each; null keeps the input's size.
 * @throws OutOfRangeError for sizes that are no whole numbers from 1 up.
 * @example
 * await tensor([[[1, 2, 3]]]).adaptiveAvgPool2d([1, 2]).toArray(); // [[[1.5, 2.5]]]
 */
export function adaptiveAvgPool2d(x: Tensor, outputSize: OutputSize): Tensor {
  return adaptiveAvgPool('adaptiveAvgPool2d', 2, x, outputSize);
}

/**
 * Averages windows of volumes so that the output has the given size, as `F.adaptive_avg_pool3d`. See
 * {@link adaptiveAvgPool2d}.
 *
 * Shape: `[N, C, D, H, W]` or `[C, D, H, W]` gives `[N, C, …outputSize]`.
 */
export function adaptiveAvgPool3d(x: Tensor, outputSize: OutputSize): Tensor {
  return adaptiveAvgPool('adaptiveAvgPool3d', 3, x, outputSize);
}

/** The cells of every window as flat indices in the plane, row-major in the window: repeats come after their first. */
function windowCells(input: readonly number[], size: readonly number[]): number[] {
  const lengths = size.map((m, axis) => longest(input[axis], m));
  const cells = sizeOf(lengths);
  return Array.from({ length: sizeOf(size) * cells }, (_, at) => {
    let [window, inWindow] = [Math.floor(at / cells), at % cells];
    let [cell, stride] = [0, 1];
    for (let axis = size.length - 1; axis >= 0; axis--) {
      const [n, m, length] = [input[axis], size[axis], lengths[axis]];
      cell += cellOf(n, m)(window % m, inWindow % length) * stride;
      stride *= n;
      window = Math.floor(window / m);
      inWindow = Math.floor(inWindow / length);
    }
    return cell;
  });
}

/** The first maximum of each window of [N, C, …], through a table of the cells of every window. */
function maxByTable(x: Tensor, size: readonly number[]): Tensor[] {
  const [n, c, ...input] = x.shape;
  const windows = sizeOf(size);
  const key = `window cells ${input.join('×')} to ${size.join('×')}`;
  const cells = hostConstant(x.device, 'int32', key, () => windowCells(input, size));
  const length = cells.numel() / windows;
  const indices = noGrad(() => {
    const picked = x.reshape([n, c, sizeOf(input)]).indexSelect(2, cells);
    const winner = picked.reshape([n, c, windows, length]).argmax(3, true);
    const each = cells.reshape([1, 1, windows, length]).expand([n, c, windows, length]);
    return each.gather(3, winner).reshape([n, c, ...size]);
  });
  return [atIndices(x, indices), indices];
}

function adaptiveMaxPool(op: string, axes: Axes, x: Tensor, outputSize: OutputSize): WithIndices {
  const size = outputSizes(op, x, axes, outputSize);
  const input = x.shape.slice(-axes);
  if (size.every((m, i) => input[i] % m === 0)) {
    const kernel = size.map((m, i) => input[i] / m);
    return [maxPool1dWithIndices, maxPool2dWithIndices, maxPool3dWithIndices][axes - 1](x, kernel);
  }
  const [values, indices] = batched(x, axes, (planes) => maxByTable(planes, size));
  return { values, indices };
}

/**
 * The maxima of windows along one axis so that the output has `outputSize` cells, as `F.adaptive_max_pool1d`.
 *
 * Shape: `[N, C, L]` or `[C, L]` gives `[N, C, outputSize]`.
 */
export function adaptiveMaxPool1d(x: Tensor, outputSize: OutputSize): Tensor {
  return adaptiveMaxPool('adaptiveMaxPool1d', 1, x, outputSize).values;
}

/**
 * The maxima of windows so that the output has the given size, as `F.adaptive_max_pool2d`; the windows are those of
 * {@link adaptiveAvgPool2d}. The gradient goes to the first maximum of a window.
 *
 * Shape: `[N, C, H, W]` or `[C, H, W]` gives `[N, C, …outputSize]`.
 *
 * @param outputSize One number for both axes, or one each; null keeps the input's size.
 * @throws OutOfRangeError for sizes that are no whole numbers from 1 up.
 * @example
 * await tensor([[[1, 3, 2]]]).adaptiveMaxPool2d([1, 2]).toArray(); // [[[3, 3]]]
 */
export function adaptiveMaxPool2d(x: Tensor, outputSize: OutputSize): Tensor {
  return adaptiveMaxPool('adaptiveMaxPool2d', 2, x, outputSize).values;
}

/** As {@link adaptiveMaxPool2d}, with the flat indices of the maxima in the spatial plane of the input. */
export function adaptiveMaxPool2dWithIndices(x: Tensor, outputSize: OutputSize): WithIndices {
  return adaptiveMaxPool('adaptiveMaxPool2d', 2, x, outputSize);
}

/**
 * The maxima of windows of volumes so that the output has the given size, as `F.adaptive_max_pool3d`. See
 * {@link adaptiveMaxPool2d}.
 *
 * Shape: `[N, C, D, H, W]` or `[C, D, H, W]` gives `[N, C, …outputSize]`.
 */
export function adaptiveMaxPool3d(x: Tensor, outputSize: OutputSize): Tensor {
  return adaptiveMaxPool('adaptiveMaxPool3d', 3, x, outputSize).values;
}
