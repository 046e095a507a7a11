/**
 * Pooling layers. What they compute is in `ops/pooling.ts`.
 */
import type { Tensor } from '../../graph/tensor.js';
import { checkOptions, perAxis, type PerAxis } from '../../ops/arguments.js';
import {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  avgPool1d,
  avgPool2d,
  maxPool1d,
  maxPool2d,
  type AvgPoolOptions,
  type MaxPoolOptions,
} from '../../ops/pooling.js';
import { Module } from '../module.js';
import { pyBool, pyTuple } from '../python.js';

const MAX_OPTIONS = ['stride', 'padding', 'dilation', 'ceilMode'] satisfies (keyof MaxPoolOptions)[];
const AVG_OPTIONS = [
  'stride',
  'padding',
  'ceilMode',
  'countIncludePad',
  'divisorOverride',
] satisfies (keyof AvgPoolOptions)[];

abstract class MaxPoolNd extends Module {
  readonly stride: PerAxis;
  readonly padding: PerAxis;
  readonly dilation: PerAxis;
  readonly ceilMode: boolean;

  constructor(
    axes: number,
    readonly kernelSize: PerAxis,
    options: MaxPoolOptions,
  ) {
    super();
    const layer = new.target.name;
    checkOptions(layer, options, MAX_OPTIONS);
    perAxis(layer, 'kernelSize', kernelSize, axes, 1);
    this.stride = options.stride ?? kernelSize;
    this.padding = options.padding ?? 0;
    this.dilation = options.dilation ?? 1;
    this.ceilMode = options.ceilMode ?? false;
    perAxis(layer, 'stride', this.stride, axes, 1);
    perAxis(layer, 'padding', this.padding, axes, 0);
    perAxis(layer, 'dilation', this.dilation, axes, 1);
  }

  protected get options(): MaxPoolOptions {
    const { stride, padding, dilation, ceilMode } = this;
    return { stride, padding, dilation, ceilMode };
  }

  override extraRepr(): string {
    return (
      `kernel_size=${pyTuple(this.kernelSize)}, stride=${pyTuple(this.stride)}, padding=${pyTuple(this.padding)}, ` +
      `dilation=${pyTuple(this.dilation)}, ceil_mode=${pyBool(this.ceilMode)}`
    );
  }
}

/**
 * The maximum of each window along one axis. See {@link MaxPool2d}.
 *
 * Shape: input `[N, C, L]` or `[C, L]`, output `[N, C, Lout]`.
 *
 * @example
 * new nn.MaxPool1d(3, { stride: 2 })(randn([20, 16, 50])).shape; // [20, 16, 24]
 */
export class MaxPool1d extends MaxPoolNd {
  constructor(kernelSize: PerAxis, options: MaxPoolOptions = {}) {
    super(1, kernelSize, options);
  }

  override forward(x: Tensor): Tensor {
    return maxPool1d(x, this.kernelSize, this.options);
  }
}

/**
 * The maximum of each window. Its gradient goes to the first maximum of the window.
 *
 * Shape: input `[N, C, H, W]` or `[C, H, W]`, output `[N, C, Hout, Wout]` with
 * Hout = ⌊(H + 2·padding − dilation·(kernelSize − 1) − 1) / stride⌋ + 1, rounded up in ceil mode.
 *
 * @param kernelSize Cells of a window: one number, or `[height, width]`.
 * @param options `stride` (default: the kernel's size), `padding` (0), `dilation` (1), `ceilMode` (false). For the
 *   indices of the maxima, call `maxPool2dWithIndices`.
 * @example
 * new nn.MaxPool2d(3, { stride: 2 })(randn([20, 16, 50, 32])).shape; // [20, 16, 24, 15]
 */
export class MaxPool2d extends MaxPoolNd {
  constructor(kernelSize: PerAxis, options: MaxPoolOptions = {}) {
    super(2, kernelSize, options);
  }

  override forward(x: Tensor): Tensor {
    return maxPool2d(x, this.kernelSize, this.options);
  }
}

abstract class AvgPoolNd extends Module {
  readonly stride: PerAxis;
  readonly padding: PerAxis;
  readonly ceilMode: boolean;
  readonly countIncludePad: boolean;
  readonly divisorOverride: number | undefined;

  constructor(
    axes: number,
    readonly kernelSize: PerAxis,
    options: AvgPoolOptions,
  ) {
    super();
    const layer = new.target.name;
    checkOptions(layer, options, AVG_OPTIONS);
    perAxis(layer, 'kernelSize', kernelSize, axes, 1);
    this.stride = options.stride ?? kernelSize;
    this.padding = options.padding ?? 0;
    this.ceilMode = options.ceilMode ?? false;
    this.countIncludePad = options.countIncludePad ?? true;
    this.divisorOverride = options.divisorOverride;
    perAxis(layer, 'stride', this.stride, axes, 1);
    perAxis(layer, 'padding', this.padding, axes, 0);
  }

  protected get options(): AvgPoolOptions {
    const { stride, padding, ceilMode, countIncludePad, divisorOverride } = this;
    return {
      stride,
      padding,
      ceilMode,
      countIncludePad,
      ...(divisorOverride === undefined ? {} : { divisorOverride }),
    };
  }

  override extraRepr(): string {
    return `kernel_size=${pyTuple(this.kernelSize)}, stride=${pyTuple(this.stride)}, padding=${pyTuple(this.padding)}`;
  }
}

/**
 * The average of each window along one axis. See {@link AvgPool2d}.
 *
 * Shape: input `[N, C, L]` or `[C, L]`, output `[N, C, Lout]`.
 *
 * @example
 * new nn.AvgPool1d(3, { stride: 2 })(randn([20, 16, 50])).shape; // [20, 16, 24]
 */
export class AvgPool1d extends AvgPoolNd {
  constructor(kernelSize: PerAxis, options: Omit<AvgPoolOptions, 'divisorOverride'> = {}) {
    super(1, kernelSize, options);
  }

  override forward(x: Tensor): Tensor {
    return avgPool1d(x, this.kernelSize, this.options);
  }

  // PyTorch keeps the sizes of this one, and of no other pooling layer, as tuples.
  override extraRepr(): string {
    const tuple = (value: PerAxis): string => pyTuple(typeof value === 'number' ? [value] : value);
    return `kernel_size=${tuple(this.kernelSize)}, stride=${tuple(this.stride)}, padding=${tuple(this.padding)}`;
  }
}

/**
 * The average of each window.
 *
 * Shape: input `[N, C, H, W]` or `[C, H, W]`, output `[N, C, Hout, Wout]` with
 * Hout = ⌊(H + 2·padding − kernelSize) / stride⌋ + 1, rounded up in ceil mode.
 *
 * @param kernelSize Cells of a window: one number, or `[height, width]`.
 * @param options `stride` (default: the kernel's size), `padding` (0), `ceilMode` (false), `countIncludePad` (true),
 *   `divisorOverride`.
 * @example
 * new nn.AvgPool2d(2)(randn([20, 16, 50, 32])).shape; // [20, 16, 25, 16]
 */
export class AvgPool2d extends AvgPoolNd {
  constructor(kernelSize: PerAxis, options: AvgPoolOptions = {}) {
    super(2, kernelSize, options);
  }

  override forward(x: Tensor): Tensor {
    return avgPool2d(x, this.kernelSize, this.options);
  }
}

/** Output sizes of adaptive pooling; null keeps the input's. */
export type OutputSize = number | null | readonly (number | null)[];

abstract class AdaptivePoolNd extends Module {
  constructor(
    axes: number,
    readonly outputSize: OutputSize,
  ) {
    super();
    const sizes = (Array.isArray(outputSize) ? outputSize : new Array<OutputSize>(axes).fill(outputSize)) as unknown[];
    perAxis(new.target.name, 'outputSize', sizes.map((n) => n ?? 0) as number[], axes, 0);
  }

  override extraRepr(): string {
    return `output_size=${pyTuple(this.outputSize)}`;
  }
}

/**
 * Averages of as many windows as the output has cells, along one axis. See {@link AdaptiveAvgPool2d}.
 *
 * Shape: input `[N, C, L]` or `[C, L]`, output `[N, C, outputSize]`.
 *
 * @example
 * new nn.AdaptiveAvgPool1d(5)(randn([1, 64, 8])).shape; // [1, 64, 5]
 */
export class AdaptiveAvgPool1d extends AdaptivePoolNd {
  constructor(outputSize: number) {
    super(1, outputSize);
  }

  override forward(x: Tensor): Tensor {
    return adaptiveAvgPool1d(x, this.outputSize);
  }
}

/**
 * Averages of as many windows as the output has cells, whatever the input's size: output cell i averages the input
 * cells from ⌊i·H/Hout⌋ to ⌈(i + 1)·H/Hout⌉.
 *
 * Shape: input `[N, C, H, W]` or `[C, H, W]`, output `[N, C, ...outputSize]`.
 *
 * @param outputSize One number, or `[height, width]`; null keeps the input's size.
 * @example
 * new nn.AdaptiveAvgPool2d([5, null])(randn([1, 64, 8, 9])).shape; // [1, 64, 5, 9]
 */
export class AdaptiveAvgPool2d extends AdaptivePoolNd {
  constructor(outputSize: OutputSize) {
    super(2, outputSize);
  }

  override forward(x: Tensor): Tensor {
    return adaptiveAvgPool2d(x, this.outputSize);
  }
}

/**
 * Maxima of as many windows as the output has cells. See {@link AdaptiveAvgPool2d}.
 *
 * Shape: input `[N, C, H, W]` or `[C, H, W]`, output `[N, C, ...outputSize]`.
 *
 * @param outputSize One number, or `[height, width]`; null keeps the input's size.
 * @example
 * new nn.AdaptiveMaxPool2d(7)(randn([1, 64, 10, 9])).shape; // [1, 64, 7, 7]
 */
export class AdaptiveMaxPool2d extends AdaptivePoolNd {
  constructor(outputSize: OutputSize) {
    super(2, outputSize);
  }

  override forward(x: Tensor): Tensor {
    return adaptiveMaxPool2d(x, this.outputSize);
  }
}
