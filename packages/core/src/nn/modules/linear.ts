/**
 * Fully connected and bilinear layers, and layers that only reshape.
 */
import type { Tensor } from '../../graph/tensor.js';
import { checkOptions } from '../../ops/arguments.js';
import { bilinear } from '../../ops/bilinear.js';
import { linear } from '../../ops/linear.js';
import { flatten, unflatten } from '../../ops/movement.js';
import type { Parameter } from '../../runtime/cell.js';
import { fanInAndFanOut, kaimingUniform_, uniform_ } from '../init.js';
import { Module } from '../module.js';
import { pyBool, pyTuple } from '../python.js';
import { checkCount, emptyParameter, type FactoryOptions } from './factory.js';

export interface LinearOptions extends FactoryOptions {
  /** Whether it adds a bias. Default true. */
  bias?: boolean;
}

/**
 * A fully connected layer: y = x·Wᵀ + b.
 *
 * Shape: input `[…, inFeatures]`, output `[…, outFeatures]`.
 *
 * Parameters: `weight` `[outFeatures, inFeatures]` and `bias` `[outFeatures]`, both from U(−√k, √k) with
 * k = 1 / inFeatures.
 *
 * @param inFeatures Size of the last axis of the input.
 * @param outFeatures Size of the last axis of the output.
 * @throws OutOfRangeError unless the features are whole numbers.
 * @example
 * const layer = new nn.Linear(20, 30);
 * layer(randn([128, 20])).shape; // [128, 30]
 */
export class Linear extends Module {
  weight: Parameter;
  bias: Parameter | null;

  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    options: LinearOptions = {},
  ) {
    super();
    checkOptions('Linear', options, ['bias', 'dtype', 'device'] satisfies (keyof LinearOptions)[]);
    checkCount('Linear', 'inFeatures', inFeatures, 0);
    checkCount('Linear', 'outFeatures', outFeatures, 0);
    this.weight = emptyParameter('Linear', [outFeatures, inFeatures], options);
    this.bias = (options.bias ?? true) ? emptyParameter('Linear', [outFeatures], options) : null;
    this.resetParameters();
  }

  /** Draws the parameters anew. */
  resetParameters(): void {
    resetWeightAndBias(this.weight, this.bias);
  }

  override forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }

  override extraRepr(): string {
    return `in_features=${this.inFeatures}, out_features=${this.outFeatures}, bias=${pyBool(this.bias !== null)}`;
  }
}

/**
 * PyTorch's default for linear and convolution layers: `kaiming_uniform_(weight, a=√5)`, which is U(−1/√fanIn, 1/√fanIn),
 * then the bias from the same range.
 */
export function resetWeightAndBias(weight: Parameter, bias: Parameter | null): void {
  kaimingUniform_(weight, { a: Math.sqrt(5) });
  const { fanIn } = fanInAndFanOut(weight);
  if (bias && fanIn > 0) uniform_(bias, -1 / Math.sqrt(fanIn), 1 / Math.sqrt(fanIn));
}

/**
 * A bilinear form of two vectors for each output: y[o] = x1ᵀ · weight[o] · x2 + bias[o].
 *
 * When to use: where two inputs are to be compared or combined, feature by feature.
 *
 * Shape: inputs `[…, in1Features]` and `[…, in2Features]`, output `[…, outFeatures]`.
 *
 * Parameters: `weight` `[outFeatures, in1Features, in2Features]` and `bias` `[outFeatures]`, both from U(−√k, √k) with
 * k = 1 / in1Features.
 *
 * @param in1Features Size of the last axis of the first input.
 * @param in2Features Size of the last axis of the second input.
 * @param outFeatures Size of the last axis of the output.
 * @throws OutOfRangeError unless the features are whole numbers from 1 up.
 * @example
 * const layer = new nn.Bilinear(20, 30, 40);
 * layer(randn([128, 20]), randn([128, 30])).shape; // [128, 40]
 */
export class Bilinear extends Module {
  weight: Parameter;
  bias: Parameter | null;

  constructor(
    readonly in1Features: number,
    readonly in2Features: number,
    readonly outFeatures: number,
    options: LinearOptions = {},
  ) {
    super();
    checkOptions('Bilinear', options, ['bias', 'dtype', 'device'] satisfies (keyof LinearOptions)[]);
    checkCount('Bilinear', 'in1Features', in1Features, 1);
    checkCount('Bilinear', 'in2Features', in2Features, 1);
    checkCount('Bilinear', 'outFeatures', outFeatures, 1);
    this.weight = emptyParameter('Bilinear', [outFeatures, in1Features, in2Features], options);
    this.bias = (options.bias ?? true) ? emptyParameter('Bilinear', [outFeatures], options) : null;
    this.resetParameters();
  }

  /** Draws the parameters anew. */
  resetParameters(): void {
    const bound = 1 / Math.sqrt(this.in1Features);
    uniform_(this.weight, -bound, bound);
    if (this.bias) uniform_(this.bias, -bound, bound);
  }

  override forward(x1: Tensor, x2: Tensor): Tensor {
    return bilinear(x1, x2, this.weight, this.bias);
  }

  override extraRepr(): string {
    const { in1Features, in2Features, outFeatures, bias } = this;
    return (
      `in1_features=${in1Features}, in2_features=${in2Features}, out_features=${outFeatures}, ` +
      `bias=${pyBool(bias !== null)}`
    );
  }
}

/**
 * Returns its input. Takes and ignores any arguments when it is made, so that it can stand in for another layer.
 *
 * Shape: any.
 *
 * @example
 * const layer = new nn.Identity();
 * layer(randn([2, 3])).shape; // [2, 3]
 */
export class Identity extends Module {
  constructor(..._ignored: unknown[]) {
    super();
  }

  override forward(x: Tensor): Tensor {
    return x;
  }
}

/**
 * Joins axes `startDim` to `endDim` into one.
 *
 * Shape: `[N, …]` gives `[N, product of …]` by default.
 *
 * @param startDim First axis. Default 1: the batch stays.
 * @param endDim Last axis. Default −1.
 * @example
 * new nn.Flatten()(randn([32, 1, 5, 5])).shape; // [32, 25]
 */
export class Flatten extends Module {
  constructor(
    readonly startDim = 1,
    readonly endDim = -1,
  ) {
    super();
    checkCount('Flatten', 'startDim', startDim, -Infinity);
    checkCount('Flatten', 'endDim', endDim, -Infinity);
  }

  override forward(x: Tensor): Tensor {
    return flatten(x, this.startDim, this.endDim);
  }

  override extraRepr(): string {
    return `start_dim=${this.startDim}, end_dim=${this.endDim}`;
  }
}

/**
 * Splits one axis into several.
 *
 * Shape: `[…, product of sizes, …]` gives `[…, ...sizes, …]`.
 *
 * @param dim The axis.
 * @param unflattenedSize The sizes that it is split into; one may be −1.
 * @example
 * new nn.Unflatten(1, [2, 5])(randn([32, 10])).shape; // [32, 2, 5]
 */
export class Unflatten extends Module {
  constructor(
    readonly dim: number,
    readonly unflattenedSize: readonly number[],
  ) {
    super();
    checkCount('Unflatten', 'dim', dim, -Infinity);
    for (const size of unflattenedSize) checkCount('Unflatten', 'unflattenedSize', size, -1);
  }

  override forward(x: Tensor): Tensor {
    return unflatten(x, this.dim, [...this.unflattenedSize]);
  }

  override extraRepr(): string {
    return `dim=${this.dim}, unflattened_size=${pyTuple(this.unflattenedSize)}`;
  }
}
