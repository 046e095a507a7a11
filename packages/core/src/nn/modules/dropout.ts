/**
 * Dropout layers.
 */
import type { Tensor } from '../../graph/tensor.js';
import { alphaDropout, dropout, dropout1d, dropout2d, dropout3d, featureAlphaDropout } from '../../ops/dropout.js';
import { Module } from '../module.js';
import { pyFloat } from '../python.js';
import { checkNumber } from './factory.js';

/** What dropout layers have in common; they differ in what they drop together. */
export abstract class DropoutNd extends Module {
  constructor(readonly p = 0.5) {
    super();
    checkNumber(new.target.name, 'p', p, 0, 1);
  }

  override extraRepr(): string {
    return `p=${pyFloat(this.p)}, inplace=False`;
  }
}

/**
 * In training, sets each element to zero with probability p and multiplies the others by 1 / (1 − p); in evaluation
 * mode, returns its input.
 *
 * The masks come from a counter-based generator of their own: `manualSeed` restarts it, they are the same on every
 * backend, and they differ from PyTorch's.
 *
 * Shape: any; the output has the input's.
 *
 * Source: Hinton et al., "Improving neural networks by preventing co-adaptation of feature detectors", 2012.
 *
 * When to use: where a network fits the training data better than new data, first of all in its fully connected layers;
 * p is a hyperparameter to tune (the lecture: once the model works).
 *
 * @param p Probability of an element to be zeroed. Default 0.5.
 * @throws OutOfRangeError unless p is from 0 to 1.
 * @example
 * const layer = new nn.Dropout(0.2);
 * layer.eval()(ones([2, 3])); // unchanged
 */
export class Dropout extends DropoutNd {
  override forward(x: Tensor): Tensor {
    return dropout(x, this.p, this.training);
  }
}

/**
 * In training, sets whole channels of sequences to zero. See {@link Dropout2d}.
 *
 * Shape: input and output `[N, C, L]` or `[C, L]`.
 *
 * @param p Probability of a channel to be zeroed. Default 0.5.
 * @throws OutOfRangeError unless p is from 0 to 1.
 * @example
 * new nn.Dropout1d(0.2)(randn([20, 16, 32])).shape; // [20, 16, 32]
 */
export class Dropout1d extends DropoutNd {
  override forward(x: Tensor): Tensor {
    return dropout1d(x, this.p, this.training);
  }
}

/**
 * In training, sets whole channels of images to zero with probability p, independently for each sample, and multiplies
 * the others by 1 / (1 − p); in evaluation mode, returns its input.
 *
 * Shape: input and output `[N, C, H, W]` or `[N, C, L]`.
 *
 * Source: Tompson et al., "Efficient object localization using convolutional networks", 2015.
 *
 * When to use: between convolutions, where neighbouring pixels of a channel say nearly the same, so that
 * {@link Dropout} takes little away.
 *
 * @param p Probability of a channel to be zeroed. Default 0.5.
 * @throws OutOfRangeError unless p is from 0 to 1; ShapeError for an input of another shape.
 * @example
 * new nn.Dropout2d(0.2)(randn([20, 16, 32, 32])).shape; // [20, 16, 32, 32]
 */
export class Dropout2d extends DropoutNd {
  override forward(x: Tensor): Tensor {
    return dropout2d(x, this.p, this.training);
  }
}

/**
 * In training, sets whole channels of volumes to zero. See {@link Dropout2d}.
 *
 * Shape: input and output `[N, C, D, H, W]` or `[C, D, H, W]`.
 *
 * @param p Probability of a channel to be zeroed. Default 0.5.
 * @throws OutOfRangeError unless p is from 0 to 1.
 * @example
 * new nn.Dropout3d(0.2)(randn([20, 16, 4, 32, 32])).shape; // [20, 16, 4, 32, 32]
 */
export class Dropout3d extends DropoutNd {
  override forward(x: Tensor): Tensor {
    return dropout3d(x, this.p, this.training);
  }
}

/**
 * In training, sets elements to SELU's negative saturation value with probability p, then scales and shifts all so that
 * zero mean and unit variance stay; in evaluation mode, returns its input.
 *
 * Shape: any; the output has the input's.
 *
 * Source: Klambauer et al., "Self-normalizing neural networks", 2017.
 *
 * When to use: after SELU, with p of 0.05 or 0.1; {@link Dropout} would undo its normalization.
 *
 * @param p Probability of an element to be dropped. Default 0.5.
 * @throws OutOfRangeError unless p is from 0 to 1.
 * @example
 * new nn.AlphaDropout(0.1)(randn([20, 16])).shape; // [20, 16]
 */
export class AlphaDropout extends DropoutNd {
  override forward(x: Tensor): Tensor {
    return alphaDropout(x, this.p, this.training);
  }
}

/**
 * {@link AlphaDropout} of whole channels: for convolutional networks with SELU.
 *
 * Shape: input and output `[N, C, …]`.
 *
 * @param p Probability of a channel to be dropped. Default 0.5.
 * @throws OutOfRangeError unless p is from 0 to 1.
 * @example
 * new nn.FeatureAlphaDropout(0.1)(randn([20, 16, 32, 32])).shape; // [20, 16, 32, 32]
 */
export class FeatureAlphaDropout extends DropoutNd {
  override forward(x: Tensor): Tensor {
    return featureAlphaDropout(x, this.p, this.training);
  }
}
