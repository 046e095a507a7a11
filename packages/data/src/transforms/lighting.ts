/**
 * AlexNet's change of colours along their principal components.
 */
import { FakkelError, isTensor, OutOfRangeError, ShapeError, type Generator, type Tensor } from '@fakkel/core';
import { CovarianceMoments } from '../covariance.js';
import type { SampleContext } from '../dataset.js';
import { asHostArray, HostArray, readTensor, type HostSource } from '../host-array.js';
import { symmetricEigen } from '../linear-algebra.js';
import { checkOptions } from '../options.js';
import type { Recipe } from '../portable.js';
import { checkPixels, dimensionsOf, imageOf, newPixels, show, whiteOf } from './pixels.js';
import { pyFloat } from './repr.js';
import { generatorOf, recipeOf, Transform } from './transform.js';

/** Of the colours of ImageNet, from 0 to 1: those of `fb.resnet.torch`, which everyone uses. */
const IMAGENET = {
  eigenvalues: [0.2175, 0.0188, 0.0045],
  eigenvectors: [
    [-0.5675, -0.5808, -0.5836],
    [0.7192, -0.0045, -0.6948],
    [0.4009, -0.814, 0.4203],
  ],
};

/** Options of {@link Lighting}. */
export interface LightingOptions {
  /** Standard deviation of α. Default 0.1, the paper's. */
  readonly alphaStd?: number;
  /** λ, one for each component, of pixels from 0 to 1. Default ImageNet's. */
  readonly eigenvalues?: readonly number[];
  /** p, the components, one a row: `[components][channels]`. Default ImageNet's. */
  readonly eigenvectors?: readonly (readonly number[])[];
}

/**
 * AlexNet's PCA lighting noise: to all pixels of an image is added
 *
 *     Σᵢ αᵢ λᵢ pᵢ,   αᵢ ~ N(0, alphaStd²) drawn for each image,
 *
 * with λᵢ and pᵢ the eigenvalues and eigenvectors of the covariance of the colours of the training data: light that is
 * stronger or of another colour, as in nature, and not any colour. Those of one's own data: {@link Lighting.fit}.
 *
 * Shape: `[..., 3, H, W]`, and the same (as many channels as the eigenvectors have); float32 from 0 to 1, or uint8, which
 * is rounded and cut at 0 and 255.
 *
 * When to use: on training data of photographs, after `ToTensor` and before `Normalize`. In AlexNet it took 1 % off the
 * top-1 error.
 *
 * Source: Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012, section 4.1.
 *
 * @throws OutOfRangeError, ShapeError if an argument is not as it says.
 * @example
 * const image = new HostArray(new Float32Array(3 * 4 * 4).fill(0.5), [3, 4, 4]);
 * new transforms.Lighting()(image); // float32[3,4,4]
 */
export class Lighting extends Transform {
  readonly alphaStd: number;
  readonly eigenvalues: readonly number[];
  readonly eigenvectors: readonly (readonly number[])[];

  /** @param options - See {@link LightingOptions}. */
  constructor(options: LightingOptions = {}) {
    super();
    checkOptions('Lighting', options, ['alphaStd', 'eigenvalues', 'eigenvectors'], 'new Lighting(…)');
    this.alphaStd = options.alphaStd ?? 0.1;
    if (!(this.alphaStd >= 0)) {
      throw new OutOfRangeError(`Lighting: alphaStd: expected a number from 0 up, got ${show(this.alphaStd)}`);
    }
    this.eigenvalues = options.eigenvalues ?? IMAGENET.eigenvalues;
    this.eigenvectors = options.eigenvectors ?? IMAGENET.eigenvectors;
    const [first] = this.eigenvectors;
    const sizes = new Set(this.eigenvectors.map((vector) => vector.length));
    if (first === undefined || sizes.size !== 1 || this.eigenvectors.length !== this.eigenvalues.length) {
      throw new ShapeError(
        `Lighting: expected an eigenvector, with an element for each channel, for each eigenvalue; got ` +
          `${this.eigenvectors.length} vectors for ${this.eigenvalues.length} values`,
      );
    }
  }

  /**
   * The lighting noise of one's own data.
   *
   * @param batches - A loader, or any iterable: of images `[N, C, H, W]`, tensors from 0 to 1 or host arrays (uint8 counts
   * as 255ths), or of tuples whose first entry is such.
   * @param options - `alphaStd`.
   * @example
   * const images = new HostArray(Uint8Array.from({ length: 2 * 3 * 4 }, (_, i) => i * 10), [2, 3, 2, 2], 'uint8');
   * const lighting = await transforms.Lighting.fit([images]);
   */
  static async fit(
    batches: AsyncIterable<unknown> | Iterable<unknown>,
    options: Pick<LightingOptions, 'alphaStd'> = {},
  ): Promise<Lighting> {
    let moments: CovarianceMoments | undefined;
    for await (const batch of batches) {
      const x = (Array.isArray(batch) ? batch[0] : batch) as Tensor | HostSource;
      const images = isTensor(x) ? await readTensor(x) : asHostArray('Lighting.fit', x);
      if (images.shape.length !== 4) {
        throw new ShapeError(`Lighting.fit: expected images [N, C, H, W], got ${String(images)}`);
      }
      moments ??= new CovarianceMoments(images.shape[1]);
      moments.add(pixelsOf(images), 'Lighting.fit');
    }
    if (!moments || moments.count === 0) throw new FakkelError('Lighting.fit: there was no batch to learn from');
    const n = moments.features;
    const { values, vectors } = await symmetricEigen(moments.covariance(), n);
    return new Lighting({
      ...options,
      eigenvalues: Array.from(values),
      eigenvectors: Array.from(values, (_, i) => Array.from(vectors.subarray(i * n, (i + 1) * n))),
    });
  }

  /** α, one for each component. */
  static getParams(components: number, alphaStd: number, generator: Generator): Float32Array {
    const alpha = new Float32Array(components);
    generator.normal(alpha, 0, alphaStd);
    return alpha;
  }

  override forward(image: HostArray, context?: SampleContext): HostArray {
    const { eigenvalues, eigenvectors } = this;
    const { channels, height, width } = dimensionsOf('Lighting', image);
    checkPixels('Lighting', image);
    if (channels !== eigenvectors[0].length) {
      throw new ShapeError(
        `Lighting: expected ${eigenvectors[0].length} channels, as the eigenvectors have, got ${String(image)}`,
      );
    }
    const alpha = Lighting.getParams(eigenvalues.length, this.alphaStd, generatorOf(context));
    const { data } = image;
    const out = newPixels(image.dtype, data.length);
    const size = height * width;
    for (let start = 0, c = 0; start < data.length; start += size, c = (c + 1) % channels) {
      const shift = eigenvectors.reduce((sum, vector, i) => sum + alpha[i] * eigenvalues[i] * vector[c], 0);
      const added = shift * whiteOf(image);
      for (let i = start; i < start + size; i++) out[i] = data[i] + added;
    }
    return imageOf(out, image, { height, width });
  }

  override recipe(): Recipe | undefined {
    const { alphaStd, eigenvalues, eigenvectors } = this;
    return recipeOf(this, Lighting, 'Lighting', { alphaStd, eigenvalues, eigenvectors });
  }

  override extraRepr(): string {
    return `alphastd=${pyFloat(this.alphaStd)}`;
  }
}

/** `[N, C, H, W]` as `[N·H·W, C]`, from 0 to 1. */
function pixelsOf(images: HostArray): HostArray {
  const { data } = images;
  const [n, channels, height, width] = images.shape;
  const size = height * width;
  const scale = whiteOf(images) === 255 ? 255 : 1;
  const out = new Float64Array(data.length);
  for (let at = 0, plane = 0; plane < n * channels; plane++) {
    const first = Math.floor(plane / channels) * size * channels + (plane % channels);
    for (let i = 0; i < size; i++, at++) out[first + i * channels] = data[at] / scale;
  }
  return new HostArray(out, [n * size, channels]);
}
