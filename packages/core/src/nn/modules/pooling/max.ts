/**
 * Max pooling layers, and their inverse. What they compute is in `ops/pooling.ts` and `ops/unpooling.ts`.
 */
import type { Tensor } from '../../../graph/tensor.js';
import { checkOptions, perAxis, type PerAxis } from '../../../ops/arguments.js';
import { maxPool1d, maxPool2d, maxPool3d, type MaxPoolOptions } from '../../../ops/pooling.js';
import { maxUnpool1d, maxUnpool2d, maxUnpool3d } from '../../../ops/unpooling.js';
import { Module } from '../../module.js';
import { pyBool, pyTuple } from '../../python.js';

const OPTIONS = ['stride', 'padding', 'dilation', 'ceilMode'] satisfies (keyof MaxPoolOptions)[];

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
    checkOptions(layer, options, OPTIONS);
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

/**
 * The maximum of each window of a volume. See {@link MaxPool2d}.
 *
 * Shape: input `[N, C, D, H, W]` or `[C, D, H, W]`, output `[N, C, Dout, Hout, Wout]`.
 *
 * @example
 * new nn.MaxPool3d(2)(randn([2, 16, 8, 10, 12])).shape; // [2, 16, 4, 5, 6]
 */
export class MaxPool3d extends MaxPoolNd {
  constructor(kernelSize: PerAxis, options: MaxPoolOptions = {}) {
    super(3, kernelSize, options);
  }

  override forward(x: Tensor): Tensor {
    return maxPool3d(x, this.kernelSize, this.options);
  }
}

/** What unpooling layers take beside the kernel: the options of the pooling that they undo. */
export interface MaxUnpoolOptions {
  /** Default: the kernel's size. */
  stride?: PerAxis;
  /** Default 0. */
  padding?: PerAxis;
}

abstract class MaxUnpoolNd extends Module {
  readonly kernelSize: readonly number[];
  readonly stride: readonly number[];
  readonly padding: readonly number[];

  constructor(axes: number, kernelSize: PerAxis, options: MaxUnpoolOptions) {
    super();
    const layer = new.target.name;
    checkOptions(layer, options, ['stride', 'padding'] satisfies (keyof MaxUnpoolOptions)[]);
    this.kernelSize = perAxis(layer, 'kernelSize', kernelSize, axes, 1);
    this.stride = perAxis(layer, 'stride', options.stride ?? kernelSize, axes, 1);
    this.padding = perAxis(layer, 'padding', options.padding ?? 0, axes, 0);
  }

  protected optionsFor(outputSize: readonly number[] | undefined) {
    const { stride, padding } = this;
    return { stride, padding, ...(outputSize ? { outputSize } : {}) };
  }

  override extraRepr(): string {
    return `kernel_size=${pyTuple(this.kernelSize)}, stride=${pyTuple(this.stride)}, padding=${pyTuple(this.padding)}`;
  }
}

/**
 * Puts maxima back where they were along one axis. See {@link MaxUnpool2d}.
 *
 * Shape: input and indices `[N, C, L]` or `[C, L]`, output `[N, C, Lout]`.
 */
export class MaxUnpool1d extends MaxUnpoolNd {
  constructor(kernelSize: PerAxis, options: MaxUnpoolOptions = {}) {
    super(1, kernelSize, options);
  }

  override forward(x: Tensor, indices: Tensor, outputSize?: readonly number[]): Tensor {
    return maxUnpool1d(x, indices, this.kernelSize, this.optionsFor(outputSize));
  }
}

/**
 * Puts maxima back where they were, with zeros elsewhere: a partial inverse of {@link MaxPool2d}.
 *
 * When to use: in a decoder that mirrors an encoder (SegNet, DeconvNet).
 *
 * Shape: input and indices `[N, C, H, W]` or `[C, H, W]`, output `[N, C, Hout, Wout]` with
 * Hout = (H − 1)·stride − 2·padding + kernelSize. The third argument of the call asks for another size.
 *
 * @param kernelSize Cells of a window of the pooling.
 * @param options Those of the pooling: `stride` (default: the kernel's size), `padding` (0).
 * @throws ShapeError unless the indices have the input's shape; OutOfRangeError for indices outside the output.
 * @example
 * const { values, indices } = nn.functional.maxPool2dWithIndices(tensor([[[1, 2], [4, 3]]]), 2);
 * await new nn.MaxUnpool2d(2)(values, indices).toArray(); // [[[0, 0], [4, 0]]]
 */
export class MaxUnpool2d extends MaxUnpoolNd {
  constructor(kernelSize: PerAxis, options: MaxUnpoolOptions = {}) {
    super(2, kernelSize, options);
  }

  override forward(x: Tensor, indices: Tensor, outputSize?: readonly number[]): Tensor {
    return maxUnpool2d(x, indices, this.kernelSize, this.optionsFor(outputSize));
  }
}

/**
 * Puts maxima back where they were in volumes. See {@link MaxUnpool2d}.
 *
 * Shape: input and indices `[N, C, D, H, W]` or `[C, D, H, W]`, output `[N, C, Dout, Hout, Wout]`.
 */
export class MaxUnpool3d extends MaxUnpoolNd {
  constructor(kernelSize: PerAxis, options: MaxUnpoolOptions = {}) {
    super(3, kernelSize, options);
  }

  override forward(x: Tensor, indices: Tensor, outputSize?: readonly number[]): Tensor {
    return maxUnpool3d(x, indices, this.kernelSize, this.optionsFor(outputSize));
  }
}
