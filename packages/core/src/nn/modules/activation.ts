/**
 * Activation layers. What they compute is in `ops/activation.ts`.
 */
import { OutOfRangeError } from '../../errors.js';
import type { Tensor } from '../../graph/tensor.js';
import {
  elu,
  gelu,
  hardtanh,
  leakyRelu,
  logSoftmax,
  logsigmoid,
  relu,
  relu6,
  sigmoid,
  silu,
  softmax,
  softplus,
} from '../../ops/activation.js';
import { tanh } from '../../ops/elementwise.js';
import { Module } from '../module.js';
import { pyFloat } from '../python.js';
import { checkCount, checkNumber } from './factory.js';

/**
 * max(0, x), elementwise. Its gradient at 0 is 0.
 *
 * Shape: any; the output has the input's.
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
 * min(max(0, x), 6), elementwise.
 *
 * Shape: any; the output has the input's.
 */
export class ReLU6 extends Module {
  override forward(x: Tensor): Tensor {
    return relu6(x);
  }
}

/**
 * x where x > 0, negativeSlope · x elsewhere.
 *
 * Shape: any; the output has the input's.
 *
 * Source: Maas et al., "Rectifier nonlinearities improve neural network acoustic models", 2013.
 *
 * @param negativeSlope Default 0.01.
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

/**
 * x where x > 0, alpha · (eˣ − 1) elsewhere.
 *
 * Shape: any; the output has the input's.
 *
 * Source: Clevert et al., "Fast and accurate deep network learning by exponential linear units", 2015.
 *
 * @param alpha Default 1.
 */
export class ELU extends Module {
  constructor(readonly alpha = 1) {
    super();
    checkNumber('ELU', 'alpha', alpha);
  }

  override forward(x: Tensor): Tensor {
    return elu(x, this.alpha);
  }

  override extraRepr(): string {
    return `alpha=${pyFloat(this.alpha)}`;
  }
}

/**
 * x · Φ(x), where Φ is the distribution function of the standard normal distribution.
 *
 * Shape: any; the output has the input's.
 *
 * Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016.
 */
export class GELU extends Module {
  override forward(x: Tensor): Tensor {
    return gelu(x);
  }

  override extraRepr(): string {
    return "approximate='none'";
  }
}

/**
 * x · sigmoid(x), also known as swish.
 *
 * Shape: any; the output has the input's.
 */
export class SiLU extends Module {
  override forward(x: Tensor): Tensor {
    return silu(x);
  }
}

/**
 * tanh(x), elementwise: between −1 and 1.
 *
 * Shape: any; the output has the input's.
 */
export class Tanh extends Module {
  override forward(x: Tensor): Tensor {
    return tanh(x);
  }
}

/**
 * 1 / (1 + e⁻ˣ), elementwise: between 0 and 1.
 *
 * Shape: any; the output has the input's.
 */
export class Sigmoid extends Module {
  override forward(x: Tensor): Tensor {
    return sigmoid(x);
  }
}

/**
 * log(1 / (1 + e⁻ˣ)), elementwise, without overflow.
 *
 * Shape: any; the output has the input's.
 */
export class LogSigmoid extends Module {
  override forward(x: Tensor): Tensor {
    return logsigmoid(x);
  }
}

/**
 * log(1 + e^(beta·x)) / beta, elementwise: a smooth ReLU; x itself where beta·x > threshold.
 *
 * Shape: any; the output has the input's.
 *
 * @param beta Default 1.
 * @param threshold Default 20.
 */
export class Softplus extends Module {
  constructor(
    readonly beta = 1,
    readonly threshold = 20,
  ) {
    super();
    checkNumber('Softplus', 'beta', beta);
    checkNumber('Softplus', 'threshold', threshold);
  }

  override forward(x: Tensor): Tensor {
    return softplus(x, this.beta, this.threshold);
  }

  override extraRepr(): string {
    return `beta=${this.beta}, threshold=${this.threshold}`;
  }
}

/**
 * x between minVal and maxVal, and these outside.
 *
 * Shape: any; the output has the input's.
 *
 * @param minVal Default −1.
 * @param maxVal Default 1.
 */
export class Hardtanh extends Module {
  constructor(
    readonly minVal = -1,
    readonly maxVal = 1,
  ) {
    super();
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
 * exp(xᵢ) / Σⱼ exp(xⱼ) along an axis: numbers from 0 to 1 that sum to 1.
 *
 * For training, give the logits to {@link CrossEntropyLoss}, which contains the logarithm of it.
 *
 * Shape: any; the output has the input's.
 *
 * @param dim The axis.
 * @example
 * const layer = new nn.Softmax(1);
 * await layer(tensor([[0, 0]])).toArray(); // [[0.5, 0.5]]
 */
export class Softmax extends Module {
  constructor(readonly dim: number) {
    super();
    checkCount('Softmax', 'dim', dim, -Infinity);
  }

  override forward(x: Tensor): Tensor {
    return softmax(x, this.dim);
  }

  override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}

/**
 * log(softmax(x)) along an axis, without overflow. See {@link Softmax}.
 *
 * Shape: any; the output has the input's.
 *
 * @param dim The axis.
 */
export class LogSoftmax extends Module {
  constructor(readonly dim: number) {
    super();
    checkCount('LogSoftmax', 'dim', dim, -Infinity);
  }

  override forward(x: Tensor): Tensor {
    return logSoftmax(x, this.dim);
  }

  override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}
