/**
 * Architectures, with torchvision's names and state-dict keys where torchvision has them.
 *
 * @packageDocumentation
 */
export { LeNet5, lenet5, type LeNet5Options } from './lenet5.js';
export { C3_CONNECTIONS, LeNet5Original, lenet5Original } from './lenet5-original.js';
export { SparseConv2d } from './sparse-conv2d.js';
export { Subsample } from './subsample.js';
export { uniformFanIn_ } from './uniform-fan-in.js';
