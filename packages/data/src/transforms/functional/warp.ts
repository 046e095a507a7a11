/**
 * Rotation, shear and perspective: each output pixel looks up a place in the input.
 *
 * Source: torchvision 0.14, `affine`, `rotate`, `perspective` in `functional.py` and `functional_tensor.py`; PyTorch
 * 1.13, `aten/src/ATen/native/cpu/GridSamplerKernel.cpp`. Places are computed in float32, in the order and with the
 * fused multiply-adds of PyTorch's builds for x86: `nearest` jumps where they meet a half.
 */
import { FakkelError, OutOfRangeError, ShapeError } from '@fakkel/core';
import { allocate, type HostArray } from '../../host-array.js';
import { checkOptions } from '../../options.js';
import {
  checkPixels,
  dimensionsOf,
  imageOf,
  newPixels,
  perChannel,
  show,
  type Dimensions,
  type Fill,
} from '../pixels.js';
import { checkInterpolation } from './resize.js';

const fround = Math.fround;

/** How warps make pixels between pixels. */
export type WarpInterpolation = 'nearest' | 'bilinear';

/** Options that all warps have. */
export interface WarpOptions {
  /** 'nearest' or 'bilinear'. */
  readonly interpolation?: WarpInterpolation;
  /**
   * What is shown outside of the image: a number, or one for each channel. Undefined: zeros, into which `bilinear`
   * fades at the edges without mixing twice.
   */
  readonly fill?: Fill | null;
}

/** Options of {@link affine}. */
export interface AffineOptions extends WarpOptions {
  /** Rotation in degrees, clockwise. Default 0. */
  readonly angle?: number;
  /** To the right and down, in pixels, after the rotation. Default [0, 0]. */
  readonly translate?: readonly [number, number];
  /** Default 1. */
  readonly scale?: number;
  /** Degrees along x, and along y. Default [0, 0]. */
  readonly shear?: readonly [number, number];
  /** What stays in place, [x, y] from the upper left corner. Default the middle. */
  readonly center?: readonly [number, number] | null;
}

/** Options of {@link rotate}. */
export interface RotateOptions extends WarpOptions {
  /** Whether the output is as large as the rotated image. Default false: it is as large as the input. */
  readonly expand?: boolean;
  /** What stays in place, [x, y] from the upper left corner. Default the middle. */
  readonly center?: readonly [number, number] | null;
}

/** Where an output pixel is in the input, from −1 to 1 from edge to edge: x and y of all pixels. */
interface Grid extends Pick<Dimensions, 'height' | 'width'> {
  readonly x: Float32Array;
  readonly y: Float32Array;
}

/** Rows [a, b, c], [d, e, f] of a matrix that takes output to input positions, counted from the middle. */
type Matrix = readonly [number, number, number, number, number, number];

/**
 * Rotated, moved, scaled and sheared around a centre: torchvision's `affine`.
 *
 * Shape: `[..., C, H, W]`, and the same.
 *
 * @param options - See {@link AffineOptions}; `interpolation` is 'nearest' by default.
 * @example
 * transforms.functional.affine(digits().get(0)[0], { angle: 15, translate: [1, 0], interpolation: 'bilinear' });
 */
export function affine(image: HostArray, options: AffineOptions = {}): HostArray {
  const known = ['angle', 'translate', 'scale', 'shear', 'center', 'interpolation', 'fill'];
  checkOptions('affine', options, known, 'affine(image, …)');
  const { angle = 0, translate = [0, 0], scale = 1, shear = [0, 0], center = null } = options;
  if (!(scale > 0)) throw new OutOfRangeError(`affine: scale: expected a number above 0, got ${show(scale)}`);
  if (!Number.isFinite(angle)) throw new OutOfRangeError(`affine: angle: expected degrees, got ${show(angle)}`);
  const size = dimensionsOf('affine', image);
  const matrix = inverseMatrix(fromMiddle(center, size), angle, translate, scale, shear);
  return sample('affine', image, size, affineGrid(matrix, size, size), options);
}

/**
 * Rotated around a centre: torchvision's `rotate`.
 *
 * Shape: `[..., C, H, W]`, and the same unless `expand`.
 *
 * @param angle - Degrees, counter-clockwise.
 * @param options - See {@link RotateOptions}; `interpolation` is 'nearest' by default.
 * @example
 * transforms.functional.rotate(digits().get(0)[0], 45, { expand: true }); // float32[1,12,12]
 */
export function rotate(image: HostArray, angle: number, options: RotateOptions = {}): HostArray {
  checkOptions('rotate', options, ['expand', 'center', 'interpolation', 'fill'], 'rotate(image, 30, …)');
  const { expand = false, center = null } = options;
  if (!Number.isFinite(angle)) throw new OutOfRangeError(`rotate: angle: expected degrees, got ${show(angle)}`);
  const size = dimensionsOf('rotate', image);
  const matrix = inverseMatrix(fromMiddle(center, size), -angle, [0, 0], 1, [0, 0]);
  const output = expand ? expandedSize(matrix, size) : size;
  return sample('rotate', image, size, affineGrid(matrix, size, output), options);
}

/** A point, [x, y]. */
export type Point = readonly [number, number];

/**
 * Seen from another side: torchvision's `perspective`. The coefficients follow from the points in float64, where
 * torchvision solves for them in float32, so places differ from its by about a thousandth of a pixel.
 *
 * Shape: `[..., C, H, W]`, and the same.
 *
 * @param startpoints - Four points of the input: top left, top right, bottom right, bottom left.
 * @param endpoints - Where they come to lie.
 * @param options - `interpolation` is 'bilinear' by default.
 * @example
 * const corners = [[0, 0], [7, 0], [7, 7], [0, 7]] as const;
 * transforms.functional.perspective(digits().get(0)[0], corners, [[1, 1], [7, 0], [7, 7], [0, 6]]);
 */
export function perspective(
  image: HostArray,
  startpoints: readonly Point[],
  endpoints: readonly Point[],
  options: WarpOptions = {},
): HostArray {
  checkOptions('perspective', options, ['interpolation', 'fill'], 'perspective(image, from, to, …)');
  const isCorners = (points: readonly Point[]) => points.length === 4 && points.every((p) => p.length === 2);
  if (!isCorners(startpoints) || !isCorners(endpoints)) {
    throw new ShapeError('perspective: expected four points [x, y] of the input and four of the output');
  }
  const size = dimensionsOf('perspective', image);
  const grid = perspectiveGrid(perspectiveCoefficients(startpoints, endpoints), size);
  return sample('perspective', image, size, grid, { interpolation: 'bilinear', ...options });
}

function fromMiddle(center: readonly [number, number] | null, { height, width }: Dimensions): Point {
  return center ? [center[0] - width * 0.5, center[1] - height * 0.5] : [0, 0];
}

/** The inverse of T·C·R·S·H·C⁻¹: translation, centre, rotation, scale, shear. */
function inverseMatrix([cx, cy]: Point, angle: number, [tx, ty]: Point, scale: number, shear: Point): Matrix {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const [rotation, sx, sy] = [radians(angle), radians(shear[0]), radians(shear[1])];
  const a = Math.cos(rotation - sy) / Math.cos(sy);
  const b = (-Math.cos(rotation - sy) * Math.tan(sx)) / Math.cos(sy) - Math.sin(rotation);
  const c = Math.sin(rotation - sy) / Math.cos(sy);
  const d = (-Math.sin(rotation - sy) * Math.tan(sx)) / Math.cos(sy) + Math.cos(rotation);
  const [m0, m1, m3, m4] = [d / scale, -b / scale, -c / scale, a / scale];
  return [
    ...([m0, m1, m0 * (-cx - tx) + m1 * (-cy - ty) + cx] as const),
    ...([m3, m4, m3 * (-cx - tx) + m4 * (-cy - ty) + cy] as const),
  ];
}

/** x·a + y·b + c as the matrix product of PyTorch's grids sums it. */
const dot = (x: number, y: number, a: number, b: number, c: number): number =>
  fround(fround(y * b + fround(x * a)) + c);

function affineGrid(matrix: Matrix, input: Dimensions, { height, width }: Pick<Dimensions, 'height' | 'width'>): Grid {
  const grid = { height, width, x: new Float32Array(height * width), y: new Float32Array(height * width) };
  const [halfWidth, halfHeight] = [0.5 * input.width, 0.5 * input.height];
  const [a, b, c] = matrix.slice(0, 3).map((m) => fround(fround(m) / halfWidth));
  const [d, e, f] = matrix.slice(3).map((m) => fround(fround(m) / halfHeight));
  for (let row = 0, at = 0; row < height; row++) {
    const y = row + 0.5 - 0.5 * height;
    for (let column = 0; column < width; column++, at++) {
      const x = column + 0.5 - 0.5 * width;
      grid.x[at] = dot(x, y, a, b, c);
      grid.y[at] = dot(x, y, d, e, f);
    }
  }
  return grid;
}

/** Height and width that hold the rotated image. */
function expandedSize(matrix: Matrix, { height, width }: Dimensions): Pick<Dimensions, 'height' | 'width'> {
  const extent = (row: readonly number[], size: number): number => {
    const [a, b, c] = row.map(fround);
    const corners = [-0.5, 0.5].flatMap((i) => [-0.5, 0.5].map((j) => dot(i * width, j * height, a, b, c)));
    // Cut to 1e-4, so that 6.0000001 is not 7.
    const cut = (v: number) => fround(Math.trunc(fround(fround(v + fround(size * 0.5)) / fround(1e-4))) * fround(1e-4));
    return Math.ceil(cut(Math.max(...corners))) - Math.floor(cut(Math.min(...corners)));
  };
  return { width: extent(matrix.slice(0, 3), width), height: extent(matrix.slice(3), height) };
}

/** a … h of x' = (a·x + b·y + c) / (g·x + h·y + 1), y' = (d·x + e·y + f) / (g·x + h·y + 1), from output to input. */
function perspectiveCoefficients(startpoints: readonly Point[], endpoints: readonly Point[]): readonly number[] {
  const rows = endpoints.flatMap(([x, y], i) => {
    const [u, v] = startpoints[i];
    return [
      [x, y, 1, 0, 0, 0, -u * x, -u * y, u],
      [0, 0, 0, x, y, 1, -v * x, -v * y, v],
    ];
  });
  return solve(rows);
}

/** Gauss–Jordan elimination with partial pivoting; each row ends with its right side. */
function solve(rows: number[][]): number[] {
  const n = rows.length;
  for (let i = 0; i < n; i++) {
    let pivot = i;
    for (let r = i + 1; r < n; r++) if (Math.abs(rows[r][i]) > Math.abs(rows[pivot][i])) pivot = r;
    [rows[i], rows[pivot]] = [rows[pivot], rows[i]];
    if (Math.abs(rows[i][i]) < 1e-12) throw new FakkelError('perspective: three of the points lie on one line');
    for (let r = 0; r < n; r++) {
      if (r === i) continue;
      const factor = rows[r][i] / rows[i][i];
      for (let k = i; k <= n; k++) rows[r][k] -= factor * rows[i][k];
    }
  }
  return rows.map((row, i) => row[n] / row[i]);
}

function perspectiveGrid(coefficients: readonly number[], { height, width }: Dimensions): Grid {
  const grid = { height, width, x: new Float32Array(height * width), y: new Float32Array(height * width) };
  const [a, b, c] = coefficients.slice(0, 3).map((v) => fround(fround(v) / fround(0.5 * width)));
  const [d, e, f] = coefficients.slice(3, 6).map((v) => fround(fround(v) / fround(0.5 * height)));
  const [g, h] = coefficients.slice(6).map(fround);
  for (let row = 0, at = 0; row < height; row++) {
    const y = row + 0.5;
    for (let column = 0; column < width; column++, at++) {
      const x = column + 0.5;
      const scale = dot(x, y, g, h, 1);
      grid.x[at] = fround(dot(x, y, a, b, c) / scale) - 1;
      grid.y[at] = fround(dot(x, y, d, e, f) / scale) - 1;
    }
  }
  return grid;
}

/** The image at the places of `grid`: `torch.nn.functional.grid_sample` with zeros outside, and the fill's colour. */
function sample(op: string, image: HostArray, input: Dimensions, grid: Grid, options: WarpOptions): HostArray {
  const { interpolation = 'nearest', fill = null } = options;
  checkInterpolation(op, interpolation, ['nearest', 'bilinear']);
  const colors = fill === null ? null : perChannel(op, 'fill', fill, input.channels);
  const { data } = image;
  const size = grid.height * grid.width;
  const planes = input.images * input.channels;
  if (interpolation === 'nearest') {
    const places = nearestPlaces(grid, input);
    const out = allocate(image.dtype, planes * size);
    for (let plane = 0; plane < planes; plane++) {
      const from = plane * input.height * input.width;
      const color = colors === null ? 0 : colors[plane % input.channels];
      for (let i = 0; i < size; i++) out[plane * size + i] = places[i] < 0 ? color : data[from + places[i]];
    }
    return imageOf(out, image, grid);
  }
  checkPixels(op, image);
  const source = data instanceof Float32Array ? data : new Float32Array(data);
  const out = newPixels(image.dtype, planes * size);
  const line = new Float32Array(size);
  const taps = bilinearTaps(grid, input);
  for (let plane = 0; plane < planes; plane++) {
    const from = plane * input.height * input.width;
    mix(source.subarray(from, from + input.height * input.width), taps, line);
    if (colors !== null) blend(line, taps.inside, fround(colors[plane % input.channels]));
    for (let i = 0; i < size; i++) out[plane * size + i] = line[i];
  }
  return imageOf(out, image, grid);
}

/** From −1 … 1 to pixels. */
const unnormalize = (g: number, size: number): number => fround(fround(g + 1) * (size / 2) - 0.5);

/** For each output pixel the nearest input pixel, −1 outside. */
function nearestPlaces(grid: Grid, { height, width }: Dimensions): Int32Array {
  const out = new Int32Array(grid.x.length);
  for (let i = 0; i < out.length; i++) {
    const x = halfEven(unnormalize(grid.x[i], width));
    const y = halfEven(unnormalize(grid.y[i], height));
    out[i] = x >= 0 && x < width && y >= 0 && y < height ? y * width + x : -1;
  }
  return out;
}

/** To the nearest whole number, halves to the even one, of a float32 below 2²²: beyond 1.5 · 2²³ none has a fraction. */
const halfEven = (v: number): number => fround(v + 12582912) - 12582912;

/** For each output pixel four input pixels and their weights, 0 outside. */
interface BilinearTaps {
  readonly index: Int32Array;
  readonly weight: Float32Array;
  /** Sums of the weights: how much of the pixel lies in the image. */
  readonly inside: Float32Array;
}

function bilinearTaps(grid: Grid, { height, width }: Dimensions): BilinearTaps {
  const n = grid.x.length;
  const taps = { index: new Int32Array(4 * n), weight: new Float32Array(4 * n), inside: new Float32Array(n) };
  for (let i = 0; i < n; i++) {
    const x = unnormalize(grid.x[i], width);
    const y = unnormalize(grid.y[i], height);
    const left = Math.floor(x);
    const top = Math.floor(y);
    const west = fround(x - left);
    const north = fround(y - top);
    const east = fround(1 - west);
    const south = fround(1 - north);
    put(taps, 4 * i, left, top, south * east, height, width);
    put(taps, 4 * i + 1, left + 1, top, south * west, height, width);
    put(taps, 4 * i + 2, left, top + 1, north * east, height, width);
    put(taps, 4 * i + 3, left + 1, top + 1, north * west, height, width);
    const { weight } = taps;
    taps.inside[i] = fround(fround(weight[4 * i] + weight[4 * i + 1]) + weight[4 * i + 2]) + weight[4 * i + 3];
  }
  return taps;
}

function put(taps: BilinearTaps, at: number, x: number, y: number, w: number, height: number, width: number): void {
  if (!(x >= 0 && x < width && y >= 0 && y < height)) return;
  taps.index[at] = y * width + x;
  taps.weight[at] = w;
}

/** out[i] = Σ weight · source[index], fused. */
function mix(source: Float32Array, { index, weight }: BilinearTaps, out: Float32Array): void {
  for (let i = 0, t = 0; i < out.length; i++, t += 4) {
    let sum = fround(source[index[t]] * weight[t]);
    sum = fround(source[index[t + 1]] * weight[t + 1] + sum);
    sum = fround(source[index[t + 2]] * weight[t + 2] + sum);
    out[i] = source[index[t + 3]] * weight[t + 3] + sum;
  }
}

/** Mixed with the colour where pixels lie partly outside. */
function blend(line: Float32Array, inside: Float32Array, color: number): void {
  for (let i = 0; i < line.length; i++) {
    line[i] = fround(line[i] * inside[i]) + fround(fround(1 - inside[i]) * color);
  }
}
