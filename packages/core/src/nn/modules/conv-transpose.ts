/**
 * Transposed convolution layers. What they compute is in `ops/convolution.ts`.
 */
import { ShapeError } from '../../errors.js';
import type { Tensor } from '../../graph/tensor.js';
import type { PerAxis } from '../../ops/arguments.js';
import { convTranspose1d, convTranspose2d, convTranspose3d } from '../../ops/convolution.js';
import { formatAval } from '../../shape.js';
import { ConvNd, type ConvLayerOptions } from './conv.js';

/** What transposed convolution layers take beside channels and kernel. */
export interface ConvTransposeLayerOptions extends Omit<ConvLayerOptions, 'padding' | 'paddingMode'> {
  /** Cells cut off the output on both sides. Default 0. */
  padding?: PerAxis;
  /** Cells added to the output after. Default 0. */
  outputPadding?: PerAxis;
}

/** What transposed convolutions have in common: the output's size may be asked for. */
abstract class ConvTransposeNd extends ConvNd {
  constructor(
    private readonly axes: number,
    inChannels: number,
    outChannels: number,
    kernelSize: PerAxis,
    options: ConvTransposeLayerOptions,
  ) {
    super(axes, true, inChannels, outChannels, kernelSize, options);
  }

  protected transposeOptions(x: Tensor, outputSize?: readonly number[]) {
    const { stride, dilation, groups } = this;
    const padding = this.padding as readonly number[];
    const outputPadding = outputSize ? this.outputPaddingFor(x, outputSize, padding) : this.outputPadding;
    return { stride, padding, dilation, groups, outputPadding };
  }

  /** Several sizes map to one under the forward convolution: how many cells more than the smallest is `outputSize`? */
  private outputPaddingFor(x: Tensor, outputSize: readonly number[], padding: readonly number[]): number[] {
    const layer = this.constructor.name;
    const { axes, stride, dilation, kernelSize } = this;
    const wanted = outputSize.length === x.ndim ? outputSize.slice(-axes) : outputSize;
    if (wanted.length !== axes) {
      throw new ShapeError(`${layer}: outputSize has ${axes} or ${axes + 2} sizes, got [${outputSize.join(', ')}]`);
    }
    const least = x.shape
      .slice(-axes)
      .map((n, i) => (n - 1) * stride[i] - 2 * padding[i] + dilation[i] * (kernelSize[i] - 1) + 1);
    return wanted.map((size, i) => {
      const extra = size - least[i];
      if (extra < 0 || extra > stride[i] - 1) {
        const most = least.map((n, j) => n + stride[j] - 1);
        throw new ShapeError(
          `${layer}: outputSize [${wanted.join(', ')}] is not possible for ${formatAval(x)}: expected from ` +
            `[${least.join(', ')}] to [${most.join(', ')}]`,
        );
      }
      return extra;
    });
  }
}

/**
 * Transposed convolution along one axis. See {@link ConvTranspose2d}.
 *
 * Shape: input `[N, inChannels, L]` or `[inChannels, L]`, output `[N, outChannels, Lout]`.
 *
 * Parameters: `weight` `[inChannels, outChannels / groups, kernelSize]`, `bias` `[outChannels]`.
 *
 * @example
 * const layer = new nn.ConvTranspose1d(4, 2, 3, { stride: 2 });
 * layer(randn([1, 4, 5])).shape; // [1, 2, 11]
 */
export class ConvTranspose1d extends ConvTransposeNd {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvTransposeLayerOptions = {}) {
    super(1, inChannels, outChannels, kernelSize, options);
  }

  override forward(x: Tensor, outputSize?: readonly number[]): Tensor {
    return convTranspose1d(x, this.weight, this.bias, this.transposeOptions(x, outputSize));
  }
}

/**
 * Transposed convolution: the gradient of a {@link Conv2d} to its input, for upsampling.
 *
 * Shape: input `[N, inChannels, H, W]` or `[inChannels, H, W]`, output `[N, outChannels, Hout, Wout]` with
 * Hout = (H − 1)·stride − 2·padding + dilation·(kernelSize − 1) + outputPadding + 1. The second argument of the call may
 * ask for an output size instead of `outputPadding`.
 *
 * Parameters: `weight` `[inChannels, outChannels / groups, kernelSize, kernelSize]` and `bias` `[outChannels]`, both from
 * U(−√k, √k) with k = groups / (outChannels · kernel cells).
 *
 * @throws OutOfRangeError for channels that groups do not divide; ShapeError for an output size that is not possible.
 * @example
 * const down = new nn.Conv2d(16, 16, 3, { stride: 2, padding: 1 });
 * const up = new nn.ConvTranspose2d(16, 16, 3, { stride: 2, padding: 1 });
 * const x = randn([1, 16, 12, 12]);
 * up(down(x), x.shape).shape; // [1, 16, 12, 12]
 */
export class ConvTranspose2d extends ConvTransposeNd {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvTransposeLayerOptions = {}) {
    super(2, inChannels, outChannels, kernelSize, options);
  }

  override forward(x: Tensor, outputSize?: readonly number[]): Tensor {
    return convTranspose2d(x, this.weight, this.bias, this.transposeOptions(x, outputSize));
  }
}

/**
 * Transposed convolution of volumes. See {@link ConvTranspose2d}.
 *
 * Shape: input `[N, inChannels, D, H, W]` or `[inChannels, D, H, W]`, output `[N, outChannels, Dout, Hout, Wout]`.
 *
 * Parameters: `weight` `[inChannels, outChannels / groups, ...kernelSize]`, `bias` `[outChannels]`.
 *
 * @example
 * const layer = new nn.ConvTranspose3d(4, 2, 3, { stride: 2 });
 * layer(randn([1, 4, 2, 3, 4])).shape; // [1, 2, 5, 7, 9]
 */
export class ConvTranspose3d extends ConvTransposeNd {
  constructor(inChannels: number, outChannels: number, kernelSize: PerAxis, options: ConvTransposeLayerOptions = {}) {
    super(3, inChannels, outChannels, kernelSize, options);
  }

  override forward(x: Tensor, outputSize?: readonly number[]): Tensor {
    return convTranspose3d(x, this.weight, this.bias, this.transposeOptions(x, outputSize));
  }
}
