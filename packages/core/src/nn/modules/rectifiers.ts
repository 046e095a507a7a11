/**
 * Rectifier layers. What they compute is in `ops/rectifiers.ts`. As nothing here is computed in place, PyTorch's
 * `inplace` is no option of them.
 */
import { OutOfRangeError } from '../../errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { checkOptions } from '../../ops/arguments.js';
import { leakyRelu, prelu, relu, relu6, rrelu, threshold } from '../../ops/rectifiers.js';
import type { Parameter } from '../../runtime/cell.js';
import { constant_ } from '../init.js';
import { Module } from '../module.js';
import { pyFloat } from '../python.js';
import { checkCount, checkNumber, emptyParameter, type FactoryOptions } from './factory.js';

/**
 * The rectified linear unit max(0, x), elementwise. Its gradient at 0 is 0.
 *
 * When to use: first; it is the best overall recommendation for convolutional layers. It does not saturate and is cheap.
 * A unit can die (where its input is negative for every image, no gradient reaches its weights), so be careful with the
 * learning rate; gradients can explode, which batch normalization limits. Initialize with `kaimingNormal_`.
 *
 * Shape: any; the output has the input's.
 *
 * Source: Nair and Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010.
 *
 * @example
 * const layer = new nn.ReLU();
 * await layer(tensor([-1, 2])).toArray(); // [0, 2]
 */
export class ReLU extends Module {
  override forward(x: Tensor): Tensor {
    return relu(x);
  }
}

/**
 * min(max(0, x), 6), elementwise. Its gradient at 0 and at 6 is 0.
 *
 * When to use: in networks that will run in fixed-point arithmetic, where a bounded range keeps precision (MobileNets);
 * else {@link ReLU}.
 *
 * Shape: any; the output has the input's.
 *
 * Source: Krizhevsky, "Convolutional deep belief networks on CIFAR-10", 2010.
 *
 * @example
 * await new nn.ReLU6()(tensor([-1, 2, 9])).toArray(); // [0, 2, 6]
 */
export class ReLU6 extends Module {
  override forward(x: Tensor): Tensor {
    return relu6(x);
  }
}

/**
 * x where x > 0, negativeSlope · x elsewhere. Its gradient at 0 is the slope.
 *
 * When to use: do the basic experiments with {@link ReLU}, and try this one as part of the hyperparameter grid. It does
 * not saturate and is less prone to die; results are not consistently better than ReLU's, and it is slightly slower.
 *
 * Shape: any; the output has the input's.
 *
 * Source: Maas et al., "Rectifier nonlinearities improve neural network acoustic models", 2013.
 *
 * @param negativeSlope Default 0.01.
 * @example
 * await new nn.LeakyReLU(0.5)(tensor([-2, 3])).toArray(); // [-1, 3]
 */
export class LeakyReLU extends Module {
  constructor(readonly negativeSlope = 0.01) {
    super();
    checkNumber('LeakyReLU', 'negativeSlope', negativeSlope);
  }

  override forward(x: Tensor): Tensor {
    return leakyRelu(x, this.negativeSlope);
  }

  override extraRepr(): string {
    return `negative_slope=${pyFloat(this.negativeSlope)}`;
  }
}

export interface PReLUOptions extends FactoryOptions {
  /** The slopes at the start. Default 0.25. */
  init?: number;
}

/**
 * x where x > 0, weight · x elsewhere: a {@link LeakyReLU} that learns its slope. The gradient at 0 is the weight.
 *
 * When to use: as LeakyReLU, where there is enough data to fit the slopes. Give the weight no weight decay: it would
 * pull the slopes to 0, and so to ReLU.
 *
 * Shape: any; the output has the input's. With several parameters axis 1 has as many channels.
 *
 * Parameters: `weight` `[numParameters]`, all `init`.
 *
 * Source: He et al., "Delving deep into rectifiers", 2015.
 *
 * @param numParameters 1 slope for all (default), or one for each channel.
 * @param options `init` (0.25), `dtype`, `device`.
 * @throws OutOfRangeError unless numParameters is a whole number of at least 1.
 * @example
 * const layer = new nn.PReLU(2);
 * await layer(tensor([[-4, 3]])).toArray(); // [[-1, 3]]
 */
export class PReLU extends Module {
  weight: Parameter;
  readonly init: number;

  constructor(
    readonly numParameters = 1,
    options: PReLUOptions = {},
  ) {
    super();
    checkOptions('PReLU', options, ['init', 'dtype', 'device'] satisfies (keyof PReLUOptions)[]);
    checkCount('PReLU', 'numParameters', numParameters, 1);
    this.init = options.init ?? 0.25;
    checkNumber('PReLU', 'init', this.init);
    this.weight = emptyParameter('PReLU', [numParameters], options);
    this.resetParameters();
  }

  /** Sets the slopes back to `init`. */
  resetParameters(): void {
    constant_(this.weight, this.init);
  }

  override forward(x: Tensor): Tensor {
    return prelu(x, this.weight);
  }

  override extraRepr(): string {
    return `num_parameters=${this.numParameters}`;
  }
}

/**
 * In training, x where x > 0 and s · x elsewhere, with a slope s ~ U(lower, upper) drawn for each element; in evaluation
 * mode, {@link LeakyReLU} with the slope (lower + upper) / 2.
 *
 * The slopes come from the counter-based generator of {@link Dropout}: they are the same on every backend, and differ
 * from PyTorch's.
 *
 * When to use: on small data sets, where the random slopes regularize; else {@link ReLU}.
 *
 * Shape: any; the output has the input's.
 *
 * Source: Xu et al., "Empirical evaluation of rectified activations in convolutional network", 2015.
 *
 * @param lower Smallest slope. Default 1/8.
 * @param upper Largest slope. Default 1/3.
 * @throws OutOfRangeError if lower > upper.
 * @example
 * const layer = new nn.RReLU(0.25, 0.75);
 * await layer.eval()(tensor([-16, 2])).toArray(); // [-8, 2]
 */
export class RReLU extends Module {
  constructor(
    readonly lower = 1 / 8,
    readonly upper = 1 / 3,
  ) {
    super();
    if (!(lower <= upper)) throw new OutOfRangeError(`RReLU: expected lower ≤ upper, got ${lower} and ${upper}`);
  }

  override forward(x: Tensor): Tensor {
    return rrelu(x, this.lower, this.upper, this.training);
  }

  override extraRepr(): string {
    return `lower=${pyFloat(this.lower)}, upper=${pyFloat(this.upper)}`;
  }
}

/**
 * x where x > threshold, `value` elsewhere. Its gradient at the threshold is 0.
 *
 * When to use: for a rectifier with another corner; `Threshold(0, 0)` is {@link ReLU}.
 *
 * Shape: any; the output has the input's.
 *
 * @param threshold What x must exceed to pass.
 * @param value What stands for it where it does not.
 * @example
 * await new nn.Threshold(0.2, 20)(tensor([0.1, 0.5])).toArray(); // [20, 0.5]
 */
export class Threshold extends Module {
  constructor(
    readonly threshold: number,
    readonly value: number,
  ) {
    super();
    checkNumber('Threshold', 'threshold', threshold);
    checkNumber('Threshold', 'value', value);
  }

  override forward(x: Tensor): Tensor {
    return threshold(x, this.threshold, this.value);
  }

  override extraRepr(): string {
    return `threshold=${this.threshold}, value=${this.value}`;
  }
}
