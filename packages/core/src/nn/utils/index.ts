/**
 * The `nn.utils` namespace: tools for parameters and gradients, under PyTorch's names in camelCase.
 */
export { checkpoint, checkpointSequential } from './checkpoint.js';
export { clipGradNorm_, clipGradValue_, type ClipGradNormOptions } from './clip-grad.js';
export { parametersToVector, vectorToParameters } from './convert-parameters.js';
export { diagonalGaussNewton, type DiagonalGaussNewtonOptions } from './diagonal-gauss-newton.js';
export { skipInit } from './skip-init.js';
export { removeSpectralNorm, spectralNorm, type SpectralNormOptions } from './spectral-norm.js';
export { removeWeightNorm, weightNorm } from './weight-norm.js';
