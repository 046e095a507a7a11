/**
 * What images become before a classifier with published weights sees them.
 */
import type { HostArray } from '../host-array.js';
import { checkOptions } from '../options.js';
import type { Recipe } from '../portable.js';
import { checkStatistics, convertImageDtype, normalize } from './functional/conversion.js';
import { centerCrop } from './functional/crop.js';
import { pilResize } from './functional/pil-resize.js';
import { checkInterpolation, resize } from './functional/resize.js';
import { dimensionsOf, pairOf, type Interpolation } from './pixels.js';
import { py, pyFloats } from './repr.js';
import { recipeOf, Transform } from './transform.js';

/** Options of {@link ImageClassification}: what `@fakkel/models` gives with weights as `transforms`. */
export interface ImageClassificationOptions {
  /** Height and width of the middle that is cut out, in pixels. */
  readonly cropSize: number;
  /** The shorter side that images are resized to before, in pixels. Default 256. */
  readonly resizeSize?: number;
  /** Mean of each channel, of pixels from 0 to 1. Default that of ImageNet: 0.485, 0.456, 0.406. */
  readonly mean?: readonly number[];
  /** Standard deviation of each channel. Default that of ImageNet: 0.229, 0.224, 0.225. */
  readonly std?: readonly number[];
  /** 'bilinear' (default), 'bicubic' or 'nearest'. */
  readonly interpolation?: Interpolation;
  /** Whether shrinking takes all pixels into account, as PIL does, with which published accuracies are. Default true. */
  readonly antialias?: boolean;
}

const KNOWN = ['cropSize', 'resizeSize', 'mean', 'std', 'interpolation', 'antialias'] as const;

/**
 * Resized, the middle cut out, from 0 to 1, normalized: torchvision's `ImageClassification`, the preset of its published
 * weights.
 *
 * Its numbers on bytes are those of an image of PIL, which published accuracies are of: `Resize` alone, as torchvision's
 * of tensors, does not round between columns and rows, and a tenth of its pixels is another by 1/255. On floats, and
 * without `antialias`, they are those of tensors.
 *
 * Shape: `[..., C, H, W]`, uint8 or float32 from 0 to 1 → float32 `[..., C, cropSize, cropSize]`.
 *
 * When to use: on images for a network with published weights, in evaluation.
 *
 * @throws OutOfRangeError, FakkelError if an option is not as it says; ShapeError where the channels are not as many as
 * the means: grey images want `Grayscale(3)` before.
 * @example
 * const preset = new transforms.ImageClassification({ cropSize: 224 });
 * preset(new HostArray(new Uint8Array(3 * 300 * 400), [3, 300, 400], 'uint8')); // float32[3,224,224]
 */
export class ImageClassification extends Transform {
  readonly cropSize: number;
  readonly resizeSize: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  readonly interpolation: Interpolation;
  readonly antialias: boolean;

  /** @param options - See {@link ImageClassificationOptions}; the `transforms` of an entry of weights. */
  constructor(options: ImageClassificationOptions) {
    super();
    checkOptions('ImageClassification', options, KNOWN, 'new ImageClassification(…)');
    const { cropSize, resizeSize = 256, mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225] } = options;
    pairOf('ImageClassification', 'cropSize', cropSize);
    pairOf('ImageClassification', 'resizeSize', resizeSize);
    checkStatistics('ImageClassification', mean, std);
    const { interpolation = 'bilinear', antialias = true } = options;
    checkInterpolation('ImageClassification', interpolation, ['bilinear', 'bicubic', 'nearest']);
    this.cropSize = cropSize;
    this.resizeSize = resizeSize;
    this.mean = [...mean];
    this.std = [...std];
    this.interpolation = interpolation;
    this.antialias = antialias;
  }

  override forward(image: HostArray): HostArray {
    const resized = this.resized(image);
    return normalize(convertImageDtype(centerCrop(resized, this.cropSize), 'float32'), this.mean, this.std);
  }

  private resized(image: HostArray): HostArray {
    const { resizeSize: size, interpolation, antialias } = this;
    const options = { interpolation, antialias };
    const isPils = image.dtype === 'uint8' && antialias && interpolation !== 'nearest';
    if (!isPils || image.numel() === 0) return resize(image, size, options);
    const { height, width } = dimensionsOf('ImageClassification', image);
    const long = Math.trunc((size * Math.max(height, width)) / Math.min(height, width));
    return width <= height ? pilResize(image, long, size, interpolation) : pilResize(image, size, long, interpolation);
  }

  override recipe(): Recipe | undefined {
    const { cropSize, resizeSize, mean, std, interpolation, antialias } = this;
    const options = { cropSize, resizeSize, mean, std, interpolation, antialias };
    return recipeOf(this, ImageClassification, 'ImageClassification', options);
  }

  /** As torchvision prints it, over several lines. */
  override toString(): string {
    const lines = [
      `crop_size=${py([this.cropSize])}`,
      `resize_size=${py([this.resizeSize])}`,
      `mean=${pyFloats(this.mean)}`,
      `std=${pyFloats(this.std)}`,
      `interpolation=InterpolationMode.${this.interpolation.toUpperCase()}`,
      ...(this.antialias ? [] : ['antialias=False']),
    ];
    return `${this.constructor.name}(${lines.map((line) => `\n    ${line}`).join('')}\n)`;
  }
}
