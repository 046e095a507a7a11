/**
 * The activation of the networks of the 1990s.
 */
import { nn, type Tensor } from '@fakkel/core';

/**
 * g(x) = amplitude · tanh(slope · x), elementwise. With LeCun's constants, 1.7159 and 2/3, g(±1) = ±1, and the second
 * derivative is largest there: targets of ±1 lie where units do not saturate.
 *
 * Shape: any; the output has the input's.
 *
 * Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, appendix A. (1.7259, which is
 * found in lecture notes, is a slip: g(1) would be 1.006.)
 *
 * @param amplitude A. Default 1.7159.
 * @param slope S. Default 2/3.
 * @example
 * import { tensor } from '@fakkel/core';
 * import { ScaledTanh } from '@fakkel/models';
 * await new ScaledTanh()(tensor([-1, 0, 1])).toArray(); // [-1, 0, 1], to four digits
 */
export class ScaledTanh extends nn.Module {
  constructor(
    readonly amplitude = 1.7159,
    readonly slope = 2 / 3,
  ) {
    super();
  }

  override forward(x: Tensor): Tensor {
    return x.mul(this.slope).tanh().mul(this.amplitude);
  }

  override extraRepr(): string {
    return `amplitude=${this.amplitude}, slope=${this.slope}`;
  }
}
