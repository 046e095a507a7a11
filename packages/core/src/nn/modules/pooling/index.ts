/**
 * Pooling layers.
 */
export * from './adaptive.js';
export * from './average.js';
export * from './max.js';
