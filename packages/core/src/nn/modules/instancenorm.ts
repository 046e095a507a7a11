/**
 * Instance normalization layers. What they compute is in `ops/layer-norm.ts`.
 */
import { FakkelError, ShapeError } from '../../errors.js';
import { checkTensor } from '../../graph/record.js';
import type { Tensor } from '../../graph/tensor.js';
import { composed } from '../../ops/compose.js';
import { instanceNorm } from '../../ops/layer-norm.js';
import { formatAval } from '../../shape.js';
import type { FactoryOptions } from './factory.js';
import { NormBase, withDefaults } from './norm-base.js';

export interface InstanceNormLayerOptions extends FactoryOptions {
  /** Added to the variance, for numerical stability. Default 1e-5. */
  eps?: number;
  /** How much a batch weighs in the running statistics, if there are any. Default 0.1. */
  momentum?: number;
  /** Whether the layer has a weight and a bias. Default false. */
  affine?: boolean;
  /** Whether it keeps running statistics and uses them in evaluation. Default false. */
  trackRunningStats?: boolean;
}

/** What instance normalization layers have in common; they differ in the inputs that they take. */
export abstract class InstanceNormNd extends NormBase {
  constructor(numFeatures: number, options: InstanceNormLayerOptions = {}) {
    const layer = new.target.name;
    if ((options as { momentum?: number | null }).momentum === null) {
      throw new FakkelError(
        `${layer}: momentum is a number from 0 to 1; a cumulative average (null) is for batch normalization only`,
      );
    }
    const defaults = { eps: 1e-5, momentum: 0.1, affine: false, trackRunningStats: false };
    super(numFeatures, withDefaults(layer, options, defaults));
  }

  /** How many axes a batch has, and how inputs are called. */
  protected abstract readonly axes: { readonly batched: number; readonly names: string };

  override forward(x: Tensor): Tensor {
    const layer = this.constructor.name;
    const { batched, names } = this.axes;
    checkTensor(layer, x);
    if (x.ndim !== batched && x.ndim !== batched - 1) {
      const other = ['', '', 'InstanceNorm1d', 'InstanceNorm1d', 'InstanceNorm2d', 'InstanceNorm3d'][x.ndim];
      const remedy = other ? `${other} takes ${x.ndim} axes.` : 'Add axes with x.unsqueeze(dim), or reshape.';
      throw new ShapeError(`${layer}: expected ${names}, got ${formatAval(x)}. ${remedy}`);
    }
    const channels = x.shape[x.ndim - batched + 1];
    // Without parameters and statistics their number means nothing, and PyTorch takes any.
    if (channels !== this.numFeatures && (this.affine || this.trackRunningStats)) {
      throw new ShapeError(
        `${layer}: expected ${names} with ${this.numFeatures} channels, got ${formatAval(x)}. ` +
          `Make the layer for ${channels} features.`,
      );
    }
    if (x.ndim === batched) return this.normalize(x);
    return composed(() => this.normalize(x.unsqueeze(0)).squeeze(0));
  }

  private normalize(x: Tensor): Tensor {
    const { runningMean, runningVar, weight, bias, eps } = this;
    return instanceNorm(x, runningMean, runningVar, weight, bias, {
      useInputStats: this.training || !this.trackRunningStats,
      momentum: this.momentum ?? undefined,
      eps,
    });
  }
}

/**
 * Instance normalization of channels along one axis. See {@link InstanceNorm2d}.
 *
 * Shape: input and output `[N, numFeatures, L]` or `[numFeatures, L]`.
 *
 * @example
 * new nn.InstanceNorm1d(100)(randn([20, 100, 40])).shape; // [20, 100, 40]
 */
export class InstanceNorm1d extends InstanceNormNd {
  protected readonly axes = { batched: 3, names: '[N, C, L] or [C, L]' };
}

/**
 * Instance normalization: each channel of each image has its own mean and biased variance,
 * y = (x − mean) / √(variance + eps) · weight + bias.
 *
 * By default it has no parameters, keeps no statistics, and does the same in training and evaluation. With
 * `trackRunningStats` the running statistics move in training, running = (1 − momentum) · running + momentum · average
 * over the batch (with the unbiased variance), and evaluation uses them.
 *
 * Shape: input and output `[N, numFeatures, H, W]` or `[numFeatures, H, W]`.
 *
 * Parameters with `affine`: `weight` `[numFeatures]`, from 1, and `bias` `[numFeatures]`, from 0. Buffers with
 * `trackRunningStats`: those of {@link BatchNorm2d}; `numBatchesTracked` stays 0, as in PyTorch.
 *
 * Source: Ulyanov, Vedaldi and Lempitsky, "Instance normalization: the missing ingredient for fast stylization", 2016.
 *
 * When to use: style transfer and image generation, where a picture's contrast must not matter. For classification it
 * throws away what says how strong a feature is.
 *
 * @param numFeatures Channels.
 * @throws ShapeError for an input of another shape, or one position a channel.
 * @example
 * const layer = new nn.InstanceNorm2d(100);
 * layer(randn([20, 100, 35, 45])).shape; // [20, 100, 35, 45]
 */
export class InstanceNorm2d extends InstanceNormNd {
  protected readonly axes = { batched: 4, names: '[N, C, H, W] or [C, H, W]' };
}

/**
 * Instance normalization of the channels of volumes. See {@link InstanceNorm2d}.
 *
 * Shape: input and output `[N, numFeatures, D, H, W]` or `[numFeatures, D, H, W]`.
 */
export class InstanceNorm3d extends InstanceNormNd {
  protected readonly axes = { batched: 5, names: '[N, C, D, H, W] or [C, D, H, W]' };
}
