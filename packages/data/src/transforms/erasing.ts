/**
 * Random erasing.
 */
import { DTypeError, OutOfRangeError, ShapeError, type Generator } from '@fakkel/core';
import type { SampleContext } from '../dataset.js';
import { HostArray } from '../host-array.js';
import { checkOptions } from '../options.js';
import type { Recipe } from '../portable.js';
import { checkRange, happens, randint, type Range } from './draws.js';
import { erase } from './functional/crop.js';
import { drawRectangle } from './geometry-resize.js';
import { dimensionsOf, roundHalfEven, show } from './pixels.js';
import { py, pyFloat, pyFloatTuple, pyTuple } from './repr.js';
import { checkProbability, generatorOf, recipeOf, Transform } from './transform.js';

/** Options of {@link RandomErasing}. */
export interface RandomErasingOptions {
  /** Probability of it. Default 0.5. */
  readonly p?: number;
  /** Part of the image's area that is erased, from and to. Default [0.02, 0.33]. */
  readonly scale?: Range;
  /** Height / width of what is erased, from and to. Default [0.3, 3.3]. */
  readonly ratio?: Range;
  /** What is written: a number, one for each channel, or 'random' normal numbers. Default 0. */
  readonly value?: number | readonly number[] | 'random';
}

/** What {@link RandomErasing} draws: row, column, height, width, and what is written there. */
export type ErasingParams = readonly [
  i: number,
  j: number,
  h: number,
  w: number,
  v: number | readonly number[] | HostArray,
];

/**
 * A random rectangle overwritten, with probability p: torchvision's `RandomErasing`. After ten draws that do not fit in
 * the image it is left as it is.
 *
 * Shape: `[..., C, H, W]`, and the same.
 *
 * When to use: on training data, after `ToTensor` and `Normalize`, so that 0 is the mean: the network learns not to
 * depend on one part of what it recognizes.
 *
 * Source: Zhong et al., "Random erasing data augmentation", 2017.
 *
 * @throws OutOfRangeError, ShapeError if an argument is not as it says; DTypeError for 'random' on bytes.
 * @example
 * new transforms.RandomErasing({ p: 1, value: 'random' })(digits().get(0)[0]); // float32[1,8,8]
 */
export class RandomErasing extends Transform {
  readonly p: number;
  readonly scale: Range;
  readonly ratio: Range;
  readonly value: number | readonly number[] | 'random';

  /** @param options - See {@link RandomErasingOptions}. */
  constructor(options: RandomErasingOptions = {}) {
    super();
    checkOptions('RandomErasing', options, ['p', 'scale', 'ratio', 'value'], 'new RandomErasing(…)', {
      inplace: 'Samples are never changed in place.',
    });
    this.p = options.p ?? 0.5;
    checkProbability('RandomErasing', this.p);
    this.scale = checkRange('RandomErasing', 'scale', options.scale ?? [0.02, 0.33], 0, 1);
    this.ratio = checkRange('RandomErasing', 'ratio', options.ratio ?? [0.3, 3.3], Number.MIN_VALUE);
    this.value = options.value ?? 0;
    const isValue = typeof this.value === 'number' || this.value === 'random' || Array.isArray(this.value);
    if (!isValue) {
      throw new OutOfRangeError(
        `RandomErasing: value: expected a number, one for each channel, or 'random', got ${show(this.value)}`,
      );
    }
  }

  /** Where, and what is written there, drawn as torchvision draws it; null where no rectangle fitted. */
  static getParams(
    image: HostArray,
    scale: Range,
    ratio: Range,
    value: number | readonly number[] | 'random',
    generator: Generator,
  ): ErasingParams | null {
    const { channels, height, width } = dimensionsOf('RandomErasing', image);
    for (let attempt = 0; attempt < 10; attempt++) {
      const { area, aspect } = drawRectangle(height * width, scale, ratio, generator);
      const h = roundHalfEven(Math.sqrt(area * aspect));
      const w = roundHalfEven(Math.sqrt(area / aspect));
      if (h >= height || w >= width) continue;
      let v: ErasingParams[4];
      if (value === 'random') {
        const noise = new Float32Array(channels * h * w);
        generator.normal(noise);
        v = new HostArray(noise, [channels, h, w]);
      } else {
        v = value;
      }
      const i = randint(generator, 0, height - h + 1);
      return [i, randint(generator, 0, width - w + 1), h, w, v];
    }
    return null;
  }

  override forward(image: HostArray, context?: SampleContext): HostArray {
    const { channels } = dimensionsOf('RandomErasing', image);
    const { value } = this;
    if (typeof value === 'object' && value.length !== 1 && value.length !== channels) {
      throw new ShapeError(
        `RandomErasing: value: ${value.length} numbers for ${channels} channels of ${String(image)}`,
      );
    }
    if (value === 'random' && image.dtype !== 'float32' && image.dtype !== 'float64') {
      throw new DTypeError(
        `RandomErasing: 'random' writes normal numbers, got ${String(image)}. Write new transforms.ToTensor() before it.`,
      );
    }
    const generator = generatorOf(context);
    if (!happens(generator, this.p)) return image;
    const params = RandomErasing.getParams(image, this.scale, this.ratio, value, generator);
    return params ? erase(image, ...params) : image;
  }

  override recipe(): Recipe | undefined {
    const { p, scale, ratio, value } = this;
    return recipeOf(this, RandomErasing, 'RandomErasing', { p, scale, ratio, value });
  }

  override extraRepr(): string {
    const value = typeof this.value === 'object' ? pyTuple(this.value) : py(this.value);
    return (
      `p=${pyFloat(this.p)}, scale=${pyFloatTuple(this.scale)}, ratio=${pyFloatTuple(this.ratio)}, ` +
      `value=${value}, inplace=False`
    );
  }
}
