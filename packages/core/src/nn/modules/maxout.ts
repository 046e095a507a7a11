/**
 * Maxout layers. What they compute is in `ops/maxout.ts`.
 */
import type { Tensor } from '../../graph/tensor.js';
import { checkOptions } from '../../ops/arguments.js';
import { linear } from '../../ops/linear.js';
import { maxout } from '../../ops/maxout.js';
import type { Parameter } from '../../runtime/cell.js';
import { Module } from '../module.js';
import { pyBool } from '../python.js';
import { checkCount, emptyParameter } from './factory.js';
import { resetWeightAndBias, type LinearOptions } from './linear.js';

/**
 * A fully connected layer whose activation is learned with it: each output is the largest of `pieces` linear functions,
 * yⱼ = maxᵢ (x·Wⱼᵢᵀ + bⱼᵢ). The gradient goes to the largest piece; pieces that tie share it.
 *
 * When to use: with dropout, for which it was made, where `pieces` times the weights are affordable. Like ReLU, which
 * is a case of it, it does not saturate, and it does not die. Try it after the basic experiments with ReLU. After a
 * convolution use the function: `conv(x).maxout(pieces)` over the channels.
 *
 * Shape: input `[…, inFeatures]`, output `[…, outFeatures]`.
 *
 * Parameters: `weight` `[outFeatures · pieces, inFeatures]` and `bias` `[outFeatures · pieces]`; the pieces of output j
 * are the rows from j · pieces on. Both from U(−√k, √k) with k = 1 / inFeatures, as those of `nn.Linear`.
 *
 * Source: Goodfellow et al., "Maxout networks", 2013.
 *
 * @param inFeatures Size of the last axis of the input.
 * @param outFeatures Size of the last axis of the output.
 * @param pieces How many linear functions an output chooses from. Default 2.
 * @param options `bias` (true), `dtype`, `device`.
 * @throws OutOfRangeError unless the features and pieces are whole numbers.
 * @example
 * const layer = new nn.Maxout(20, 30, 4);
 * layer(randn([128, 20])).shape; // [128, 30]
 */
export class Maxout extends Module {
  weight: Parameter;
  bias: Parameter | null;

  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    readonly pieces = 2,
    options: LinearOptions = {},
  ) {
    super();
    checkOptions('Maxout', options, ['bias', 'dtype', 'device'] satisfies (keyof LinearOptions)[]);
    checkCount('Maxout', 'inFeatures', inFeatures, 0);
    checkCount('Maxout', 'outFeatures', outFeatures, 0);
    checkCount('Maxout', 'pieces', pieces, 1);
    const rows = outFeatures * pieces;
    this.weight = emptyParameter('Maxout', [rows, inFeatures], options);
    this.bias = (options.bias ?? true) ? emptyParameter('Maxout', [rows], options) : null;
    this.resetParameters();
  }

  /** Draws the parameters anew. */
  resetParameters(): void {
    resetWeightAndBias(this.weight, this.bias);
  }

  override forward(x: Tensor): Tensor {
    return maxout(linear(x, this.weight, this.bias), this.pieces, -1);
  }

  override extraRepr(): string {
    const { inFeatures, outFeatures, pieces } = this;
    return `in_features=${inFeatures}, out_features=${outFeatures}, pieces=${pieces}, bias=${pyBool(this.bias !== null)}`;
  }
}
