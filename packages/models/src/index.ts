/**
 * Architectures, with torchvision's names and state-dict keys where torchvision has them.
 *
 * @packageDocumentation
 */
export { LeNet5, lenet5, type LeNet5Options } from './lenet5.js';
export { DIGIT_BITMAPS, digitCodes } from './digit-codes.js';
export { C3_CONNECTIONS, LeNet5Original, lenet5Original, type LeNet5OriginalOptions } from './lenet5-original.js';
export { SparseConv2d } from './sparse-conv2d.js';
export { Subsample } from './subsample.js';
export { uniformFanIn_ } from './uniform-fan-in.js';
export {
  CifarResNet,
  PadShortcut,
  PlainBlock,
  cifarPlain110,
  cifarPlain20,
  cifarPlain32,
  cifarPlain44,
  cifarPlain56,
  cifarResnet110,
  cifarResnet20,
  cifarResnet32,
  cifarResnet44,
  cifarResnet56,
  type CifarPlainOptions,
  type CifarResNetOptions,
} from './cifar-resnet.js';
export { BasicBlock, Bottleneck, type NormLayer, type ResidualBlockOptions } from './resnet.js';
