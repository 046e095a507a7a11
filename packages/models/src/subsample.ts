/**
 * Pooling with trainable parameters.
 */
import { nn, zeros, type Tensor } from '@fakkel/core';
import { uniformFanIn_ } from './uniform-fan-in.js';

/**
 * Subsampling: the sum of each 2×2 window, times a weight of its map, plus a bias of its map:
 * y[n, c, i, j] = weight[c] · (x₁ + x₂ + x₃ + x₄) + bias[c]. An activation follows in LeNet.
 *
 * Shape: input `[N, channels, H, W]`, output `[N, channels, ⌊H/2⌋, ⌊W/2⌋]`.
 *
 * Parameters: `weight` and `bias`, both `[channels]`, from U(−2.4/4, 2.4/4): a unit has four inputs.
 *
 * Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, section II.B.
 *
 * @param channels Maps of the input.
 * @example
 * import { randn } from '@fakkel/core';
 * import { Subsample } from '@fakkel/models';
 * new Subsample(6)(randn([8, 6, 28, 28])).shape; // [8, 6, 14, 14]
 */
export class Subsample extends nn.Module {
  weight: nn.Parameter;
  bias: nn.Parameter;

  constructor(
    readonly channels: number,
    options: nn.FactoryOptions = {},
  ) {
    super();
    this.weight = new nn.Parameter(zeros([channels], options));
    this.bias = new nn.Parameter(zeros([channels], options));
    this.resetParameters();
  }

  /** Draws the parameters anew. */
  resetParameters(): void {
    uniformFanIn_(this.weight, 4);
    uniformFanIn_(this.bias, 4);
  }

  override forward(x: Tensor): Tensor {
    const sums = x.avgPool2d(2, { divisorOverride: 1 });
    return sums.mul(this.weight.reshape([-1, 1, 1])).add(this.bias.reshape([-1, 1, 1]));
  }

  override extraRepr(): string {
    return String(this.channels);
  }
}
