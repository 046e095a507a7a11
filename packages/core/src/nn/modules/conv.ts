/**
 * Convolution layers. What they compute is in `ops/convolution.ts`.
 */
import { OutOfRangeError } from '../../errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { checkOptions, perAxis, type PerAxis } from '../../ops/arguments.js';
import { conv1d, conv2d, conv3d, type ConvOptions } from '../../ops/convolution.js';
import { pad } from '../../ops/padding.js';
import type { Parameter } from '../../runtime/cell.js';
import { Module } from '../module.js';
import { pyTuple } from '../python.js';
import { checkCount, emptyParameter, type FactoryOptions } from './factory.js';
import { resetWeightAndBias } from './linear.js';

/** What padding is filled with: zeros, the input mirrored at its edge, the edge's cell, or the cells of the other end. */
export type PaddingMode = 'zeros' | 'reflect' | 'replicate' | 'circular';
const PADDING_MODES: readonly PaddingMode[] = ['zeros', 'reflect', 'replicate', 'circular'];

/** What convolution layers take beside channels and kernel. */
export interface ConvLayerOptions extends FactoryOptions {
  /** Step of the window. Default 1. */
  stride?: PerAxis;
  /** Cells added on both sides; 'valid' is none, 'same' keeps the input's size (stride 1 only). Default 0. */
  padding?: PerAxis | 'same' | 'valid';
  /** Distance between the cells that the kernel reads. Default 1. */
  dilation?: PerAxis;
  /** Input and output channels are split into so many independent convolutions. Default 1. */
  groups?: number;
  /** Whether it adds a bias. Default true. */
  bias?: boolean;
  /** What padding is filled with. Default 'zeros'. */
  paddingMode?: PaddingMode;
}

const OPTIONS = [
  'stride',
  'padding',
  'dilation',
  'groups',
  'bias',
  'dtype',
  'device',
] satisfies (keyof ConvLayerOptions)[];

/** What all convolution layers have in common: arguments, parameters, initialization and printing. */
export abstract class ConvNd extends Module {
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[] | 'same' | 'valid';
  readonly dilation: readonly number[];
  readonly outputPadding: readonly number[];
  readonly groups: number;
  readonly paddingMode: PaddingMode;
  weight: Parameter;
  bias: Parameter | null;

  constructor(
    axes: number,
    transposed: boolean,
    readonly inChannels: number,
    readonly outChannels: number,
    kernelSize: PerAxis,
    options: Omit<ConvLayerOptions, 'padding'> & { padding?: ConvLayerOptions['padding']; outputPadding?: PerAxis },
  ) {
    super();
    const layer = new.target.name;
    checkOptions(layer, options, [...OPTIONS, transposed ? 'outputPadding' : 'paddingMode']);
    const { padding = 0, groups = 1, bias = true, paddingMode = 'zeros' } = options;
    checkCount(layer, 'inChannels', inChannels, 1);
    checkCount(layer, 'outChannels', outChannels, 1);
    checkCount(layer, 'groups', groups, 1);
    for (const [name, channels] of [
      ['inChannels', inChannels],
      ['outChannels', outChannels],
    ] as const) {
      if (channels % groups !== 0)
        throw new OutOfRangeError(`${layer}: ${name} must be divisible by groups, got ${channels} and ${groups}`);
    }
    this.kernelSize = perAxis(layer, 'kernelSize', kernelSize, axes, 1);
    this.stride = perAxis(layer, 'stride', options.stride ?? 1, axes, 1);
    this.dilation = perAxis(layer, 'dilation', options.dilation ?? 1, axes, 1);
    this.outputPadding = perAxis(layer, 'outputPadding', options.outputPadding ?? 0, axes, 0);
    if (typeof padding !== 'string') {
      this.padding = perAxis(layer, 'padding', padding, axes, 0);
    } else if (transposed || (padding !== 'same' && padding !== 'valid')) {
      throw new OutOfRangeError(
        `${layer}: padding is a number${transposed ? ' or an array' : `, an array, 'same' or 'valid'`}; got '${String(padding)}'`,
      );
    } else if (padding === 'same' && this.stride.some((n) => n !== 1)) {
      throw new OutOfRangeError(
        `${layer}: padding 'same' needs stride 1, got [${this.stride.join(', ')}]. Give the padding in numbers.`,
      );
    } else {
      this.padding = padding;
    }
    if (!PADDING_MODES.includes(paddingMode)) {
      throw new OutOfRangeError(
        `${layer}: paddingMode is one of ${PADDING_MODES.join(', ')}; got '${String(paddingMode)}'`,
      );
    }
    this.groups = groups;
    this.paddingMode = paddingMode;
    const [first, second] = transposed ? [inChannels, outChannels] : [outChannels, inChannels];
    this.weight = emptyParameter(layer, [first, second / groups, ...this.kernelSize], options);
    this.bias = bias ? emptyParameter(layer, [outChannels], options) : null;
    this.resetParameters();
  }

  /** Draws the parameters anew. */
  resetParameters(): void {
    resetWeightAndBias(this.weight, this.bias);
  }

  /** The convolution's options; padding that is not of zeros has been done before. */
  protected convOptions(): ConvOptions {
    const { stride, padding, dilation, groups } = this;
    return { stride, dilation, groups, padding: this.paddingMode === 'zeros' ? padding : 0 };
  }

  /** The input with padding that is not of zeros. */
  protected padded(x: Tensor): Tensor {
    const { padding, paddingMode } = this;
    if (paddingMode === 'zeros' || padding === 'valid') return x;
    const pairs = this.kernelSize.map((k, i): [number, number] => {
      if (padding !== 'same') return [padding[i], padding[i]];
      const total = this.dilation[i] * (k - 1);
      return [Math.floor(total / 2), Math.ceil(total / 2)];
    });
    return pad(x, pairs.reverse().flat(), { mode: paddingMode });
  }

  override extraRepr(): string {
    const { padding, dilation, outputPadding, groups, bias, paddingMode } = this;
    const zeros = (list: readonly number[]): boolean => list.every((n) => n === 0);
    return [
      `${this.inChannels}, ${this.outChannels}, kernel_size=${pyTuple(this.kernelSize)}, stride=${pyTuple(this.stride)}`,
      ...(typeof padding !== 'string' && zeros(padding) ? [] : [`padding=${pyTuple(padding)}`]),
      ...(dilation.every((n) => n === 1) ? [] : [`dilation=${pyTuple(dilation)}`]),
      ...(zeros(outputPadding) ? [] : [`output_padding=${pyTuple(outputPadding)}`]),
      ...(groups === 1 ? [] : [`groups=${groups}`]),
      ...(bias ? [] : ['bias=False']),
      ...(paddingMode === 'zeros' ? [] : [`padding_mode=${paddingMode}`]),
    ].join(', ');
  }
}

/**
 * Convolution along one axis. See {@link Conv2d}.
 *
 * Shape: input `[N, inChannels, L]` or `[inChannels, L]`, output `[N, outChannels, Lout]` with
 * Lout = ⌊(L + 2·padding − dilation·(kernelSize − 1) − 1) / stride⌋ + 1.
 *
 * Parameters: `weight` `[outChannels, inChannels / groups, kernelSize]`, `bias` `[outChannels]`.
 *
 * @example
 * const layer = new nn.Conv1d(16, 33, 3, { stride: 2 });
 * layer(randn([20, 16, 50])).shape; // [20, 33, 24]
 */
export class Conv1d extends ConvNd {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvLayerOptions = {}) {
    super(1, false, inChannels, outChannels, kernelSize, options);
  }

  override forward(x: Tensor): Tensor {
    return conv1d(this.padded(x), this.weight, this.bias, this.convOptions());
  }
}

/**
 * Convolution of images (cross-correlation):
 * out[n, o] = bias[o] + Σ over c of weight[o, c] ⋆ input[n, c].
 *
 * Shape: input `[N, inChannels, H, W]` or `[inChannels, H, W]`, output `[N, outChannels, Hout, Wout]` with
 * Hout = ⌊(H + 2·padding − dilation·(kernelSize − 1) − 1) / stride⌋ + 1.
 *
 * Parameters: `weight` `[outChannels, inChannels / groups, kernelSize, kernelSize]` and `bias` `[outChannels]`, both from
 * U(−√k, √k) with k = groups / (inChannels · kernel cells).
 *
 * @param inChannels Channels of the input.
 * @param outChannels Channels of the output.
 * @param kernelSize Cells of the kernel: one number, or `[height, width]`.
 * @throws OutOfRangeError for channels that groups do not divide, or sizes that are no whole numbers.
 * @example
 * const layer = new nn.Conv2d(16, 33, [3, 5], { stride: [2, 1], padding: [4, 2] });
 * layer(randn([20, 16, 50, 100])).shape; // [20, 33, 28, 100]
 */
export class Conv2d extends ConvNd {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvLayerOptions = {}) {
    super(2, false, inChannels, outChannels, kernelSize, options);
  }

  override forward(x: Tensor): Tensor {
    return conv2d(this.padded(x), this.weight, this.bias, this.convOptions());
  }
}

/**
 * Convolution of volumes. See {@link Conv2d}.
 *
 * Shape: input `[N, inChannels, D, H, W]` or `[inChannels, D, H, W]`, output `[N, outChannels, Dout, Hout, Wout]`.
 *
 * Parameters: `weight` `[outChannels, inChannels / groups, ...kernelSize]`, `bias` `[outChannels]`.
 *
 * @example
 * const layer = new nn.Conv3d(4, 6, 3, { padding: 1 });
 * layer(randn([2, 4, 5, 6, 7])).shape; // [2, 6, 5, 6, 7]
 */
export class Conv3d extends ConvNd {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvLayerOptions = {}) {
    super(3, false, inChannels, outChannels, kernelSize, options);
  }

  override forward(x: Tensor): Tensor {
    return conv3d(this.padded(x), this.weight, this.bias, this.convOptions());
  }
}
