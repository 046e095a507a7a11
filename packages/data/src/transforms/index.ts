/**
 * Transforms of samples: torchvision's names and numbers.
 */
export { Transform, type TransformFunction } from './transform.js';
export type { Fill, Interpolation, Size } from './pixels.js';
export type { Range } from './draws.js';
export { Compose, Lambda, RandomApply, RandomChoice, RandomOrder } from './compose.js';
export { ImageClassification, type ImageClassificationOptions } from './classification.js';
export { ConvertImageDtype, LinearTransformation, Normalize, ToTensor } from './conversion.js';
export { CenterCrop, FiveCrop, Pad, RandomCrop, TenCrop, type RandomCropOptions } from './geometry-crop.js';
export { RandomHorizontalFlip, RandomVerticalFlip } from './geometry-flip.js';
export { RandomResizedCrop, Resize, type RandomResizedCropOptions } from './geometry-resize.js';
export {
  RandomAffine,
  RandomPerspective,
  RandomRotation,
  type AffineParams,
  type RandomAffineOptions,
  type RandomPerspectiveOptions,
  type RandomRotationOptions,
} from './geometry-warp.js';
export { ColorJitter, Grayscale, RandomGrayscale, type ColorJitterOptions, type ColorJitterParams } from './color.js';
export { Lighting, type LightingOptions } from './lighting.js';
export { RandomErasing, type ErasingParams, type RandomErasingOptions } from './erasing.js';
export { GaussianBlur } from './blur.js';
export { RandAugment, type RandAugmentOptions, type RandAugmentParams } from './auto-augment.js';
export { CutMix, Mixup, type Batch, type CutMixParams, type MixOptions } from './mix.js';
export * as functional from './functional/index.js';
export type {
  AffineOptions,
  ImageDType,
  Padding,
  PaddingMode,
  PadOptions,
  Point,
  ResizeOptions,
  RotateOptions,
  WarpInterpolation,
  WarpOptions,
} from './functional/index.js';
