/**
 * Random blur.
 */
import { OutOfRangeError, type Generator } from '@fakkel/core';
import type { SampleContext } from '../dataset.js';
import type { HostArray } from '../host-array.js';
import { checkOptions } from '../options.js';
import type { Recipe } from '../portable.js';
import { checkRange, uniform, type Range } from './draws.js';
import { gaussianBlur, kernelSizeOf } from './functional/blur.js';
import { show } from './pixels.js';
import { pyFloatTuple, pyTuple } from './repr.js';
import { generatorOf, recipeOf, Transform } from './transform.js';

/**
 * Blurred by a Gaussian of random width: torchvision's `GaussianBlur`.
 *
 * Shape: `[..., H, W]`, and the same; uint8 or float32.
 *
 * When to use: on training data where images may be out of focus, and in contrastive learning.
 *
 * @throws OutOfRangeError unless the kernel is odd and σ above 0.
 * @example
 * new transforms.GaussianBlur(3, { sigma: [0.1, 1] })(digits().get(0)[0]);
 */
export class GaussianBlur extends Transform {
  readonly kernelSize: readonly [number, number];
  readonly sigma: Range;

  /**
   * @param kernelSize - Odd; one number, or [width, height].
   * @param options - `sigma`: in pixels, [from, to] or one number. Default [0.1, 2].
   */
  constructor(kernelSize: number | readonly number[], options: { readonly sigma?: number | Range } = {}) {
    super();
    checkOptions('GaussianBlur', options, ['sigma'], 'new GaussianBlur(5, …)');
    this.kernelSize = kernelSizeOf('GaussianBlur', kernelSize);
    const { sigma = [0.1, 2] } = options;
    this.sigma = typeof sigma === 'number' ? [sigma, sigma] : checkRange('GaussianBlur', 'sigma', sigma);
    if (!(this.sigma[0] > 0)) {
      throw new OutOfRangeError(`GaussianBlur: sigma: expected more than 0, got ${show(sigma)}`);
    }
  }

  /** A width in pixels, drawn as torchvision draws it. */
  static getParams(sigmaMin: number, sigmaMax: number, generator: Generator): number {
    return uniform(generator, sigmaMin, sigmaMax);
  }

  override forward(image: HostArray, context?: SampleContext): HostArray {
    return gaussianBlur(image, this.kernelSize, GaussianBlur.getParams(...this.sigma, generatorOf(context)));
  }

  override recipe(): Recipe | undefined {
    return recipeOf(this, GaussianBlur, 'GaussianBlur', this.kernelSize, { sigma: this.sigma });
  }

  override extraRepr(): string {
    return `kernel_size=${pyTuple(this.kernelSize)}, sigma=${pyFloatTuple(this.sigma)}`;
  }
}
