/**
 * Flips.
 */
import type { SampleContext } from '../dataset.js';
import type { HostArray } from '../host-array.js';
import type { Recipe } from '../portable.js';
import { happens } from './draws.js';
import { hflip, vflip } from './functional/crop.js';
import { dimensionsOf } from './pixels.js';
import { pyFloat } from './repr.js';
import { checkProbability, generatorOf, recipeOf, Transform } from './transform.js';

/**
 * Left and right exchanged with probability p: torchvision's `RandomHorizontalFlip`.
 *
 * Shape: `[..., H, W]`, and the same.
 *
 * When to use: on training data whose mirror image is as likely: photographs, but not digits and letters.
 *
 * @throws FakkelError unless p is a probability.
 * @example
 * new transforms.RandomHorizontalFlip()(digits().get(0)[0]);
 */
export class RandomHorizontalFlip extends Transform {
  /** @param p - Probability of a flip. Default 0.5. */
  constructor(readonly p = 0.5) {
    super();
    checkProbability('RandomHorizontalFlip', p);
  }

  override forward(image: HostArray, context?: SampleContext): HostArray {
    dimensionsOf('RandomHorizontalFlip', image);
    return happens(generatorOf(context), this.p) ? hflip(image) : image;
  }

  override recipe(): Recipe | undefined {
    return recipeOf(this, RandomHorizontalFlip, 'RandomHorizontalFlip', this.p);
  }

  override extraRepr(): string {
    return `p=${pyFloat(this.p)}`;
  }
}

/**
 * Top and bottom exchanged with probability p: torchvision's `RandomVerticalFlip`.
 *
 * Shape: `[..., H, W]`, and the same.
 *
 * When to use: on training data without an up and down: from microscopes and satellites.
 *
 * @throws FakkelError unless p is a probability.
 * @example
 * new transforms.RandomVerticalFlip(0.3)(digits().get(0)[0]);
 */
export class RandomVerticalFlip extends Transform {
  /** @param p - Probability of a flip. Default 0.5. */
  constructor(readonly p = 0.5) {
    super();
    checkProbability('RandomVerticalFlip', p);
  }

  override forward(image: HostArray, context?: SampleContext): HostArray {
    dimensionsOf('RandomVerticalFlip', image);
    return happens(generatorOf(context), this.p) ? vflip(image) : image;
  }

  override recipe(): Recipe | undefined {
    return recipeOf(this, RandomVerticalFlip, 'RandomVerticalFlip', this.p);
  }

  override extraRepr(): string {
    return `p=${pyFloat(this.p)}`;
  }
}
