/**
 * The functions of `torch.nn.functional`, under its names in camelCase. Most are methods of tensors too.
 *
 * @example
 * const F = nn.functional;
 * const loss = F.crossEntropy(randn([4, 10]), tensor([1, 0, 4, 9], { dtype: 'int32' }));
 */
export {
  celu,
  elu,
  gelu,
  glu,
  hardshrink,
  hardsigmoid,
  hardswish,
  hardtanh,
  leakyRelu,
  logsigmoid,
  logSoftmax,
  maxout,
  mish,
  prelu,
  relu,
  relu6,
  rrelu,
  scaledTanh,
  selu,
  sigmoid,
  silu,
  softmax,
  softmin,
  softplus,
  softshrink,
  softsign,
  tanhshrink,
  threshold,
  type GeluOptions,
} from '../ops/activation.js';
export {
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  type ConvOptions,
  type ConvTransposeOptions,
  type PerAxis,
} from '../ops/convolution.js';
export { oneHot } from '../ops/creation.js';
export { alphaDropout, dropout, dropout1d, dropout2d, dropout3d, featureAlphaDropout } from '../ops/dropout.js';
export { tanh } from '../ops/elementwise.js';
export { linear } from '../ops/linear.js';
export {
  cosineSimilarity,
  normalize,
  pairwiseDistance,
  type CosineSimilarityOptions,
  type NormalizeOptions,
  type PairwiseDistanceOptions,
} from '../ops/distance.js';
export {
  binaryCrossEntropy,
  binaryCrossEntropyWithLogits,
  cosineEmbeddingLoss,
  crossEntropy,
  gaussianNllLoss,
  hingeEmbeddingLoss,
  huberLoss,
  klDiv,
  l1Loss,
  marginRankingLoss,
  mseLoss,
  multilabelMarginLoss,
  multilabelSoftMarginLoss,
  multiMarginLoss,
  nllLoss,
  rbf,
  rbfLoss,
  smoothL1Loss,
  softMarginLoss,
  tripletMarginLoss,
  type BinaryCrossEntropyOptions,
  type BinaryCrossEntropyWithLogitsOptions,
  type CrossEntropyOptions,
  type GaussianNLLLossOptions,
  type HuberLossOptions,
  type KLDivOptions,
  type MarginOptions,
  type MultiLabelSoftMarginLossOptions,
  type MultiMarginLossOptions,
  type NLLLossOptions,
  type RBFLossOptions,
  type Reduction,
  type ReductionOptions,
  type SmoothL1LossOptions,
  type TripletMarginLossOptions,
} from '../ops/losses/index.js';
export { pad, type PadOptions } from '../ops/padding.js';
export { batchNorm, type BatchNormOptions } from '../ops/batch-norm.js';
export { groupNorm, instanceNorm, layerNorm, type InstanceNormOptions, type NormOptions } from '../ops/layer-norm.js';
export { localResponseNorm, type LocalResponseNormOptions } from '../ops/local-response-norm.js';
export {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  adaptiveMaxPool1d,
  adaptiveMaxPool2d,
  adaptiveMaxPool2dWithIndices,
  adaptiveMaxPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  fold,
  maxPool1d,
  maxPool1dWithIndices,
  maxPool2d,
  maxPool2dWithIndices,
  maxPool3d,
  maxPool3dWithIndices,
  unfold,
  type AvgPoolOptions,
  type MaxPoolOptions,
  type OutputSize,
  type UnfoldOptions,
  type WithIndices,
} from '../ops/pooling.js';
export { lpPool1d, lpPool2d, type LPPoolOptions } from '../ops/lp-pooling.js';
export { maxUnpool1d, maxUnpool2d, maxUnpool3d, type MaxUnpoolOptions } from '../ops/unpooling.js';
export { bilinear } from '../ops/bilinear.js';
export { embedding, type EmbeddingOptions } from '../ops/embedding.js';
export { interpolate, type InterpolateOptions, type InterpolationMode } from '../ops/interpolation.js';
export { channelShuffle, pixelShuffle, pixelUnshuffle } from '../ops/pixel-shuffle.js';
