/**
 * The transforms as functions, without random numbers: torchvision's `transforms.functional`.
 */
export { channelsFirst, convertImageDtype, normalize, toTensor, type ImageDType } from './conversion.js';
export { resize, type ResizeOptions } from './resize.js';
export { pad, type Padding, type PaddingMode, type PadOptions } from './pad.js';
export { centerCrop, crop, erase, fiveCrop, hflip, resizedCrop, tenCrop, vflip } from './crop.js';
export {
  affine,
  perspective,
  rotate,
  type AffineOptions,
  type Point,
  type RotateOptions,
  type WarpInterpolation,
  type WarpOptions,
} from './warp.js';
export { adjustBrightness, adjustContrast, adjustGamma, adjustHue, adjustSaturation, rgbToGrayscale } from './color.js';
export { autocontrast, equalize, invert, posterize, solarize } from './tone.js';
export { adjustSharpness, gaussianBlur } from './blur.js';
