/**
 * Pooling by a power mean without its mean: the p-norm of windows.
 */
import { OutOfRangeError } from '../errors.js';
import type { Tensor } from '../graph/tensor.js';
import { checkOptions, perAxis, type PerAxis } from './arguments.js';
import { composed } from './compose.js';
import { literal } from './constants.js';
import { where } from './logic.js';
import { avgPool1d, avgPool2d } from './pooling.js';
import { checkPlanes } from './spatial.js';

/** What power-average pooling takes beside exponent and kernel. */
export interface LPPoolOptions {
  /** Step of the window. Default: the kernel's size. */
  stride?: PerAxis;
  /** Rounds the output's size up; the windows at the end are scaled up to the size of the others. Default false. */
  ceilMode?: boolean;
}

function lpPool(axes: 1 | 2, x: Tensor, normType: number, kernelSize: PerAxis, options: LPPoolOptions): Tensor {
  const op = `lpPool${axes}d`;
  checkPlanes(op, x, axes);
  checkOptions(op, options, ['stride', 'ceilMode'] satisfies (keyof LPPoolOptions)[]);
  if (!Number.isFinite(normType) || normType === 0) {
    throw new OutOfRangeError(`${op}: normType is a number other than 0, got ${normType}`);
  }
  const kernel = perAxis(op, 'kernelSize', kernelSize, axes, 1);
  const cells = kernel.reduce((a, b) => a * b);
  return composed(() => {
    const average = [avgPool1d, avgPool2d][axes - 1](x.pow(normType), kernel, options);
    const sum = average.mul(literal(cells, x));
    // Where nothing was added the root has no derivative: its gradient is 0 there.
    const isZero = sum.eq(literal(0, x));
    const root = where(isZero, literal(1, x), sum).pow(1 / normType);
    return where(isZero, literal(0, x), root);
  });
}

/**
 * (Σ xᵖ)^(1/p) of each window along one axis, as `F.lp_pool1d`. See {@link lpPool2d}.
 *
 * Shape: `[N, C, L]` or `[C, L]` gives `[N, C, Lout]`.
 */
export function lpPool1d(x: Tensor, normType: number, kernelSize: PerAxis, options: LPPoolOptions = {}): Tensor {
  return lpPool(1, x, normType, kernelSize, options);
}

/**
 * (Σ xᵖ)^(1/p) of each window, as `F.lp_pool2d`. Where it is 0 the gradient is 0.
 *
 * Shape: `[N, C, H, W]` or `[C, H, W]` gives `[N, C, Hout, Wout]` with Hout = ⌊(H − kernelSize) / stride⌋ + 1, ⌈…⌉ in
 * ceil mode.
 *
 * @param normType The exponent p. Sums of negative numbers have no fractional power: NaN.
 * @throws OutOfRangeError for p = 0; ShapeError if the kernel does not fit the input.
 * @example
 * await nn.functional.lpPool2d(tensor([[[3, 0], [0, 4]]]), 2, 2).toArray(); // [[[5]]]
 */
export function lpPool2d(x: Tensor, normType: number, kernelSize: PerAxis, options: LPPoolOptions = {}): Tensor {
  return lpPool(2, x, normType, kernelSize, options);
}
