/**
 * Adapters of the losses beside cross-entropy.
 */
import { nn, type Tensor } from '@fakkel/core';
import { adapter, type Adapter } from './adapter.js';

const F = nn.functional;

/** A loss of two tensors with the options of the case. */
const pair = <O>(run: (x: Tensor, y: Tensor, options: O) => Tensor): Adapter =>
  adapter<O>(([x, y], options) => run(x, y, options));

/** A loss of two tensors; the third is its weight. */
const weightedPair = <O>(run: (x: Tensor, y: Tensor, options: O & { weight?: Tensor }) => Tensor): Adapter =>
  adapter<O>(([x, y, weight], options) => run(x, y, { ...options, weight }));

/** A loss of three tensors. */
const triple = <O>(run: (x: Tensor, y: Tensor, z: Tensor, options: O) => Tensor): Adapter =>
  adapter<O>(([x, y, z], options) => run(x, y, z, options));

export const criterionAdapters: Readonly<Record<string, Adapter>> = {
  smoothL1Loss: pair(F.smoothL1Loss),
  huberLoss: pair(F.huberLoss),
  gaussianNllLoss: triple(F.gaussianNllLoss),
  binaryCrossEntropy: weightedPair(F.binaryCrossEntropy),
  klDiv: pair(F.klDiv),
  multilabelSoftMarginLoss: weightedPair(F.multilabelSoftMarginLoss),
  multiMarginLoss: weightedPair(F.multiMarginLoss),
  multilabelMarginLoss: pair(F.multilabelMarginLoss),
  softMarginLoss: pair(F.softMarginLoss),
  hingeEmbeddingLoss: pair(F.hingeEmbeddingLoss),
  marginRankingLoss: triple(F.marginRankingLoss),
  cosineEmbeddingLoss: triple(F.cosineEmbeddingLoss),
  tripletMarginLoss: triple(F.tripletMarginLoss),
  rbf: adapter(([x, centers]) => F.rbf(x, centers)),
  rbfLoss: pair(F.rbfLoss),
};
