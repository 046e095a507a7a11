/**
 * Layers of gated units. What they compute is in `ops/gated.ts`.
 */
import type { Tensor } from '../../graph/tensor.js';
import { checkOneOf, checkOptions } from '../../ops/arguments.js';
import { gelu, glu, hardswish, mish, silu, type GeluOptions } from '../../ops/gated.js';
import { Module } from '../module.js';
import { checkCount } from './factory.js';

/**
 * x · Φ(x), where Φ is the distribution function of the standard normal distribution.
 *
 * When to use: in transformers, and in convolutional networks that borrow from them (ConvNeXt); else start with `ReLU`.
 *
 * Shape: any; the output has the input's.
 *
 * Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016.
 *
 * @param options `approximate`: 'none' (default) or 'tanh', the formula by tanh that GPT-2 and BERT were trained with.
 * @throws OutOfRangeError for another approximation.
 * @example
 * await new nn.GELU()(tensor([-1, 1])).toArray(); // [-0.1587, 0.8413]
 */
export class GELU extends Module {
  readonly approximate: 'none' | 'tanh';

  constructor(options: GeluOptions = {}) {
    super();
    checkOptions('GELU', options, ['approximate'] satisfies (keyof GeluOptions)[]);
    this.approximate = options.approximate ?? 'none';
    checkOneOf('GELU', 'approximate', this.approximate, ['none', 'tanh']);
  }

  override forward(x: Tensor): Tensor {
    return gelu(x, { approximate: this.approximate });
  }

  override extraRepr(): string {
    return `approximate='${this.approximate}'`;
  }
}

/**
 * x · sigmoid(x), also known as swish.
 *
 * When to use: in deep networks such as EfficientNet, in place of `ReLU`, where its cost does not matter; try it as part
 * of the hyperparameter grid.
 *
 * Shape: any; the output has the input's.
 *
 * Source: Ramachandran, Zoph and Le, "Searching for activation functions", 2017.
 *
 * @example
 * await new nn.SiLU()(tensor([-1, 1])).toArray(); // [-0.2689, 0.7311]
 */
export class SiLU extends Module {
  override forward(x: Tensor): Tensor {
    return silu(x);
  }
}

/**
 * x · relu6(x + 3) / 6, elementwise: {@link SiLU} without exponential. Its gradient is −1/2 at −3 and 3/2 at 3.
 *
 * When to use: in networks for phones, in place of SiLU (MobileNetV3).
 *
 * Shape: any; the output has the input's.
 *
 * Source: Howard et al., "Searching for MobileNetV3", 2019.
 *
 * @example
 * await new nn.Hardswish()(tensor([-4, 1, 4])).toArray(); // [0, 0.6667, 4]
 */
export class Hardswish extends Module {
  override forward(x: Tensor): Tensor {
    return hardswish(x);
  }
}

/**
 * x · tanh(log(1 + eˣ)), elementwise.
 *
 * When to use: as {@link SiLU}, which it resembles and than which it is dearer (YOLOv4).
 *
 * Shape: any; the output has the input's.
 *
 * Source: Misra, "Mish: a self regularized non-monotonic activation function", 2019.
 *
 * @example
 * await new nn.Mish()(tensor([-1, 1])).toArray(); // [-0.3034, 0.8651]
 */
export class Mish extends Module {
  override forward(x: Tensor): Tensor {
    return mish(x);
  }
}

/**
 * The gated linear unit a · sigmoid(b), where a and b are the first and the second half of the input along an axis.
 *
 * When to use: in convolutional networks for sequences; the layer before it has twice the channels.
 *
 * Shape: the output has half of the input's size along `dim`.
 *
 * Source: Dauphin et al., "Language modeling with gated convolutional networks", 2016.
 *
 * @param dim The axis that is halved. Default −1.
 * @example
 * await new nn.GLU()(tensor([3, 4, 0, 0])).toArray(); // [1.5, 2]
 */
export class GLU extends Module {
  constructor(readonly dim = -1) {
    super();
    checkCount('GLU', 'dim', dim, -Infinity);
  }

  override forward(x: Tensor): Tensor {
    return glu(x, this.dim);
  }

  override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}
