/**
 * Convolution in one to three spatial axes, and its transpose. Cross-correlation, channels first, as PyTorch's.
 *
 * `conv`, `convInputGrad` and `convWeightGrad` are the three ways to leave one factor out of the trilinear form
 * Σ g·conv(x, w), so each is the gradient of the others: derivatives of any order stay among them.
 */
import { DTypeError, OutOfRangeError, ShapeError } from '../errors.js';
import { checkTensor, record1 } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { formatAval, sameShape, type Aval } from '../shape.js';
import { checkOptions, perAxis, type PerAxis } from './arguments.js';
import { checkFloat } from './common.js';
import { composed } from './compose.js';
import { defineOp, type Op } from './def.js';
import { SIZES } from './spatial.js';

export type { PerAxis } from './arguments.js';

type ConvAttrs = {
  readonly stride: readonly number[];
  /** Before and after, an axis. */
  readonly padding: readonly (readonly [number, number])[];
  readonly dilation: readonly number[];
  readonly groups: number;
};

const shared = ({ stride, padding, dilation, groups }: ConvAttrs): ConvAttrs => ({ stride, padding, dilation, groups });

const conv: Op<ConvAttrs> = defineOp<ConvAttrs>({
  name: 'conv',
  jacobian: 'product',
  infer: ([x, w], attrs) => [{ shape: outputShape(`conv${w.shape.length - 2}d`, x, w, attrs), dtype: x.dtype }],
  vjp: {
    reads: { inputs: [0, 1] },
    backward: ({ gradient: g, inputs: [x, w], attrs, needs }) => [
      needs[0] ? inputGrad(g, w, attrs, x.shape.slice(2)) : null,
      needs[1] ? weightGrad(x, g, attrs, w.shape.slice(2)) : null,
    ],
  },
});

const convInputGrad: Op<ConvAttrs & { readonly inputSize: readonly number[] }> = defineOp({
  name: 'convInputGrad',
  jacobian: 'product',
  infer([g, w], attrs) {
    const x: Aval = { shape: [g.shape[0], w.shape[1] * attrs.groups, ...attrs.inputSize], dtype: w.dtype };
    checkOutput('convInputGrad', g, outputShape('convInputGrad', x, w, attrs));
    return [x];
  },
  vjp: {
    reads: { inputs: [0, 1] },
    backward: ({ gradient: v, inputs: [g, w], attrs, needs }) => [
      needs[0] ? record1(conv, [v, w], shared(attrs)) : null,
      needs[1] ? weightGrad(v, g, attrs, w.shape.slice(2)) : null,
    ],
  },
});

const convWeightGrad: Op<ConvAttrs & { readonly kernelSize: readonly number[] }> = defineOp({
  name: 'convWeightGrad',
  infer([x, g], attrs) {
    const w: Aval = { shape: [g.shape[1], x.shape[1] / attrs.groups, ...attrs.kernelSize], dtype: x.dtype };
    checkOutput('convWeightGrad', g, outputShape('convWeightGrad', x, w, attrs));
    return [w];
  },
  vjp: {
    reads: { inputs: [0, 1] },
    backward: ({ gradient: v, inputs: [x, g], attrs, needs }) => [
      needs[0] ? inputGrad(g, v, attrs, x.shape.slice(2)) : null,
      needs[1] ? record1(conv, [x, v], shared(attrs)) : null,
    ],
  },
});

function inputGrad(g: Tensor, w: Tensor, attrs: ConvAttrs, inputSize: readonly number[]): Tensor {
  return record1(convInputGrad, [g, w], { ...shared(attrs), inputSize });
}

function weightGrad(x: Tensor, g: Tensor, attrs: ConvAttrs, kernelSize: readonly number[]): Tensor {
  return record1(convWeightGrad, [x, g], { ...shared(attrs), kernelSize });
}

function checkOutput(op: string, g: Aval, shape: readonly number[]): void {
  if (!sameShape(g.shape, shape)) {
    throw new ShapeError(`${op}: expected a gradient [${shape.join(',')}] of the output, got ${formatAval(g)}`);
  }
}

function checkDTypes(op: string, x: Aval, w: Aval): void {
  checkFloat(op, [x]);
  if (x.dtype !== w.dtype) {
    throw new DTypeError(
      `${op}: expected input and weight of one dtype, got ${formatAval(x)} and ${formatAval(w)}. ` +
        `Convert the input with x.to('${w.dtype}').`,
    );
  }
}

function checkRanks(op: string, x: Aval, w: Aval, weightAxes: string, axes: number): void {
  if (w.shape.length !== axes + 2) {
    throw new ShapeError(`${op}: expected a weight of ${axes + 2} axes, [${weightAxes}], got ${formatAval(w)}`);
  }
  if (x.shape.length !== axes + 2 && x.shape.length !== axes + 1) {
    throw new ShapeError(
      `${op}: expected a batch [N, C, ${SIZES[axes]}] or one sample [C, ${SIZES[axes]}], got ${formatAval(x)} ` +
        `(weight is ${formatAval(w)}). Add axes with x.unsqueeze(dim), or reshape.`,
    );
  }
}

/** What to do about a wrong number of channels. */
function channelRemedy(x: Aval, axes: number, expected: number): string {
  const last = x.shape.length - 1;
  if (x.shape[last] === expected && x.shape.length === axes + 2) {
    const dims = [0, last, ...Array.from({ length: axes }, (_, i) => i + 1)];
    return `Channels come first here; if yours are last: x.permute([${dims.join(', ')}]).`;
  }
  if (x.shape.length === axes + 1 && expected === 1)
    return 'For a batch of images without a channel axis: x.unsqueeze(1).';
  const actual = x.shape[last - axes];
  if (actual === 1) return `Repeat the channel with x.expand, or make the layer for 1 input channel.`;
  return `Make the layer for ${actual} input channels, or select the channels with x.narrow.`;
}

/** The shape of conv(x, w), batched or not, or an error. */
function outputShape(op: string, x: Aval, w: Aval, { stride, padding, dilation, groups }: ConvAttrs): number[] {
  const axes = w.shape.length - 2;
  checkDTypes(op, x, w);
  checkRanks(op, x, w, `outChannels, inChannels / groups, ${SIZES[axes]}`, axes);
  const spatial = x.shape.length - axes;
  const channels = w.shape[1] * groups;
  if (x.shape[spatial - 1] !== channels) {
    throw new ShapeError(
      `${op}: expected input with ${channels} channel${channels === 1 ? '' : 's'} (weight is ${formatAval(w)}${groups > 1 ? `, ${groups} groups` : ''}), ` +
        `got ${formatAval(x)}. ${channelRemedy(x, axes, channels)}`,
    );
  }
  if (w.shape[0] % groups !== 0) {
    throw new ShapeError(
      `${op}: ${groups} groups must divide the ${w.shape[0]} output channels (weight is ${formatAval(w)})`,
    );
  }
  const size = x.shape.slice(spatial).map((n, i) => {
    const padded = n + padding[i][0] + padding[i][1];
    const reach = dilation[i] * (w.shape[i + 2] - 1) + 1;
    if (padded < reach || w.shape[i + 2] === 0) {
      throw new ShapeError(
        `${op}: the kernel spans ${reach} cells, the input ${padded} with its padding, along axis ${spatial + i} of ` +
          `${formatAval(x)} (weight is ${formatAval(w)}). Add padding, or use a smaller kernel or less downsampling before.`,
      );
    }
    return Math.floor((padded - reach) / stride[i]) + 1;
  });
  return [...x.shape.slice(0, spatial - 1), w.shape[0], ...size];
}

/** What the functions below take beside their tensors. */
export interface ConvOptions {
  /** Step of the window. Default 1. */
  stride?: PerAxis;
  /**
   * Zeros around the input, on both sides; 'valid' is none, 'same' gives an output of the input's size (stride 1 only;
   * an odd total puts the extra zero after). Default 0.
   */
  padding?: PerAxis | 'same' | 'valid';
  /** Distance between the cells that the kernel reads. Default 1. */
  dilation?: PerAxis;
  /** Input and output channels are split into so many independent convolutions. Default 1. */
  groups?: number;
}

function checkGroups(op: string, groups: number): void {
  if (!Number.isInteger(groups) || groups < 1) {
    throw new OutOfRangeError(`${op}: groups is a whole number of at least 1, got ${groups}`);
  }
}

function attrsOf(op: string, axes: number, kernel: readonly number[], options: ConvOptions): ConvAttrs {
  checkOptions(op, options, ['stride', 'padding', 'dilation', 'groups'] satisfies (keyof ConvOptions)[]);
  const { padding = 0, groups = 1 } = options;
  checkGroups(op, groups);
  const stride = perAxis(op, 'stride', options.stride ?? 1, axes, 1);
  const dilation = perAxis(op, 'dilation', options.dilation ?? 1, axes, 1);
  if (typeof padding !== 'string') {
    return { stride, dilation, groups, padding: perAxis(op, 'padding', padding, axes, 0).map((n) => [n, n]) };
  }
  if (padding !== 'same' && padding !== 'valid') {
    throw new OutOfRangeError(`${op}: padding is a number, an array, 'same' or 'valid'; got '${String(padding)}'`);
  }
  if (padding === 'same' && stride.some((n) => n !== 1)) {
    throw new OutOfRangeError(
      `${op}: padding 'same' needs stride 1, got [${stride.join(', ')}]. Give the padding in numbers, such as ` +
        `Math.floor(kernelSize / 2).`,
    );
  }
  const pairs = kernel.map((k, i): [number, number] => {
    const total = padding === 'same' ? dilation[i] * (k - 1) : 0;
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  });
  return { stride, dilation, groups, padding: pairs };
}

function checkBias(op: string, bias: Tensor, channels: number, w: Tensor): void {
  if (!sameShape(bias.shape, [channels])) {
    throw new ShapeError(`${op}: expected a bias [${channels}] (weight is ${formatAval(w)}), got ${formatAval(bias)}`);
  }
}

function addBias(y: Tensor, bias: Tensor | null | undefined, axes: number): Tensor {
  return bias ? y.add(bias.reshape([1, bias.shape[0], ...new Array<number>(axes).fill(1)])) : y;
}

function convNd(axes: number, x: Tensor, w: Tensor, bias: Tensor | null | undefined, options: ConvOptions): Tensor {
  const op = `conv${axes}d`;
  checkTensor(op, x);
  checkTensor(op, w);
  const attrs = attrsOf(op, axes, w.shape.slice(2), options);
  checkRanks(op, x, w, `outChannels, inChannels / groups, ${SIZES[axes]}`, axes);
  if (bias) checkBias(op, bias, w.shape[0], w);
  if (x.ndim === axes + 2) return composed(() => addBias(record1(conv, [x, w], attrs), bias, axes));
  const shape = outputShape(op, x, w, attrs);
  return composed(() => addBias(record1(conv, [x.reshape([1, ...x.shape]), w], attrs), bias, axes).reshape(shape));
}

/**
 * Convolution along one axis, as `F.conv1d`. See {@link conv2d}.
 *
 * Shape: x `[N, C, L]` or `[C, L]`, weight `[O, C/groups, K]`, bias `[O]` give `[N, O, Lout]`.
 */
export function conv1d(x: Tensor, weight: Tensor, bias?: Tensor | null, options: ConvOptions = {}): Tensor {
  return convNd(1, x, weight, bias, options);
}

/**
 * Convolution of images (cross-correlation), as `F.conv2d`:
 *
 * out[n, o, i, j] = bias[o] + Σ over c, p, q of weight[o, c, p, q] · x[n, c, i·stride + p·dilation − padding, …]
 *
 * Shape: x `[N, C, H, W]` or `[C, H, W]`, weight `[O, C/groups, KH, KW]`, bias `[O]` give `[N, O, Hout, Wout]` with
 * Hout = ⌊(H + 2·padding − dilation·(KH − 1) − 1) / stride⌋ + 1.
 *
 * @throws ShapeError if the channels do not fit the weight, or the kernel not the padded input.
 * @example
 * const y = conv2d(ones([1, 1, 4, 4]), ones([1, 1, 3, 3]), null, { padding: 1 });
 * y.shape; // [1, 1, 4, 4]
 */
export function conv2d(x: Tensor, weight: Tensor, bias?: Tensor | null, options: ConvOptions = {}): Tensor {
  return convNd(2, x, weight, bias, options);
}

/**
 * Convolution of volumes, as `F.conv3d`. See {@link conv2d}.
 *
 * Shape: x `[N, C, D, H, W]` or `[C, D, H, W]`, weight `[O, C/groups, KD, KH, KW]` give `[N, O, Dout, Hout, Wout]`.
 */
export function conv3d(x: Tensor, weight: Tensor, bias?: Tensor | null, options: ConvOptions = {}): Tensor {
  return convNd(3, x, weight, bias, options);
}

/** What transposed convolutions take beside their tensors: stride, padding, dilation and groups of their forward. */
export interface ConvTransposeOptions {
  /** Distance at which input cells are put apart in the output. Default 1. */
  stride?: PerAxis;
  /** Cells cut off the output on both sides. Default 0. */
  padding?: PerAxis;
  /** Cells added to the output after: which of the sizes that the forward maps to the input's is meant. Default 0. */
  outputPadding?: PerAxis;
  dilation?: PerAxis;
  groups?: number;
}

function convTransposeNd(
  axes: number,
  x: Tensor,
  w: Tensor,
  bias: Tensor | null | undefined,
  options: ConvTransposeOptions,
): Tensor {
  const op = `convTranspose${axes}d`;
  checkTensor(op, x);
  checkTensor(op, w);
  checkOptions(op, options, [
    'stride',
    'padding',
    'outputPadding',
    'dilation',
    'groups',
  ] satisfies (keyof ConvTransposeOptions)[]);
  const { groups = 1 } = options;
  checkGroups(op, groups);
  const stride = perAxis(op, 'stride', options.stride ?? 1, axes, 1);
  const dilation = perAxis(op, 'dilation', options.dilation ?? 1, axes, 1);
  const cut = perAxis(op, 'padding', options.padding ?? 0, axes, 0);
  const extra = perAxis(op, 'outputPadding', options.outputPadding ?? 0, axes, 0);
  checkDTypes(op, x, w);
  checkRanks(op, x, w, `inChannels, outChannels / groups, ${SIZES[axes]}`, axes);
  const spatial = x.ndim - axes;
  if (x.shape[spatial - 1] !== w.shape[0]) {
    throw new ShapeError(
      `${op}: expected input with ${w.shape[0]} channel${w.shape[0] === 1 ? '' : 's'} (weight is ${formatAval(w)}, input channels first), ` +
        `got ${formatAval(x)}. ${channelRemedy(x, axes, w.shape[0])}`,
    );
  }
  if (w.shape[0] % groups !== 0) {
    throw new ShapeError(
      `${op}: ${groups} groups must divide the ${w.shape[0]} input channels (weight is ${formatAval(w)})`,
    );
  }
  if (bias) checkBias(op, bias, w.shape[1] * groups, w);
  const inputSize = x.shape.slice(spatial).map((n, i) => {
    if (extra[i] >= stride[i] && extra[i] >= dilation[i]) {
      throw new OutOfRangeError(
        `${op}: outputPadding must be smaller than stride or dilation, got [${extra.join(', ')}] with stride ` +
          `[${stride.join(', ')}] and dilation [${dilation.join(', ')}]`,
      );
    }
    const size = (n - 1) * stride[i] - 2 * cut[i] + dilation[i] * (w.shape[i + 2] - 1) + extra[i] + 1;
    if (size < 1) {
      throw new ShapeError(
        `${op}: the output of ${formatAval(x)} would have ${size} cells along an axis (weight is ${formatAval(w)}, ` +
          `padding [${cut.join(', ')}] is cut off it). Use less padding.`,
      );
    }
    return size;
  });
  // Extra cells that the forward would count as one more window count as negative padding.
  const padding = cut.map((n, i): [number, number] => [n, extra[i] < stride[i] ? n : n - extra[i]]);
  const attrs = { stride, padding, dilation, groups };
  return composed(() => {
    if (x.ndim === axes + 2) return addBias(inputGrad(x, w, attrs, inputSize), bias, axes);
    const y = addBias(inputGrad(x.reshape([1, ...x.shape]), w, attrs, inputSize), bias, axes);
    return y.reshape(y.shape.slice(1));
  });
}

/**
 * Transposed convolution along one axis, as `F.conv_transpose1d`. See {@link convTranspose2d}.
 *
 * Shape: x `[N, C, L]` or `[C, L]`, weight `[C, O/groups, K]`, bias `[O]` give `[N, O, Lout]`.
 */
export function convTranspose1d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options: ConvTransposeOptions = {},
): Tensor {
  return convTransposeNd(1, x, weight, bias, options);
}

/**
 * Transposed convolution, as `F.conv_transpose2d`: the gradient of a convolution to its input, which maps the output's
 * size back to the input's. For upsampling.
 *
 * Shape: x `[N, C, H, W]` or `[C, H, W]`, weight `[C, O/groups, KH, KW]`, bias `[O]` give `[N, O, Hout, Wout]` with
 * Hout = (H − 1)·stride − 2·padding + dilation·(KH − 1) + outputPadding + 1.
 *
 * @throws ShapeError if the channels do not fit the weight; OutOfRangeError unless outputPadding is smaller than the stride
 *   or the dilation.
 * @example
 * const y = convTranspose2d(ones([1, 1, 2, 2]), ones([1, 1, 2, 2]), null, { stride: 2 });
 * y.shape; // [1, 1, 4, 4]
 */
export function convTranspose2d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options: ConvTransposeOptions = {},
): Tensor {
  return convTransposeNd(2, x, weight, bias, options);
}

/**
 * Transposed convolution of volumes, as `F.conv_transpose3d`. See {@link convTranspose2d}.
 *
 * Shape: x `[N, C, D, H, W]` or `[C, D, H, W]`, weight `[C, O/groups, KD, KH, KW]`, bias `[O]` give
 * `[N, O, Dout, Hout, Wout]`.
 */
export function convTranspose3d(
  x: Tensor,
  weight: Tensor,
  bias?: Tensor | null,
  options: ConvTransposeOptions = {},
): Tensor {
  return convTransposeNd(3, x, weight, bias, options);
}
