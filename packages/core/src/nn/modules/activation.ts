/**
 * Activation layers, a family a file.
 */
export * from './gated.js';
export * from './maxout.js';
export * from './rectifiers.js';
export * from './shrinkage.js';
export * from './smooth-rectifiers.js';
export * from './softmax.js';
export * from './squashing.js';
