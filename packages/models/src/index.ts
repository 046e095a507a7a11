/**
 * Architectures, with torchvision's names and state-dict keys where torchvision has them.
 *
 * @packageDocumentation
 */
export type { Builder } from './builder.js';
export { AlexNet, alexnet, type AlexNetOptions } from './alexnet.js';
export { AlexNetOriginal, alexnetOriginal, type AlexNetOriginalOptions } from './alexnet-original.js';
export {
  GoogLeNet,
  googlenet,
  googlenetLoss,
  type GoogLeNetLossOptions,
  type GoogLeNetOptions,
  type GoogLeNetOutputs,
  type InceptionAuxBlock,
  type InceptionBlock,
} from './googlenet.js';
export {
  BasicConv2d,
  Inception,
  InceptionAux,
  type ConvBlock,
  type ConvBlockOptions,
  type InceptionAuxOptions,
  type InceptionOptions,
} from './inception.js';
export {
  VGG,
  vgg11,
  vgg11Bn,
  vgg13,
  vgg13Bn,
  vgg16,
  vgg16Bn,
  vgg19,
  vgg19Bn,
  vggStage,
  type VGGOptions,
  type VGGStageOptions,
} from './vgg.js';
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
export { BasicBlock, Bottleneck, type NormLayer, type ResidualBlockOptions } from './residual-blocks.js';
export {
  ResNet,
  resnet101,
  resnet152,
  resnet18,
  resnet34,
  resnet50,
  resnext101_32x8d,
  resnext101_64x4d,
  resnext50_32x4d,
  wideResnet101_2,
  wideResnet50_2,
  type ResidualBlock,
  type ResNetOptions,
} from './resnet.js';
export {
  BUILTIN_MODELS,
  createModel,
  getModelBuilder,
  listModels,
  registerModel,
  type ListModelsOptions,
  type ModelName,
  type ModelOf,
  type ModelOptions,
} from './registry.js';
export { adapt, type AdaptOptions } from './adapt.js';
export { freeze, unfreeze } from './freeze.js';
export { MultiCrop } from './multi-crop.js';
export { getWeights, listWeights, type ImageClassificationPreset, type WeightsEntry } from './weights/weights.js';
export type { WeightsOptions, WeightsProgress } from './weights/load-weights.js';
export {
  explainShapes,
  type ExplainShapesOptions,
  type NetworkPictureOptions,
  type ShapeExplanation,
} from './understanding/explain-shapes.js';
export {
  compareModels,
  comparisonOf,
  type ComparedModel,
  type CompareModelsOptions,
  type ComparisonRow,
  type ModelComparison,
} from './understanding/compare-models.js';
export type { ComparisonChartOptions } from './understanding/accuracy-chart.js';
export type { ExplainedLayer } from './understanding/layers.js';
export type { Windows } from './understanding/geometry.js';
export { MissingPackageError } from './understanding/peers.js';
