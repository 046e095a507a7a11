/**
 * Layers of smooth rectifiers. What they compute is in `ops/smooth-rectifiers.ts`.
 */
import { OutOfRangeError } from '../../errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { celu, elu, selu, softplus } from '../../ops/smooth-rectifiers.js';
import { Module } from '../module.js';
import { pyFloat } from '../python.js';
import { checkNumber } from './factory.js';

/**
 * x where x > 0, alpha · (eˣ − 1) elsewhere. Its gradient at 0 is alpha.
 *
 * When to use: do the basic experiments with `ReLU`, and try this one as part of the hyperparameter grid. It has the
 * benefits of ReLU and does not die, and is more expensive to compute.
 *
 * Shape: any; the output has the input's.
 *
 * Source: Clevert et al., "Fast and accurate deep network learning by exponential linear units", 2015.
 *
 * @param alpha Default 1.
 * @example
 * await new nn.ELU()(tensor([-1, 2])).toArray(); // [-0.6321, 2]
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
 * 1.0507 · ELU(x, 1.6733): activations of mean 0 and variance 1 reproduce themselves from layer to layer.
 *
 * When to use: in deep fully connected networks without normalization layers, with weights of variance 1 / fanIn
 * (`kaimingNormal_` with nonlinearity 'linear', not 'selu') and `AlphaDropout` for dropout. In convolutional networks
 * batch normalization with `ReLU` does what it is for.
 *
 * Shape: any; the output has the input's.
 *
 * Source: Klambauer et al., "Self-normalizing neural networks", 2017.
 *
 * @example
 * await new nn.SELU()(tensor([-1, 1])).toArray(); // [-1.1113, 1.0507]
 */
export class SELU extends Module {
  override forward(x: Tensor): Tensor {
    return selu(x);
  }
}

/**
 * x where x > 0, alpha · (e^(x/alpha) − 1) elsewhere: its slope is continuous for every alpha, and 1 at 0.
 *
 * When to use: where {@link ELU} with an alpha other than 1 is tried; for alpha = 1 they are equal.
 *
 * Shape: any; the output has the input's.
 *
 * Source: Barron, "Continuously differentiable exponential linear units", 2017.
 *
 * @param alpha Default 1.
 * @throws OutOfRangeError if alpha is 0.
 * @example
 * await new nn.CELU(0.5)(tensor([-1, 2])).toArray(); // [-0.4323, 2]
 */
export class CELU extends Module {
  constructor(readonly alpha = 1) {
    super();
    checkNumber('CELU', 'alpha', alpha);
    if (alpha === 0) throw new OutOfRangeError('CELU: alpha must not be 0. For alpha → 0 CELU is ReLU: use that.');
  }

  override forward(x: Tensor): Tensor {
    return celu(x, this.alpha);
  }

  override extraRepr(): string {
    return `alpha=${pyFloat(this.alpha)}`;
  }
}

/**
 * log(1 + e^(beta·x)) / beta, elementwise: a smooth ReLU; x itself where beta·x > threshold.
 *
 * When to use: for outputs that must be positive, such as a variance or a rate. As a hidden activation it is dearer than
 * `ReLU`, and has not been found better.
 *
 * Shape: any; the output has the input's.
 *
 * Source: Dugas et al., "Incorporating second-order functional knowledge for better option pricing", 2001.
 *
 * @param beta Default 1.
 * @param threshold Default 20.
 * @example
 * await new nn.Softplus()(tensor([0, 30])).toArray(); // [0.6931, 30]
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
