/**
 * Losses as modules.
 */
export * from './classification.js';
export * from './margins.js';
export * from './probabilities.js';
export * from './regression.js';
