/**
 * Resizing, and resized crops.
 */
import type { Generator } from '@fakkel/core';
import type { SampleContext } from '../dataset.js';
import type { HostArray } from '../host-array.js';
import { checkOptions } from '../options.js';
import type { Recipe } from '../portable.js';
import { checkRange, randint, uniform, type Range } from './draws.js';
import { resizedCrop } from './functional/crop.js';
import { checkInterpolation, resize, RESIZE_OPTIONS, type ResizeOptions } from './functional/resize.js';
import { dimensionsOf, pairOf, roundHalfEven, type Interpolation, type Size } from './pixels.js';
import { py, pyFloatTuple, pyTuple } from './repr.js';
import { generatorOf, recipeOf, Transform } from './transform.js';

const INTERPOLATIONS = ['nearest', 'bilinear', 'bicubic'] as const;

/**
 * The image in another size: torchvision's `Resize`, with its numbers on tensors.
 *
 * Shape: `[..., H, W]` → `[..., h, w]`.
 *
 * When to use: where images differ in size, `Resize(256)` and a crop of 224 for networks trained on ImageNet. Leave
 * `antialias` on: without it pixels are skipped where an image shrinks to less than half.
 *
 * @throws OutOfRangeError if an argument is not as it says; DTypeError unless the image is uint8 or float32 (any dtype
 * with `nearest`).
 * @example
 * const image = new HostArray(new Uint8Array(3 * 60 * 80), [3, 60, 80], 'uint8');
 * new transforms.Resize(30)(image); // uint8[3,30,40]
 * new transforms.Resize([30, 30], { interpolation: 'bicubic' })(image); // uint8[3,30,30]
 */
export class Resize extends Transform {
  readonly size: number | readonly number[];
  readonly interpolation: Interpolation;
  readonly maxSize: number | null;
  readonly antialias: boolean;

  /**
   * @param size - Height and width; one number is the shorter side, and the other keeps the proportions.
   * @param options - See {@link ResizeOptions}.
   */
  constructor(size: number | readonly number[], options: ResizeOptions = {}) {
    super();
    checkOptions('Resize', options, RESIZE_OPTIONS, 'new Resize(256, …)');
    pairOf('Resize', 'size', size);
    this.size = size;
    this.interpolation = options.interpolation ?? 'bilinear';
    checkInterpolation('Resize', this.interpolation, INTERPOLATIONS);
    this.maxSize = options.maxSize ?? null;
    this.antialias = options.antialias ?? true;
  }

  override forward(image: HostArray): HostArray {
    const { interpolation, maxSize, antialias } = this;
    return resize(image, this.size, { interpolation, maxSize, antialias });
  }

  override recipe(): Recipe | undefined {
    const { interpolation, maxSize, antialias } = this;
    return recipeOf(this, Resize, 'Resize', this.size, { interpolation, maxSize, antialias });
  }

  override extraRepr(): string {
    const { size, interpolation, maxSize, antialias } = this;
    return `size=${py(size)}, interpolation=${interpolation}, max_size=${py(maxSize)}, antialias=${py(antialias)}`;
  }
}

/** Options of {@link RandomResizedCrop}. */
export interface RandomResizedCropOptions extends Pick<ResizeOptions, 'interpolation' | 'antialias'> {
  /** Part of the image's area that is cut out, from and to. Default [0.08, 1]. */
  readonly scale?: Range;
  /** Width / height of what is cut out, from and to. Default [3/4, 4/3]. */
  readonly ratio?: Range;
}

/**
 * A rectangle of random size, proportions and place, resized: torchvision's `RandomResizedCrop`. After ten draws that
 * do not fit in the image it is the middle.
 *
 * Shape: `[..., H, W]` → `[..., size[0], size[1]]`.
 *
 * When to use: on training data of photographs, with `RandomHorizontalFlip`; `Resize` and `CenterCrop` on test data.
 *
 * Source: Szegedy et al., "Going deeper with convolutions", 2014, section 6.
 *
 * @throws OutOfRangeError if an argument is not as it says.
 * @example
 * const transform = new transforms.RandomResizedCrop(24);
 * transform(new HostArray(new Uint8Array(3 * 60 * 80), [3, 60, 80], 'uint8')); // uint8[3,24,24]
 */
export class RandomResizedCrop extends Transform {
  readonly size: Size;
  readonly scale: Range;
  readonly ratio: Range;
  readonly interpolation: Interpolation;
  readonly antialias: boolean;

  /**
   * @param size - Height and width, or one number for both.
   * @param options - See {@link RandomResizedCropOptions}.
   */
  constructor(size: number | readonly number[], options: RandomResizedCropOptions = {}) {
    super();
    const known = ['scale', 'ratio', 'interpolation', 'antialias'];
    checkOptions('RandomResizedCrop', options, known, 'new RandomResizedCrop(224, …)');
    this.size = pairOf('RandomResizedCrop', 'size', size);
    this.scale = checkRange('RandomResizedCrop', 'scale', options.scale ?? [0.08, 1], 0);
    this.ratio = checkRange('RandomResizedCrop', 'ratio', options.ratio ?? [3 / 4, 4 / 3], Number.MIN_VALUE);
    this.interpolation = options.interpolation ?? 'bilinear';
    checkInterpolation('RandomResizedCrop', this.interpolation, INTERPOLATIONS);
    this.antialias = options.antialias ?? true;
  }

  /** Row, column, height and width of a crop, drawn as torchvision draws them. */
  static getParams(
    image: HostArray,
    scale: Range,
    ratio: Range,
    generator: Generator,
  ): [number, number, number, number] {
    const { height, width } = dimensionsOf('RandomResizedCrop', image);
    for (let attempt = 0; attempt < 10; attempt++) {
      const { area, aspect } = drawRectangle(height * width, scale, ratio, generator);
      const w = roundHalfEven(Math.sqrt(area * aspect));
      const h = roundHalfEven(Math.sqrt(area / aspect));
      if (w > 0 && w <= width && h > 0 && h <= height) {
        const i = randint(generator, 0, height - h + 1);
        return [i, randint(generator, 0, width - w + 1), h, w];
      }
    }
    const has = width / height;
    const [least, most] = ratio;
    const h = has < least ? roundHalfEven(width / least) : height;
    const w = has > most ? roundHalfEven(height * most) : width;
    return [Math.floor((height - h) / 2), Math.floor((width - w) / 2), h, w];
  }

  override forward(image: HostArray, context?: SampleContext): HostArray {
    const { size, scale, ratio, interpolation, antialias } = this;
    const rectangle = RandomResizedCrop.getParams(image, scale, ratio, generatorOf(context));
    return resizedCrop(image, ...rectangle, size, { interpolation, antialias });
  }

  override recipe(): Recipe | undefined {
    const { size, scale, ratio, interpolation, antialias } = this;
    return recipeOf(this, RandomResizedCrop, 'RandomResizedCrop', size, { scale, ratio, interpolation, antialias });
  }

  override extraRepr(): string {
    const { size, scale, ratio, interpolation, antialias } = this;
    const digits = (range: Range) => pyFloatTuple(range.map((v) => Number(v.toFixed(4))));
    return (
      `size=${pyTuple(size)}, scale=${digits(scale)}, ratio=${digits(ratio)}, interpolation=${interpolation}, ` +
      `antialias=${py(antialias)}`
    );
  }
}

/** Area and proportions of a rectangle in an image, the logarithm of these uniform. */
export function drawRectangle(
  pixels: number,
  scale: Range,
  ratio: Range,
  generator: Generator,
): { area: number; aspect: number } {
  const log = (r: number) => Math.fround(Math.log(Math.fround(r)));
  const area = pixels * uniform(generator, scale[0], scale[1]);
  return { area, aspect: Math.fround(Math.exp(uniform(generator, log(ratio[0]), log(ratio[1])))) };
}
