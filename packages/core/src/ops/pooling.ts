/**
 * Max and average pooling over windows of one to three spatial axes.
 */
import { OutOfRangeError, ShapeError } from '../errors.js';
import { record, record1 } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { formatAval, type Aval } from '../shape.js';
import { checkOptions, perAxis, type PerAxis } from './arguments.js';
import { checkFloat } from './common.js';
import { filled } from './constants.js';
import { defineOp, type Op } from './def.js';
import { atIndices, batched, checkPlanes } from './spatial.js';

export {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool2dWithIndices,
  adaptiveMaxPool3d,
  type OutputSize,
} from './adaptive-pooling.js';
export { fold, unfold, type UnfoldOptions } from './unfold.js';

type Pairs = readonly (readonly [number, number])[];

type MaxPoolAttrs = {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  /** Before and after; ceil mode is in the padding after. */
  readonly padding: Pairs;
  readonly dilation: readonly number[];
};

const maxPool: Op<MaxPoolAttrs> = defineOp<MaxPoolAttrs>({
  name: 'maxPool',
  jacobian: 'selection',
  infer([x], { kernel, stride, padding, dilation }) {
    checkFloat(`maxPool${kernel.length}d`, [x]);
    const size = x.shape.slice(2).map((n, i) => {
      const reach = dilation[i] * (kernel[i] - 1) + 1;
      return Math.floor((n + padding[i][0] + padding[i][1] - reach) / stride[i]) + 1;
    });
    const shape = [...x.shape.slice(0, 2), ...size];
    return [
      { shape, dtype: x.dtype },
      { shape, dtype: 'int32' },
    ];
  },
  vjp: {
    reads: { outputs: [1] },
    backward: ({ gradients: [g], inputs: [x], outputs: [, indices] }) => [
      g ? record1(maxPoolGrad, [g, indices], { inputSize: x.shape.slice(2) }) : null,
    ],
  },
});

const maxPoolGrad: Op<{ readonly inputSize: readonly number[] }> = defineOp({
  name: 'maxPoolGrad',
  infer: ([g], { inputSize }) => [{ shape: [...g.shape.slice(0, 2), ...inputSize], dtype: g.dtype }],
  vjp: {
    reads: { inputs: [1] },
    backward: ({ gradient: v, inputs: [, indices] }) => [atIndices(v, indices)],
  },
});

type AvgPoolAttrs = {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly padding: Pairs;
  readonly countIncludePad: boolean;
  /** Cells that ceil mode adds after: never counted in the divisor. */
  readonly ceilExtra: readonly number[];
  readonly divisor: number | null;
};

const avgPool: Op<AvgPoolAttrs> = defineOp<AvgPoolAttrs>({
  name: 'avgPool',
  infer([x], { kernel, stride, padding, ceilExtra }) {
    checkFloat(`avgPool${kernel.length}d`, [x]);
    const size = x.shape
      .slice(2)
      .map((n, i) => Math.floor((n + padding[i][0] + padding[i][1] + ceilExtra[i] - kernel[i]) / stride[i]) + 1);
    return [{ shape: [...x.shape.slice(0, 2), ...size], dtype: x.dtype }];
  },
  vjp: {
    reads: {},
    backward: ({ gradient, inputs: [x], attrs }) => [
      record1(avgPoolGrad, [gradient], { ...attrs, inputSize: x.shape.slice(2) }),
    ],
  },
  // The factor of each window is one over its divisor: the average of ones over their sum.
  jacobian({ gradient: h, inputs: [x], attrs }) {
    const ones = filled(1, x.shape, x);
    const sum = { ...attrs, divisor: 1 };
    const factor = record1(avgPool, [ones], attrs).div(record1(avgPool, [ones], sum));
    return [record1(avgPoolGrad, [h.mul(factor.square())], { ...sum, inputSize: x.shape.slice(2) })];
  },
});

const avgPoolGrad: Op<AvgPoolAttrs & { readonly inputSize: readonly number[] }> = defineOp({
  name: 'avgPoolGrad',
  infer: ([g], { inputSize }) => [{ shape: [...g.shape.slice(0, 2), ...inputSize], dtype: g.dtype }],
  vjp: {
    reads: {},
    backward: ({ gradient, attrs: { inputSize: _, ...attrs } }) => [record1(avgPool, [gradient], attrs)],
  },
});

interface Windows {
  kernel: number[];
  stride: number[];
  padding: number[];
  dilation: number[];
  /** Cells after the input that the windows need: more than the padding in ceil mode. */
  after: number[];
}

interface WindowOptions {
  stride?: PerAxis;
  padding?: PerAxis;
  dilation?: PerAxis;
  ceilMode?: boolean;
}

function windowsOf(op: string, x: Aval, axes: number, kernelSize: PerAxis, options: WindowOptions): Windows {
  const kernel = perAxis(op, 'kernelSize', kernelSize, axes, 1);
  const stride = perAxis(op, 'stride', options.stride ?? kernel, axes, 1);
  const padding = perAxis(op, 'padding', options.padding ?? 0, axes, 0);
  const dilation = perAxis(op, 'dilation', options.dilation ?? 1, axes, 1);
  const after = x.shape.slice(-axes).map((n, i) => {
    if (padding[i] > kernel[i] / 2) {
      throw new OutOfRangeError(
        `${op}: padding may be at most half of the kernel, got padding ${padding[i]} for a kernel of ${kernel[i]}: ` +
          `a window could lie outside of the input`,
      );
    }
    const reach = dilation[i] * (kernel[i] - 1) + 1;
    const free = n + 2 * padding[i] - reach;
    if (free < 0 && !(options.ceilMode && free > -stride[i])) {
      throw new ShapeError(
        `${op}: the kernel spans ${reach} cells, the input ${n + 2 * padding[i]} with its padding, in ${formatAval(x)}. ` +
          `Use a smaller kernel, or less downsampling before it.`,
      );
    }
    if (!options.ceilMode) return padding[i];
    let last = Math.ceil(free / stride[i]);
    // The last window starts in the input or its padding before, as in PyTorch.
    if (last * stride[i] >= n + padding[i]) last--;
    return Math.max(padding[i], last * stride[i] + reach - n - padding[i]);
  });
  return { kernel, stride, padding, dilation, after };
}

/** What max pooling takes beside the kernel. */
export interface MaxPoolOptions {
  /** Step of the window. Default: the kernel's size. */
  stride?: PerAxis;
  /** Cells of −∞ around the input, at most half of the kernel. Default 0. */
  padding?: PerAxis;
  /** Distance between the cells of a window. Default 1. */
  dilation?: PerAxis;
  /** Rounds the output's size up: windows may reach past the end. Default false. */
  ceilMode?: boolean;
}

/** Maxima, and where they were: flat int32 indices in the spatial plane of the input. */
export interface WithIndices {
  readonly values: Tensor;
  readonly indices: Tensor;
}

function maxPoolNd(axes: number, x: Tensor, kernelSize: PerAxis, options: MaxPoolOptions): WithIndices {
  const op = `maxPool${axes}d`;
  checkPlanes(op, x, axes);
  checkOptions(op, options, ['stride', 'padding', 'dilation', 'ceilMode'] satisfies (keyof MaxPoolOptions)[]);
  const { kernel, stride, padding, dilation, after } = windowsOf(op, x, axes, kernelSize, options);
  const attrs = { kernel, stride, dilation, padding: padding.map((n, i): [number, number] => [n, after[i]]) };
  const [values, indices] = batched(x, axes, (planes) => record(maxPool, [planes], attrs));
  return { values, indices };
}

/**
 * The maximum of each window along one axis, as `F.max_pool1d`. See {@link maxPool2d}.
 *
 * Shape: `[N, C, L]` or `[C, L]` gives `[N, C, Lout]`.
 */
export function maxPool1d(x: Tensor, kernelSize: PerAxis, options: MaxPoolOptions = {}): Tensor {
  return maxPoolNd(1, x, kernelSize, options).values;
}

/**
 * The maximum of each window, as `F.max_pool2d`. Its gradient goes to the first maximum of the window.
 *
 * Shape: `[N, C, H, W]` or `[C, H, W]` gives `[N, C, Hout, Wout]` with
 * Hout = ⌊(H + 2·padding − dilation·(kernelSize − 1) − 1) / stride⌋ + 1, ⌈…⌉ in ceil mode (without a window that would
 * start past the input).
 *
 * @param kernelSize Cells of a window, one number or one an axis.
 * @throws OutOfRangeError if the padding is more than half of the kernel; ShapeError if the kernel does not fit the input.
 * @example
 * const x = tensor([[[1, 2, 3], [4, 5, 6], [7, 8, 9]]]);
 * await x.maxPool2d(2, { stride: 1 }).toArray(); // [[[5, 6], [8, 9]]]
 */
export function maxPool2d(x: Tensor, kernelSize: PerAxis, options: MaxPoolOptions = {}): Tensor {
  return maxPoolNd(2, x, kernelSize, options).values;
}

/**
 * The maximum of each window of a volume, as `F.max_pool3d`. See {@link maxPool2d}.
 *
 * Shape: `[N, C, D, H, W]` or `[C, D, H, W]` gives `[N, C, Dout, Hout, Wout]`.
 */
export function maxPool3d(x: Tensor, kernelSize: PerAxis, options: MaxPoolOptions = {}): Tensor {
  return maxPoolNd(3, x, kernelSize, options).values;
}

/** As {@link maxPool1d}, with the indices of the maxima: `return_indices=True` in PyTorch. */
export function maxPool1dWithIndices(x: Tensor, kernelSize: PerAxis, options: MaxPoolOptions = {}): WithIndices {
  return maxPoolNd(1, x, kernelSize, options);
}

/**
 * As {@link maxPool2d}, with the indices of the maxima: `return_indices=True` in PyTorch.
 *
 * @example
 * const { indices } = maxPool2dWithIndices(tensor([[[1, 2], [4, 3]]]), 2);
 * await indices.toArray(); // [[[2]]]
 */
export function maxPool2dWithIndices(x: Tensor, kernelSize: PerAxis, options: MaxPoolOptions = {}): WithIndices {
  return maxPoolNd(2, x, kernelSize, options);
}

/** As {@link maxPool3d}, with the indices of the maxima: `return_indices=True` in PyTorch. */
export function maxPool3dWithIndices(x: Tensor, kernelSize: PerAxis, options: MaxPoolOptions = {}): WithIndices {
  return maxPoolNd(3, x, kernelSize, options);
}

/** What average pooling takes beside the kernel. */
export interface AvgPoolOptions {
  /** Step of the window. Default: the kernel's size. */
  stride?: PerAxis;
  /** Zeros around the input, at most half of the kernel. Default 0. */
  padding?: PerAxis;
  /** Rounds the output's size up: windows may reach past the end, those cells are not counted. Default false. */
  ceilMode?: boolean;
  /** Whether cells of the padding count in the divisor. Default true. */
  countIncludePad?: boolean;
  /** Divides by this instead of the number of cells. */
  divisorOverride?: number;
}

function avgPoolNd(axes: number, x: Tensor, kernelSize: PerAxis, options: AvgPoolOptions): Tensor {
  const op = `avgPool${axes}d`;
  checkPlanes(op, x, axes);
  const names = [
    'stride',
    'padding',
    'ceilMode',
    'countIncludePad',
    'divisorOverride',
  ] satisfies (keyof AvgPoolOptions)[];
  checkOptions(op, options, names);
  const { divisorOverride: divisor = null, countIncludePad = true } = options;
  if (divisor === 0) throw new OutOfRangeError(`${op}: divisorOverride must not be 0`);
  const { kernel, stride, padding, after } = windowsOf(op, x, axes, kernelSize, options);
  const attrs = {
    kernel,
    stride,
    padding: padding.map((n): [number, number] => [n, n]),
    countIncludePad,
    ceilExtra: after.map((n, i) => n - padding[i]),
    divisor,
  };
  return batched(x, axes, (planes) => record(avgPool, [planes], attrs))[0];
}

/**
 * The average of each window along one axis, as `F.avg_pool1d`. See {@link avgPool2d}.
 *
 * Shape: `[N, C, L]` or `[C, L]` gives `[N, C, Lout]`.
 */
export function avgPool1d(x: Tensor, kernelSize: PerAxis, options: AvgPoolOptions = {}): Tensor {
  return avgPoolNd(1, x, kernelSize, options);
}

/**
 * The average of each window, as `F.avg_pool2d`.
 *
 * Shape: `[N, C, H, W]` or `[C, H, W]` gives `[N, C, Hout, Wout]` with
 * Hout = ⌊(H + 2·padding − kernelSize) / stride⌋ + 1, ⌈…⌉ in ceil mode.
 *
 * @throws OutOfRangeError if the padding is more than half of the kernel; ShapeError if the kernel does not fit the input.
 * @example
 * await ones([1, 2, 2]).avgPool2d(2, { padding: 1, stride: 2 }).toArray(); // [[[0.25, 0.25], [0.25, 0.25]]]
 */
export function avgPool2d(x: Tensor, kernelSize: PerAxis, options: AvgPoolOptions = {}): Tensor {
  return avgPoolNd(2, x, kernelSize, options);
}

/**
 * The average of each window of a volume, as `F.avg_pool3d`. See {@link avgPool2d}.
 *
 * Shape: `[N, C, D, H, W]` or `[C, D, H, W]` gives `[N, C, Dout, Hout, Wout]`.
 */
export function avgPool3d(x: Tensor, kernelSize: PerAxis, options: AvgPoolOptions = {}): Tensor {
  return avgPoolNd(3, x, kernelSize, options);
}
