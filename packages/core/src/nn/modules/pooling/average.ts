/**
 * Layers that average windows, by the mean or by a power mean. What they compute is in `ops/pooling.ts` and
 * `ops/lp-pooling.ts`.
 */
import type { Tensor } from '../../../graph/tensor.js';
import { checkOptions, perAxis, type PerAxis } from '../../../ops/arguments.js';
import { lpPool1d, lpPool2d, type LPPoolOptions } from '../../../ops/lp-pooling.js';
import { avgPool1d, avgPool2d, avgPool3d, type AvgPoolOptions } from '../../../ops/pooling.js';
import { Module } from '../../module.js';
import { pyBool, pyTuple } from '../../python.js';
import { checkNumber } from '../factory.js';

const OPTIONS = [
  'stride',
  'padding',
  'ceilMode',
  'countIncludePad',
  'divisorOverride',
] satisfies (keyof AvgPoolOptions)[];

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
    checkOptions(layer, options, OPTIONS);
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

/**
 * The average of each window of a volume. See {@link AvgPool2d}.
 *
 * Shape: input `[N, C, D, H, W]` or `[C, D, H, W]`, output `[N, C, Dout, Hout, Wout]`.
 *
 * @example
 * new nn.AvgPool3d(2)(randn([2, 16, 8, 10, 12])).shape; // [2, 16, 4, 5, 6]
 */
export class AvgPool3d extends AvgPoolNd {
  constructor(kernelSize: PerAxis, options: AvgPoolOptions = {}) {
    super(3, kernelSize, options);
  }

  override forward(x: Tensor): Tensor {
    return avgPool3d(x, this.kernelSize, this.options);
  }
}

abstract class LPPoolNd extends Module {
  readonly stride: PerAxis | null;
  readonly ceilMode: boolean;

  constructor(
    axes: number,
    readonly normType: number,
    readonly kernelSize: PerAxis,
    options: LPPoolOptions,
  ) {
    super();
    const layer = new.target.name;
    checkOptions(layer, options, ['stride', 'ceilMode'] satisfies (keyof LPPoolOptions)[]);
    checkNumber(layer, 'normType', normType);
    perAxis(layer, 'kernelSize', kernelSize, axes, 1);
    this.stride = options.stride ?? null;
    this.ceilMode = options.ceilMode ?? false;
    if (this.stride !== null) perAxis(layer, 'stride', this.stride, axes, 1);
  }

  protected get options(): LPPoolOptions {
    return { ceilMode: this.ceilMode, ...(this.stride === null ? {} : { stride: this.stride }) };
  }

  override extraRepr(): string {
    return (
      `norm_type=${this.normType}, kernel_size=${pyTuple(this.kernelSize)}, stride=${pyTuple(this.stride)}, ` +
      `ceil_mode=${pyBool(this.ceilMode)}`
    );
  }
}

/**
 * (Σ xᵖ)^(1/p) of each window along one axis. See {@link LPPool2d}.
 *
 * Shape: input `[N, C, L]` or `[C, L]`, output `[N, C, Lout]`.
 *
 * @example
 * await new nn.LPPool1d(2, 2)(tensor([[3, 4]])).toArray(); // [[5]]
 */
export class LPPool1d extends LPPoolNd {
  constructor(normType: number, kernelSize: PerAxis, options: LPPoolOptions = {}) {
    super(1, normType, kernelSize, options);
  }

  override forward(x: Tensor): Tensor {
    return lpPool1d(x, this.normType, this.kernelSize, this.options);
  }
}

/**
 * (Σ xᵖ)^(1/p) of each window: p = 1 is the sum, a large p comes near the maximum. Where it is 0 the gradient is 0.
 *
 * Shape: input `[N, C, H, W]` or `[C, H, W]`, output `[N, C, Hout, Wout]` with
 * Hout = ⌊(H − kernelSize) / stride⌋ + 1, rounded up in ceil mode.
 *
 * @param normType The exponent p. Sums of negative numbers have no fractional power: NaN.
 * @param kernelSize Cells of a window: one number, or `[height, width]`.
 * @param options `stride` (default: the kernel's size), `ceilMode` (false).
 * @example
 * new nn.LPPool2d(2, 3, { stride: 2 })(rand([20, 16, 50, 32])).shape; // [20, 16, 24, 15]
 */
export class LPPool2d extends LPPoolNd {
  constructor(normType: number, kernelSize: PerAxis, options: LPPoolOptions = {}) {
    super(2, normType, kernelSize, options);
  }

  override forward(x: Tensor): Tensor {
    return lpPool2d(x, this.normType, this.kernelSize, this.options);
  }
}
