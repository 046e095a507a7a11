/**
 * Unpooling: maxima put back where max pooling found them.
 */
import { DTypeError, OutOfRangeError, ShapeError } from '../errors.js';
import { checkTensor } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { formatAval, sameShape, sizeOf } from '../shape.js';
import { checkOptions, perAxis, type PerAxis } from './arguments.js';
import { filled } from './constants.js';
import { outOfRange } from './host.js';
import { batched, checkPlanes } from './spatial.js';

/** What unpooling takes beside the kernel: the options of the pooling that it undoes. */
export interface MaxUnpoolOptions {
  /** Default: the kernel's size. */
  stride?: PerAxis;
  /** Default 0. */
  padding?: PerAxis;
  /** The size of the output, with or without batch and channels: several sizes are pooled to one. Default: the smallest. */
  outputSize?: readonly number[];
}

function sizesOf(op: string, axes: number, x: Tensor, kernelSize: PerAxis, options: MaxUnpoolOptions): number[] {
  checkOptions(op, options, ['stride', 'padding', 'outputSize'] satisfies (keyof MaxUnpoolOptions)[]);
  const kernel = perAxis(op, 'kernelSize', kernelSize, axes, 1);
  const stride = perAxis(op, 'stride', options.stride ?? kernel, axes, 1);
  const padding = perAxis(op, 'padding', options.padding ?? 0, axes, 0);
  const least = x.shape.slice(-axes).map((n, i) => (n - 1) * stride[i] - 2 * padding[i] + kernel[i]);
  const { outputSize } = options;
  if (!outputSize) return least;
  const wanted = outputSize.length === axes + 2 ? outputSize.slice(-axes) : [...outputSize];
  // As in PyTorch: any size that differs from the default by less than a stride.
  const fits = wanted.length === axes && wanted.every((n, i) => Math.abs(n - least[i]) < stride[i]);
  if (fits && wanted.every(Number.isInteger)) return wanted;
  throw new ShapeError(
    `${op}: expected an outputSize that differs from [${least.join(', ')}] by less than the stride ` +
      `[${stride.join(', ')}], got [${outputSize.join(', ')}] for ${formatAval(x)}`,
  );
}

function maxUnpool(
  axes: 1 | 2 | 3,
  x: Tensor,
  indices: Tensor,
  kernelSize: PerAxis,
  options: MaxUnpoolOptions,
): Tensor {
  const op = `maxUnpool${axes}d`;
  checkPlanes(op, x, axes);
  checkTensor(op, indices);
  if (!sameShape(x.shape, indices.shape)) {
    throw new ShapeError(
      `${op}: expected indices in the shape of the input, got ${formatAval(indices)} for ${formatAval(x)}`,
    );
  }
  if (indices.dtype !== 'int32') {
    throw new DTypeError(
      `${op}: expected int32 indices, those of maxPool${axes}dWithIndices, got ${formatAval(indices)}`,
    );
  }
  const size = sizesOf(op, axes, x, kernelSize, options);
  const bad = outOfRange(indices, sizeOf(size));
  if (bad) throw new OutOfRangeError(`${op}: index ${bad} in a plane of ${size.join(' × ')}`);
  return batched(x, axes, (planes) => {
    const [n, c] = planes.shape;
    const flat = (t: Tensor): Tensor => t.reshape([n, c, sizeOf(x.shape.slice(-axes))]);
    const zeros = filled(0, [n, c, sizeOf(size)], x);
    return [zeros.scatterAdd(2, flat(indices), flat(planes)).reshape([n, c, ...size])];
  })[0];
}

/**
 * Maxima put back where they were along one axis, as `F.max_unpool1d`. See {@link maxUnpool2d}.
 *
 * Shape: x and indices `[N, C, L]` or `[C, L]` give `[N, C, Lout]`.
 */
export function maxUnpool1d(x: Tensor, indices: Tensor, kernelSize: PerAxis, options: MaxUnpoolOptions = {}): Tensor {
  return maxUnpool(1, x, indices, kernelSize, options);
}

/**
 * Maxima put back where they were, with zeros elsewhere, as `F.max_unpool2d`: a partial inverse of
 * {@link maxPool2dWithIndices}. Where windows overlap one cell may be the maximum of several: here it gets their sum,
 * where PyTorch leaves it open which of them.
 *
 * Shape: x and indices `[N, C, H, W]` or `[C, H, W]` give `[N, C, Hout, Wout]` with
 * Hout = (H − 1)·stride − 2·padding + kernelSize, unless `outputSize` says another one.
 *
 * @param indices int32: flat indices in the spatial plane of the output.
 * @throws ShapeError unless indices and output size fit; OutOfRangeError for indices outside the output: at once where
 *   they are on the host, when it runs otherwise.
 * @example
 * const { values, indices } = nn.functional.maxPool2dWithIndices(tensor([[[1, 2], [4, 3]]]), 2);
 * await nn.functional.maxUnpool2d(values, indices, 2).toArray(); // [[[0, 0], [4, 0]]]
 */
export function maxUnpool2d(x: Tensor, indices: Tensor, kernelSize: PerAxis, options: MaxUnpoolOptions = {}): Tensor {
  return maxUnpool(2, x, indices, kernelSize, options);
}

/**
 * Maxima put back where they were in volumes, as `F.max_unpool3d`. See {@link maxUnpool2d}.
 *
 * Shape: x and indices `[N, C, D, H, W]` or `[C, D, H, W]` give `[N, C, Dout, Hout, Wout]`.
 */
export function maxUnpool3d(x: Tensor, indices: Tensor, kernelSize: PerAxis, options: MaxUnpoolOptions = {}): Tensor {
  return maxUnpool(3, x, indices, kernelSize, options);
}
