/**
 * Shrinkage layers. What they compute is in `ops/shrinkage.ts`.
 */
import type { Tensor } from '../../graph/tensor.js';
import { hardshrink, softshrink, tanhshrink } from '../../ops/shrinkage.js';
import { Module } from '../module.js';
import { checkNumber } from './factory.js';

/**
 * x where |x| > lambda, 0 elsewhere. Its gradient at ±lambda is 0.
 *
 * When to use: for sparse codes, to drop small coefficients and leave the others as they are; not as a hidden activation.
 *
 * Shape: any; the output has the input's.
 *
 * @param lambda Default 0.5.
 * @example
 * await new nn.Hardshrink()(tensor([-1, 0.25, 2])).toArray(); // [-1, 0, 2]
 */
export class Hardshrink extends Module {
  constructor(readonly lambda = 0.5) {
    super();
    checkNumber('Hardshrink', 'lambda', lambda);
  }

  override forward(x: Tensor): Tensor {
    return hardshrink(x, this.lambda);
  }

  override extraRepr(): string {
    return String(this.lambda);
  }
}

/**
 * x − lambda where x > lambda, x + lambda where x < −lambda, 0 between. Its gradient at ±lambda is 0.
 *
 * When to use: for sparse codes and denoising: it is the proximal step of an L1 penalty of weight lambda.
 *
 * Shape: any; the output has the input's.
 *
 * @param lambda At least 0. Default 0.5.
 * @throws OutOfRangeError if lambda < 0.
 * @example
 * await new nn.Softshrink()(tensor([-1, 0.25, 2])).toArray(); // [-0.5, 0, 1.5]
 */
export class Softshrink extends Module {
  constructor(readonly lambda = 0.5) {
    super();
    checkNumber('Softshrink', 'lambda', lambda, 0);
  }

  override forward(x: Tensor): Tensor {
    return softshrink(x, this.lambda);
  }

  override extraRepr(): string {
    return String(this.lambda);
  }
}

/**
 * x − tanh(x), elementwise.
 *
 * When to use: rarely; as a smooth shrinkage: near 0 it is x³ / 3, far away x ∓ 1.
 *
 * Shape: any; the output has the input's.
 *
 * @example
 * await new nn.Tanhshrink()(tensor([0, 1])).toArray(); // [0, 0.2384]
 */
export class Tanhshrink extends Module {
  override forward(x: Tensor): Tensor {
    return tanhshrink(x);
  }
}
