/**
 * Crops and borders.
 */
import { ShapeError, type Generator } from '@fakkel/core';
import type { SampleContext } from '../dataset.js';
import type { HostArray } from '../host-array.js';
import { checkOptions } from '../options.js';
import type { Recipe } from '../portable.js';
import { randint } from './draws.js';
import { centerCrop, crop, fiveCrop, tenCrop } from './functional/crop.js';
import { checkPadding, pad, sidesOf, type Padding, type PaddingMode, type PadOptions } from './functional/pad.js';
import { dimensionsOf, pairOf, type Size } from './pixels.js';
import { py, pyTuple } from './repr.js';
import { generatorOf, recipeOf, Transform } from './transform.js';

/**
 * The middle of the image: torchvision's `CenterCrop`. A smaller image gets a border of zeros.
 *
 * Shape: `[..., H, W]` → `[..., size[0], size[1]]`.
 *
 * When to use: on validation and test data, after `Resize`, where training data is cropped at random.
 *
 * @throws OutOfRangeError unless the size is whole numbers from 1 up.
 * @example
 * new transforms.CenterCrop(4)(digits().get(0)[0]); // float32[1,4,4]
 */
export class CenterCrop extends Transform {
  readonly size: Size;

  /** @param size - Height and width, or one number for both. */
  constructor(size: number | readonly number[]) {
    super();
    this.size = pairOf('CenterCrop', 'size', size);
  }

  override forward(image: HostArray): HostArray {
    return centerCrop(image, this.size);
  }

  override recipe(): Recipe | undefined {
    return recipeOf(this, CenterCrop, 'CenterCrop', this.size);
  }

  override extraRepr(): string {
    return `size=${pyTuple(this.size)}`;
  }
}

/**
 * A border: torchvision's `Pad`.
 *
 * Shape: `[..., H, W]` → `[..., top + H + bottom, left + W + right]`.
 *
 * @throws OutOfRangeError, TypeError if an argument is not as it says; ShapeError where a mirrored border is wider than
 * the image.
 * @example
 * new transforms.Pad(2, { paddingMode: 'reflect' })(digits().get(0)[0]); // float32[1,12,12]
 */
export class Pad extends Transform {
  readonly padding: Padding;
  readonly fill: number;
  readonly paddingMode: PaddingMode;

  /**
   * @param padding - Pixels on all sides, on [left and right, top and bottom], or on [left, top, right, bottom].
   * @param options - `fill`: of a constant border, default 0; `paddingMode`: default 'constant'.
   */
  constructor(padding: Padding, options: PadOptions = {}) {
    super();
    checkOptions('Pad', options, ['fill', 'paddingMode'], 'new Pad(2, …)');
    sidesOf('Pad', padding);
    this.padding = padding;
    this.fill = options.fill ?? 0;
    this.paddingMode = options.paddingMode ?? 'constant';
    checkPadding('Pad', this.fill, this.paddingMode);
  }

  override forward(image: HostArray): HostArray {
    return pad(image, this.padding, { fill: this.fill, paddingMode: this.paddingMode });
  }

  override recipe(): Recipe | undefined {
    return recipeOf(this, Pad, 'Pad', this.padding, { fill: this.fill, paddingMode: this.paddingMode });
  }

  override extraRepr(): string {
    return `padding=${py(this.padding)}, fill=${py(this.fill)}, padding_mode=${this.paddingMode}`;
  }
}

/** Options of {@link RandomCrop}. */
export interface RandomCropOptions extends PadOptions {
  /** A border made first: as for {@link Pad}. Default none. */
  readonly padding?: Padding | null;
  /** Whether an image smaller than the crop gets a border. Default false: it is an error. */
  readonly padIfNeeded?: boolean;
}

/**
 * A rectangle somewhere in the image: torchvision's `RandomCrop`.
 *
 * Shape: `[..., H, W]` → `[..., size[0], size[1]]`.
 *
 * When to use: on training data, `new RandomCrop(32, { padding: 4 })` for CIFAR: the network then sees each image at
 * every place and can't learn where things lie.
 *
 * @throws ShapeError where the image is smaller than the crop.
 * @example
 * const transform = new transforms.RandomCrop(32, { padding: 4 });
 * transform(new HostArray(new Uint8Array(3 * 32 * 32), [3, 32, 32], 'uint8')); // uint8[3,32,32]
 */
export class RandomCrop extends Transform {
  readonly size: Size;
  readonly padding: Padding | null;
  readonly padIfNeeded: boolean;
  readonly fill: number;
  readonly paddingMode: PaddingMode;

  /**
   * @param size - Height and width, or one number for both.
   * @param options - See {@link RandomCropOptions}.
   */
  constructor(size: number | readonly number[], options: RandomCropOptions = {}) {
    super();
    checkOptions('RandomCrop', options, ['padding', 'padIfNeeded', 'fill', 'paddingMode'], 'new RandomCrop(32, …)');
    this.size = pairOf('RandomCrop', 'size', size);
    this.padding = options.padding ?? null;
    if (this.padding !== null) sidesOf('RandomCrop', this.padding);
    this.padIfNeeded = options.padIfNeeded ?? false;
    this.fill = options.fill ?? 0;
    this.paddingMode = options.paddingMode ?? 'constant';
    checkPadding('RandomCrop', this.fill, this.paddingMode);
  }

  /** Row, column, height and width of a crop of `outputSize`, drawn as torchvision draws them. */
  static getParams(image: HostArray, outputSize: Size, generator: Generator): [number, number, number, number] {
    const { height, width } = dimensionsOf('RandomCrop', image);
    const [h, w] = outputSize;
    if (height < h || width < w) {
      throw new ShapeError(
        `RandomCrop: a crop of [${h}, ${w}] is larger than the image, ${String(image)}. Resize it, or pass padIfNeeded: true.`,
      );
    }
    if (height === h && width === w) return [0, 0, h, w];
    const i = randint(generator, 0, height - h + 1);
    return [i, randint(generator, 0, width - w + 1), h, w];
  }

  override forward(image: HostArray, context?: SampleContext): HostArray {
    const { fill, paddingMode } = this;
    const border = (padding: Padding) => (image = pad(image, padding, { fill, paddingMode }));
    if (this.padding !== null) border(this.padding);
    const { height, width } = dimensionsOf('RandomCrop', image);
    const [h, w] = this.size;
    if (this.padIfNeeded && width < w) border([w - width, 0]);
    if (this.padIfNeeded && height < h) border([0, h - height]);
    return crop(image, ...RandomCrop.getParams(image, this.size, generatorOf(context)));
  }

  override recipe(): Recipe | undefined {
    const { padding, padIfNeeded, fill, paddingMode } = this;
    return recipeOf(this, RandomCrop, 'RandomCrop', this.size, { padding, padIfNeeded, fill, paddingMode });
  }

  override extraRepr(): string {
    return `size=${pyTuple(this.size)}, padding=${py(this.padding)}`;
  }
}

/**
 * The four corners and the middle: torchvision's `FiveCrop`.
 *
 * Shape: `[..., H, W]` → five of `[..., size[0], size[1]]`. A loader makes five tensors of them.
 *
 * When to use: at test time, averaging the predictions of the five (AlexNet averages those of the ten of `TenCrop`).
 *
 * @throws ShapeError where the image is smaller than a crop.
 * @example
 * const crops = new transforms.FiveCrop(6)(digits().get(0)[0]); // 5 × float32[1,6,6]
 */
export class FiveCrop extends Transform<HostArray, HostArray[]> {
  readonly size: Size;

  /** @param size - Height and width, or one number for both. */
  constructor(size: number | readonly number[]) {
    super();
    this.size = pairOf('FiveCrop', 'size', size);
  }

  override forward(image: HostArray): HostArray[] {
    return fiveCrop(image, this.size);
  }

  override recipe(): Recipe | undefined {
    return recipeOf(this, FiveCrop, 'FiveCrop', this.size);
  }

  override extraRepr(): string {
    return `size=${pyTuple(this.size)}`;
  }
}

/**
 * The five crops, and those of the flipped image: torchvision's `TenCrop`.
 *
 * Shape: `[..., H, W]` → ten of `[..., size[0], size[1]]`.
 *
 * When to use: as {@link FiveCrop}.
 *
 * Source: Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012, section 4.1.
 *
 * @throws ShapeError where the image is smaller than a crop.
 * @example
 * const toNetwork = new transforms.Compose<HostArray, HostArray[]>([
 *   new transforms.TenCrop(6),
 *   new transforms.Lambda((crops: HostArray[]) => crops.map((crop) => new transforms.Normalize([0.5], [0.5])(crop))),
 * ]);
 * toNetwork(digits().get(0)[0]).length; // 10
 */
export class TenCrop extends Transform<HostArray, HostArray[]> {
  readonly size: Size;
  readonly verticalFlip: boolean;

  /**
   * @param size - Height and width, or one number for both.
   * @param options - `verticalFlip`: top and bottom exchanged instead of left and right. Default false.
   */
  constructor(size: number | readonly number[], options: { readonly verticalFlip?: boolean } = {}) {
    super();
    checkOptions('TenCrop', options, ['verticalFlip'], 'new TenCrop(224, …)');
    this.size = pairOf('TenCrop', 'size', size);
    this.verticalFlip = options.verticalFlip ?? false;
  }

  override forward(image: HostArray): HostArray[] {
    return tenCrop(image, this.size, this.verticalFlip);
  }

  override recipe(): Recipe | undefined {
    return recipeOf(this, TenCrop, 'TenCrop', this.size, { verticalFlip: this.verticalFlip });
  }

  override extraRepr(): string {
    return `size=${pyTuple(this.size)}, vertical_flip=${py(this.verticalFlip)}`;
  }
}
