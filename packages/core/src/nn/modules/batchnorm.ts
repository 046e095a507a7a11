/**
 * Batch normalization layers. What they compute is in `ops/batch-norm.ts`.
 */
import { ShapeError } from '../../errors.js';
import { noGrad } from '../../graph/modes.js';
import { checkTensor } from '../../graph/record.js';
import type { Tensor } from '../../graph/tensor.js';
import { batchNorm } from '../../ops/batch-norm.js';
import { runTogether } from '../../runtime/groups.js';
import { formatAval } from '../../shape.js';
import type { FactoryOptions } from './factory.js';
import { NormBase, withDefaults } from './norm-base.js';

export interface BatchNormLayerOptions extends FactoryOptions {
  /** Added to the variance, for numerical stability. Default 1e-5. */
  eps?: number;
  /** How much a batch weighs in the running statistics; null: all batches so far weigh the same. Default 0.1. */
  momentum?: number | null;
  /** Whether the layer has a weight and a bias. Default true. */
  affine?: boolean;
  /** Whether it keeps running statistics; without them it uses the batch's in evaluation too. Default true. */
  trackRunningStats?: boolean;
}

/** What batch normalization layers have in common; they differ in the inputs that they take. */
export abstract class BatchNormNd extends NormBase {
  constructor(numFeatures: number, options: BatchNormLayerOptions = {}) {
    const defaults = { eps: 1e-5, momentum: 0.1, affine: true, trackRunningStats: true };
    super(numFeatures, withDefaults(new.target.name, options, defaults));
  }

  /** How many axes inputs have, and how they are called. */
  protected abstract readonly axes: { readonly counts: readonly number[]; readonly names: string };

  private checkInput(x: Tensor): void {
    const layer = this.constructor.name;
    checkTensor(layer, x);
    const { counts, names } = this.axes;
    if (!counts.includes(x.ndim)) {
      const other = ['', '', 'BatchNorm1d', 'BatchNorm1d', 'BatchNorm2d', 'BatchNorm3d'][x.ndim];
      const remedy = other ? `${other} takes ${x.ndim} axes.` : 'Add axes with x.unsqueeze(dim), or reshape.';
      throw new ShapeError(`${layer}: expected ${names}, got ${formatAval(x)}. ${remedy}`);
    }
    if (x.shape[1] !== this.numFeatures) {
      throw new ShapeError(
        `${layer}: expected ${names} with ${this.numFeatures} channels, got ${formatAval(x)}. ` +
          `Make the layer for ${x.shape[1]} features; channels come second.`,
      );
    }
  }

  override forward(x: Tensor): Tensor {
    this.checkInput(x);
    const { eps, training, momentum, runningMean, runningVar, weight, bias } = this;
    if (!training || !this.numBatchesTracked) {
      const useBatch = training || runningMean === null;
      return batchNorm(x, useBatch ? null : runningMean, useBatch ? null : runningVar, weight, bias, {
        eps,
        training: useBatch,
      });
    }
    const count = this.numBatchesTracked.add(1);
    // Each of n batches weighs 1/n when the n-th weighs 1/n in the running statistics.
    const share = momentum ?? noGrad(() => count.to(x.dtype).reciprocal());
    const y = batchNorm(x, runningMean, runningVar, weight, bias, { eps, training, momentum: share });
    this.numBatchesTracked.assign(count);
    runTogether(y, count);
    return y;
  }
}

/**
 * Batch normalization of features, or of channels along one axis. See {@link BatchNorm2d}.
 *
 * Shape: input and output `[N, numFeatures]` or `[N, numFeatures, L]`.
 *
 * @example
 * new nn.BatchNorm1d(100)(randn([20, 100])).shape; // [20, 100]
 */
export class BatchNorm1d extends BatchNormNd {
  protected readonly axes = { counts: [2, 3], names: '[N, C] or [N, C, L]' };
}

/**
 * Batch normalization of the channels of images: y = (x − mean) / √(variance + eps) · weight + bias.
 *
 * In training, the mean and the biased variance are those of the batch, a channel, and the running statistics move:
 * running = (1 − momentum) · running + momentum · batch, with the unbiased variance. In evaluation they are the running
 * ones.
 *
 * Shape: input and output `[N, numFeatures, H, W]`.
 *
 * Parameters: `weight` `[numFeatures]`, from 1, and `bias` `[numFeatures]`, from 0. Buffers: `runningMean`, from 0,
 * `runningVar`, from 1, both `[numFeatures]`, and `numBatchesTracked` `[]`; in state dicts they have PyTorch's names,
 * `running_mean`, `running_var` and `num_batches_tracked`.
 *
 * Source: Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate
 * shift", 2015.
 *
 * When to use: after convolutional and fully connected layers, before the nonlinearity; it significantly speeds up
 * gradient descent and even improves performance: try it (the lecture). The layer before needs no bias. With batches
 * below 8 or so its statistics are noise: {@link GroupNorm} has none. Call `eval()` before testing, or the result for one
 * sample depends on the others.
 *
 * @param numFeatures Channels.
 * @throws ShapeError for an input of another shape, or one value a channel in training.
 * @example
 * const layer = new nn.BatchNorm2d(100);
 * layer(randn([20, 100, 35, 45])).shape; // [20, 100, 35, 45]
 */
export class BatchNorm2d extends BatchNormNd {
  protected readonly axes = { counts: [4], names: '[N, C, H, W]' };
}

/**
 * Batch normalization of the channels of volumes. See {@link BatchNorm2d}.
 *
 * Shape: input and output `[N, numFeatures, D, H, W]`.
 */
export class BatchNorm3d extends BatchNormNd {
  protected readonly axes = { counts: [5], names: '[N, C, D, H, W]' };
}
