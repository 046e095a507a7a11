/**
 * Softmax layers. What they compute is in `ops/softmax.ts`.
 */
import { ShapeError } from '../../errors.js';
import type { Tensor } from '../../graph/tensor.js';
import { logSoftmax, softmax, softmin } from '../../ops/softmax.js';
import { formatAval } from '../../shape.js';
import { Module } from '../module.js';
import { checkCount } from './factory.js';

/** What the layers that work along an axis have in common. */
abstract class AlongAxis extends Module {
  constructor(readonly dim: number) {
    super();
    checkCount(new.target.name, 'dim', dim, -Infinity);
  }

  override extraRepr(): string {
    return `dim=${this.dim}`;
  }
}

/**
 * exp(xᵢ) / Σⱼ exp(xⱼ) along an axis: numbers from 0 to 1 that sum to 1.
 *
 * When to use: to read the outputs of a classifier as probabilities, and for attention. For training, give the logits to
 * {@link CrossEntropyLoss}, which contains the logarithm of it.
 *
 * Shape: any; the output has the input's.
 *
 * @param dim The axis.
 * @example
 * const layer = new nn.Softmax(1);
 * await layer(tensor([[0, 0]])).toArray(); // [[0.5, 0.5]]
 */
export class Softmax extends AlongAxis {
  override forward(x: Tensor): Tensor {
    return softmax(x, this.dim);
  }
}

/**
 * log(softmax(x)) along an axis, without overflow. See {@link Softmax}.
 *
 * When to use: before {@link NLLLoss}, and wherever log-probabilities are wanted: the logarithm of Softmax would lose
 * digits, or be −∞.
 *
 * Shape: any; the output has the input's.
 *
 * @param dim The axis.
 * @example
 * await new nn.LogSoftmax(1)(tensor([[0, 1000]])).toArray(); // [[-1000, 0]]
 */
export class LogSoftmax extends AlongAxis {
  override forward(x: Tensor): Tensor {
    return logSoftmax(x, this.dim);
  }
}

/**
 * exp(−xᵢ) / Σⱼ exp(−xⱼ) along an axis: the smallest gets most.
 *
 * When to use: to turn distances or energies into probabilities.
 *
 * Shape: any; the output has the input's.
 *
 * @param dim The axis.
 * @example
 * await new nn.Softmin(0)(tensor([0, 1000])).toArray(); // [1, 0]
 */
export class Softmin extends AlongAxis {
  override forward(x: Tensor): Tensor {
    return softmin(x, this.dim);
  }
}

/**
 * {@link Softmax} over the channels of each pixel.
 *
 * When to use: to read the output of a segmentation network as probabilities; for training, CrossEntropyLoss takes its
 * logits.
 *
 * Shape: `[N, C, H, W]` or `[C, H, W]`; the output has the input's.
 *
 * @throws ShapeError unless the input has three or four axes.
 * @example
 * await new nn.Softmax2d()(zeros([2, 1, 1])).toArray(); // [[[0.5]], [[0.5]]]
 */
export class Softmax2d extends Module {
  override forward(x: Tensor): Tensor {
    if (x.ndim !== 3 && x.ndim !== 4)
      throw new ShapeError(`Softmax2d: expected images [N, C, H, W] or [C, H, W], got ${formatAval(x)}`);
    return softmax(x, -3);
  }
}
