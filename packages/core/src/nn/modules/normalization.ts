/**
 * Layer, group and local response normalization layers. What they compute is in `ops/layer-norm.ts` and
 * `ops/local-response-norm.ts`.
 */
import { OutOfRangeError, ShapeError } from '../../errors.js';
import { describe } from '../../graph/record.js';
import type { Tensor } from '../../graph/tensor.js';
import { checkOptions } from '../../ops/arguments.js';
import { groupNorm, layerNorm } from '../../ops/layer-norm.js';
import { localResponseNorm, type LocalResponseNormOptions } from '../../ops/local-response-norm.js';
import type { Parameter } from '../../runtime/cell.js';
import { formatAval } from '../../shape.js';
import { ones_, zeros_ } from '../init.js';
import { Module } from '../module.js';
import { pyBool, pyFloat, pyTuple } from '../python.js';
import { checkCount, checkNumber, emptyParameter, type FactoryOptions } from './factory.js';

export interface LayerNormOptions extends FactoryOptions {
  /** Added to the variance, for numerical stability. Default 1e-5. */
  eps?: number;
  /** Whether the layer has a weight and a bias. Default true. */
  elementwiseAffine?: boolean;
  /** Whether it has a bias, where it has a weight. Default true. */
  bias?: boolean;
}

/**
 * Layer normalization over the last axes of each sample: y = (x − mean) / √(variance + eps) · weight + bias, with the
 * biased variance. It does the same in training and evaluation.
 *
 * Shape: input and output `[…, ...normalizedShape]`.
 *
 * Parameters: `weight`, from 1, and `bias`, from 0, both `normalizedShape`: one number an element, not one a channel.
 *
 * Source: Ba, Kiros and Hinton, "Layer normalization", 2016.
 *
 * When to use: transformers and recurrent networks, and batches of a few samples. In convolutional networks with batches
 * of 16 and more, {@link BatchNorm2d} gives better accuracy.
 *
 * @param normalizedShape The last sizes of inputs; a number means the last axis alone.
 * @throws ShapeError for an input that does not end in them.
 * @example
 * new nn.LayerNorm(10)(randn([20, 5, 10])).shape; // [20, 5, 10]
 * new nn.LayerNorm([5, 10])(randn([20, 5, 10])).shape; // [20, 5, 10]
 */
export class LayerNorm extends Module {
  readonly normalizedShape: readonly number[];
  readonly eps: number;
  readonly elementwiseAffine: boolean;
  weight: Parameter | null;
  bias: Parameter | null;

  constructor(normalizedShape: number | readonly number[], options: LayerNormOptions = {}) {
    super();
    checkOptions('LayerNorm', options, [
      'eps',
      'elementwiseAffine',
      'bias',
      'dtype',
      'device',
    ] satisfies (keyof LayerNormOptions)[]);
    const { eps = 1e-5, elementwiseAffine = true, bias = true } = options;
    checkNumber('LayerNorm', 'eps', eps, 0);
    const shape = typeof normalizedShape === 'number' ? [normalizedShape] : normalizedShape;
    if (!Array.isArray(shape) || shape.length === 0) {
      const got = Array.isArray(shape) ? '[]' : describe(shape);
      throw new OutOfRangeError(
        `LayerNorm: normalizedShape is the last size of inputs, or an array of sizes; got ${got}`,
      );
    }
    for (const size of shape as number[]) checkCount('LayerNorm', 'a size of normalizedShape', size, 0);
    this.normalizedShape = [...(shape as number[])];
    this.eps = eps;
    this.elementwiseAffine = elementwiseAffine;
    this.weight = elementwiseAffine ? emptyParameter('LayerNorm', this.normalizedShape, options) : null;
    this.bias = elementwiseAffine && bias ? emptyParameter('LayerNorm', this.normalizedShape, options) : null;
    this.resetParameters();
  }

  /** Sets weight to 1 and bias to 0. */
  resetParameters(): void {
    resetAffine(this);
  }

  override forward(x: Tensor): Tensor {
    return layerNorm(x, this.normalizedShape, this.weight, this.bias, { eps: this.eps });
  }

  override extraRepr(): string {
    const affine = pyBool(this.elementwiseAffine);
    return `${pyTuple(this.normalizedShape)}, eps=${pyFloat(this.eps)}, elementwise_affine=${affine}`;
  }
}

export interface GroupNormOptions extends FactoryOptions {
  /** Added to the variance, for numerical stability. Default 1e-5. */
  eps?: number;
  /** Whether the layer has a weight and a bias, one number a channel. Default true. */
  affine?: boolean;
}

/**
 * Group normalization: each sample's channels come in groups, and each group is normalized over its channels and all
 * positions: y = (x − mean) / √(variance + eps) · weight + bias, with the biased variance. It does the same in training
 * and evaluation, and for every batch size.
 *
 * Shape: input and output `[N, numChannels, …]`.
 *
 * Parameters: `weight` `[numChannels]`, from 1, and `bias` `[numChannels]`, from 0.
 *
 * Source: Wu and He, "Group normalization", 2018.
 *
 * When to use: convolutional networks whose batches are so small (below 8 or so) that {@link BatchNorm2d}'s statistics
 * are noise.
 *
 * @param numGroups A divisor of the channels; 32 in the paper. 1 is layer normalization of whole samples.
 * @param numChannels Channels.
 * @throws ShapeError unless the channels divide into groups, or for an input of other channels.
 * @example
 * const layer = new nn.GroupNorm(3, 6);
 * layer(randn([20, 6, 10, 10])).shape; // [20, 6, 10, 10]
 */
export class GroupNorm extends Module {
  readonly eps: number;
  readonly affine: boolean;
  weight: Parameter | null;
  bias: Parameter | null;

  constructor(
    readonly numGroups: number,
    readonly numChannels: number,
    options: GroupNormOptions = {},
  ) {
    super();
    checkOptions('GroupNorm', options, ['eps', 'affine', 'dtype', 'device'] satisfies (keyof GroupNormOptions)[]);
    checkCount('GroupNorm', 'numGroups', numGroups, 1);
    checkCount('GroupNorm', 'numChannels', numChannels, 0);
    if (numChannels % numGroups !== 0) {
      throw new ShapeError(
        `GroupNorm: ${numChannels} channels don't divide into ${numGroups} groups. Choose a divisor of ${numChannels}; ` +
          `groups come first: GroupNorm(numGroups, numChannels).`,
      );
    }
    const { eps = 1e-5, affine = true } = options;
    checkNumber('GroupNorm', 'eps', eps, 0);
    this.eps = eps;
    this.affine = affine;
    this.weight = affine ? emptyParameter('GroupNorm', [numChannels], options) : null;
    this.bias = affine ? emptyParameter('GroupNorm', [numChannels], options) : null;
    this.resetParameters();
  }

  /** Sets weight to 1 and bias to 0. */
  resetParameters(): void {
    resetAffine(this);
  }

  override forward(x: Tensor): Tensor {
    if (x.ndim >= 2 && x.shape[1] !== this.numChannels) {
      throw new ShapeError(
        `GroupNorm: expected [N, C, …] with ${this.numChannels} channels, got ${formatAval(x)}. Channels come second.`,
      );
    }
    return groupNorm(x, this.numGroups, this.weight, this.bias, { eps: this.eps });
  }

  override extraRepr(): string {
    return `${this.numGroups}, ${this.numChannels}, eps=${pyFloat(this.eps)}, affine=${pyBool(this.affine)}`;
  }
}

function resetAffine({ weight, bias }: { weight: Parameter | null; bias: Parameter | null }): void {
  if (weight) ones_(weight);
  if (bias) zeros_(bias);
}

/**
 * Local response normalization: strong activations suppress those of neighbouring channels at the same position,
 *
 * y[c] = x[c] / (k + alpha/size · Σ x[j]²)^beta, j from c − ⌊size/2⌋ to c + ⌊(size − 1)/2⌋.
 *
 * Shape: input and output `[N, C, …]` with 3 axes or more.
 *
 * Source: Krizhevsky, Sutskever and Hinton, "ImageNet classification with deep convolutional neural networks", 2012,
 * section 3.3. Its alpha is not divided by the size: its k = 2, n = 5, α = 1e-4, β = 0.75 are
 * `new nn.LocalResponseNorm(5, { alpha: 5e-4, beta: 0.75, k: 2 })`.
 *
 * When to use: to rebuild AlexNet or GoogLeNet. {@link BatchNorm2d} has replaced it.
 *
 * @param size Channels in the window.
 * @throws ShapeError for an input of fewer than 3 axes.
 * @example
 * const layer = new nn.LocalResponseNorm(5, { alpha: 5e-4, k: 2 });
 * layer(randn([2, 16, 7, 7])).shape; // [2, 16, 7, 7]
 */
export class LocalResponseNorm extends Module {
  readonly alpha: number;
  readonly beta: number;
  readonly k: number;

  constructor(
    readonly size: number,
    options: LocalResponseNormOptions = {},
  ) {
    super();
    checkOptions('LocalResponseNorm', options, ['alpha', 'beta', 'k'] satisfies (keyof LocalResponseNormOptions)[]);
    checkCount('LocalResponseNorm', 'size', size, 1);
    const { alpha = 1e-4, beta = 0.75, k = 1 } = options;
    for (const [name, value] of Object.entries({ alpha, beta, k })) checkNumber('LocalResponseNorm', name, value);
    this.alpha = alpha;
    this.beta = beta;
    this.k = k;
  }

  override forward(x: Tensor): Tensor {
    const { size, alpha, beta, k } = this;
    return localResponseNorm(x, size, { alpha, beta, k });
  }

  override extraRepr(): string {
    return `${this.size}, alpha=${pyFloat(this.alpha)}, beta=${pyFloat(this.beta)}, k=${pyFloat(this.k)}`;
  }
}
