/**
 * Layers that squash the line into an interval. What they compute is in `ops/squashing.ts`.
 */
import { OutOfRangeError } from '../../errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { tanh } from '../../ops/elementwise.js';
import { hardsigmoid, hardtanh, logsigmoid, scaledTanh, sigmoid, softsign } from '../../ops/squashing.js';
import { Module } from '../module.js';
import { pyFloat } from '../python.js';
import { checkNumber } from './factory.js';

/**
 * The logistic function 1 / (1 + e⁻ˣ), elementwise: between 0 and 1.
 *
 * When to use: for gates, and for outputs that are probabilities of two classes; train those with
 * `BCEWithLogitsLoss`, which contains it. As a hidden activation it is rarely used today: where |x| is large its
 * gradient is near 0, and at most 1/4 anywhere, so that it kills gradients.
 *
 * Shape: any; the output has the input's.
 *
 * @example
 * await new nn.Sigmoid()(tensor([0])).toArray(); // [0.5]
 */
export class Sigmoid extends Module {
  override forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}

/**
 * log(1 / (1 + e⁻ˣ)), elementwise, without overflow.
 *
 * When to use: for the logarithm of a probability, in losses; not between layers.
 *
 * Shape: any; the output has the input's.
 *
 * @example
 * await new nn.LogSigmoid()(tensor([0, -1000])).toArray(); // [-0.6931, -1000]
 */
export class LogSigmoid extends Module {
  override forward(x: Tensor): Tensor {
    return logsigmoid(x);
  }
}

/**
 * min(max(x / 6 + 1/2, 0), 1), elementwise: {@link Sigmoid} in three straight pieces. Its gradient at ±3 is 0.
 *
 * When to use: for gates on hardware where an exponential is dear (MobileNetV3).
 *
 * Shape: any; the output has the input's.
 *
 * Source: Howard et al., "Searching for MobileNetV3", 2019.
 *
 * @example
 * await new nn.Hardsigmoid()(tensor([-4, 0, 3])).toArray(); // [0, 0.5, 1]
 */
export class Hardsigmoid extends Module {
  override forward(x: Tensor): Tensor {
    return hardsigmoid(x);
  }
}

/**
 * tanh(x), elementwise: between −1 and 1.
 *
 * When to use: in recurrent networks, where a unit gets a new input at each step. Not for convolutional layers: it
 * saturates and kills gradients (they vanish). Initialize with `xavierUniform_` or `xavierNormal_`.
 *
 * Shape: any; the output has the input's.
 *
 * @example
 * await new nn.Tanh()(tensor([0, 100])).toArray(); // [0, 1]
 */
export class Tanh extends Module {
  override forward(x: Tensor): Tensor {
    return tanh(x);
  }
}

/**
 * g(x) = amplitude · tanh(slope · x), elementwise. With LeCun's constants, 1.7159 and 2/3, g(±1) = ±1, and the second
 * derivative is largest there: targets of ±1 lie where units do not saturate.
 *
 * When to use: to rebuild networks of the 1990s, such as LeNet-5; else {@link Tanh} or `ReLU`.
 *
 * Shape: any; the output has the input's.
 *
 * Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, appendix A. (1.7259, which is
 * found in lecture notes, is a slip: g(1) would be 1.006.)
 *
 * @param amplitude A. Default 1.7159.
 * @param slope S. Default 2/3.
 * @example
 * await new nn.ScaledTanh()(tensor([-1, 0, 1])).toArray(); // [-1, 0, 1], to four digits
 */
export class ScaledTanh extends Module {
  constructor(
    readonly amplitude = 1.7159,
    readonly slope = 2 / 3,
  ) {
    super();
    checkNumber('ScaledTanh', 'amplitude', amplitude);
    checkNumber('ScaledTanh', 'slope', slope);
  }

  override forward(x: Tensor): Tensor {
    return scaledTanh(x, this.amplitude, this.slope);
  }

  override extraRepr(): string {
    return `amplitude=${this.amplitude}, slope=${this.slope}`;
  }
}

/**
 * x between minVal and maxVal, and these outside. Its gradient at the bounds is 0.
 *
 * When to use: in place of {@link Tanh} where that is dear; it saturates as tanh does.
 *
 * Shape: any; the output has the input's.
 *
 * @param minVal Default −1.
 * @param maxVal Default 1.
 * @throws OutOfRangeError unless maxVal > minVal.
 * @example
 * await new nn.Hardtanh()(tensor([-2, 0.5, 3])).toArray(); // [-1, 0.5, 1]
 */
export class Hardtanh extends Module {
  constructor(
    readonly minVal = -1,
    readonly maxVal = 1,
  ) {
    super();
    checkNumber('Hardtanh', 'minVal', minVal);
    checkNumber('Hardtanh', 'maxVal', maxVal);
    if (!(maxVal > minVal))
      throw new OutOfRangeError(`Hardtanh: maxVal must be greater than minVal, got ${minVal} and ${maxVal}`);
  }

  override forward(x: Tensor): Tensor {
    return hardtanh(x, this.minVal, this.maxVal);
  }

  override extraRepr(): string {
    return `min_val=${pyFloat(this.minVal)}, max_val=${pyFloat(this.maxVal)}`;
  }
}

/**
 * x / (1 + |x|), elementwise: between −1 and 1.
 *
 * When to use: in place of {@link Tanh}, where units should saturate more slowly: it nears its limits as 1 / x, tanh as
 * an exponential. Rarely used.
 *
 * Shape: any; the output has the input's.
 *
 * Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
 *
 * @example
 * await new nn.Softsign()(tensor([-1, 3])).toArray(); // [-0.5, 0.75]
 */
export class Softsign extends Module {
  override forward(x: Tensor): Tensor {
    return softsign(x);
  }
}
