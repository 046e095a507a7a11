/**
 * Loss functions.
 */
export type { Reduction } from '../arguments.js';
export * from './classification.js';
export * from './embeddings.js';
export {
  hingeEmbeddingLoss,
  marginRankingLoss,
  multilabelMarginLoss,
  multiMarginLoss,
  softMarginLoss,
  type MarginOptions,
  type MultiMarginLossOptions,
} from './margins.js';
export * from './probabilities.js';
export { rbf, rbfLoss, type RBFLossOptions } from './rbf.js';
export type { ReductionOptions } from './reduction.js';
export * from './regression.js';
