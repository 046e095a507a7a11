/**
 * Loss functions.
 */
export type { Reduction } from '../arguments.js';
export * from './classification.js';
export * from './probabilities.js';
export type { ReductionOptions } from './reduction.js';
export * from './regression.js';
