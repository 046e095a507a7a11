/**
 * Mixtures of two images and of their labels: of batches, after the loader.
 */
import {
  arange,
  FakkelError,
  isTensor,
  oneHot,
  OutOfRangeError,
  scope,
  ShapeError,
  where,
  type Generator,
  type Tensor,
} from '@fakkel/core';
import type { SampleContext } from '../dataset.js';
import { checkOptions } from '../options.js';
import type { Recipe } from '../portable.js';
import { rand, randint } from './draws.js';
import { show, type Size } from './pixels.js';
import { pyFloat } from './repr.js';
import { checkProbability, generatorOf, recipeOf, Transform } from './transform.js';

/** Images `[N, C, H, W]`, float, and their labels: int32 `[N]`, or probabilities `[N, numClasses]`. */
export type Batch = readonly [images: Tensor, labels: Tensor];

/** Options of {@link Mixup} and {@link CutMix}. */
export interface MixOptions {
  /** K: labels become probabilities of so many classes. */
  readonly numClasses: number;
  /** λ is drawn from Beta(α, α): near 0 or 1 for small α, anywhere for 1, near ½ for large α. Default 1. */
  readonly alpha?: number;
  /** Probability that a batch is mixed. Default 1. */
  readonly p?: number;
}

/** What both have in common. */
abstract class Mix extends Transform<Batch, [images: Tensor, labels: Tensor]> {
  readonly numClasses: number;
  readonly alpha: number;
  readonly p: number;

  constructor(
    private readonly title: string,
    options: MixOptions,
  ) {
    super();
    checkOptions(title, options, ['numClasses', 'alpha', 'p'], `new ${title}(…)`);
    this.numClasses = options.numClasses;
    this.alpha = options.alpha ?? 1;
    this.p = options.p ?? 1;
    if (!Number.isInteger(this.numClasses) || this.numClasses < 1) {
      throw new OutOfRangeError(
        `${title}: numClasses: expected a whole number from 1 up, got ${show(this.numClasses)}`,
      );
    }
    if (!(this.alpha > 0))
      throw new OutOfRangeError(`${title}: alpha: expected a number above 0, got ${show(this.alpha)}`);
    checkProbability(title, this.p);
  }

  override forward(batch: Batch, context?: SampleContext): [images: Tensor, labels: Tensor] {
    const [images, labels] = checkBatch(this.title, batch);
    const generator = generatorOf(context);
    return scope(() => {
      const soft = this.soften(images, labels);
      return rand(generator) >= Math.fround(this.p) ? [images, soft] : this.mix(images, soft, generator);
    });
  }

  /** Labels as probabilities. */
  private soften(images: Tensor, labels: Tensor): Tensor {
    const [n] = images.shape;
    if (labels.ndim === 1 && labels.shape[0] === n) return oneHot(labels, this.numClasses).to(images.dtype);
    if (labels.ndim === 2 && labels.shape[0] === n && labels.shape[1] === this.numClasses) return labels;
    throw new ShapeError(
      `${this.title}: expected labels [${n}], or probabilities [${n},${this.numClasses}], got ` +
        `${labels.dtype}[${labels.shape.join(',')}]`,
    );
  }

  protected abstract mix(images: Tensor, labels: Tensor, generator: Generator): [images: Tensor, labels: Tensor];

  override extraRepr(): string {
    return `num_classes=${this.numClasses}, p=${pyFloat(this.p)}, alpha=${pyFloat(this.alpha)}`;
  }
}

function checkBatch(op: string, batch: Batch): Batch {
  const both: unknown = batch;
  if (!Array.isArray(both) || both.length !== 2 || !both.every(isTensor)) {
    throw new TypeError(
      `${op}: expected [images, labels], the two tensors of a loader's batch. It mixes batches: for await (const batch of ` +
        `loader) { const [images, labels] = mix(batch); … }.`,
    );
  }
  const [images] = batch;
  if (images.ndim !== 4 || (images.dtype !== 'float32' && images.dtype !== 'float64')) {
    throw new ShapeError(
      `${op}: expected images [N, C, H, W] of floats, got ${images.dtype}[${images.shape.join(',')}]`,
    );
  }
  return batch;
}

/** λ·a + (1 − λ)·b, with b the samples before: the batch turned by one, instead of another one. */
function blend(x: Tensor, lambda: number): Tensor {
  return x.mul(lambda).add(x.roll(1, 0).mul(1 - lambda));
}

/**
 * Each image, and its label, mixed with the one before it in the batch,
 *
 *     x = λ xᵢ + (1 − λ) xⱼ,   y = λ yᵢ + (1 − λ) yⱼ,   λ ~ Beta(α, α) drawn for each batch.
 *
 * It is applied to a loader's batch, on the device, and compiles nothing new from one λ to the next. The labels become
 * probabilities `[N, numClasses]`, which `nn.CrossEntropyLoss` takes.
 *
 * Shape: images `[N, C, H, W]` and labels `[N]` (int32) or `[N, numClasses]` → images `[N, C, H, W]`, labels
 * `[N, numClasses]`.
 *
 * When to use: on training batches, where a network is sure of labels that it gets wrong; small α (0.2) for ImageNet.
 *
 * Source: Zhang et al., "mixup: beyond empirical risk minimization", 2017; torchvision 0.14's reference scripts.
 *
 * @throws OutOfRangeError, ShapeError, TypeError if an argument is not as it says.
 * @example
 * const mixup = new transforms.Mixup({ numClasses: 10, alpha: 0.2 });
 * for await (const batch of new DataLoader(digits(), { batchSize: 64, shuffle: true })) {
 *   const [images, labels] = mixup(batch); // float32[64,1,8,8] and float32[64,10]
 *   break;
 * }
 */
export class Mixup extends Mix {
  /** @param options - See {@link MixOptions}. */
  constructor(options: MixOptions) {
    super('Mixup', options);
  }

  /** λ, drawn as PyTorch draws from a Dirichlet distribution. */
  static getParams(alpha: number, generator: Generator): number {
    return drawBeta(alpha, generator);
  }

  protected mix(images: Tensor, labels: Tensor, generator: Generator): [images: Tensor, labels: Tensor] {
    const lambda = Mixup.getParams(this.alpha, generator);
    return [blend(images, lambda), blend(labels, lambda)];
  }

  override recipe(): Recipe | undefined {
    const { numClasses, alpha, p } = this;
    return recipeOf(this, Mixup, 'Mixup', { numClasses, alpha, p });
  }
}

/** What {@link CutMix} draws: the rectangle, ends excluded, and the part of the image that stays. */
export interface CutMixParams {
  readonly top: number;
  readonly bottom: number;
  readonly left: number;
  readonly right: number;
  readonly lambda: number;
}

/**
 * In each image a rectangle is replaced by that of the image before it in the batch, and its label mixed with that
 * image's in proportion to the areas,
 *
 *     y = λ yᵢ + (1 − λ) yⱼ,   λ = 1 − the rectangle's part of the image,
 *
 * with a rectangle of √(1 − λ') times the image's sides, λ' ~ Beta(α, α), around a point drawn for each batch, cut at
 * the edges. It is applied to a loader's batch, on the device, and compiles nothing new from one rectangle to the next.
 *
 * Shape: as {@link Mixup}.
 *
 * When to use: as {@link Mixup}, or one of both for each batch: `new RandomChoice([mixup, cutMix])`. What it shows stays
 * a natural image, so it also helps to find things in it.
 *
 * Source: Yun et al., "CutMix: regularization strategy to train strong classifiers with localizable features", 2019;
 * torchvision 0.14's reference scripts.
 *
 * @throws OutOfRangeError, ShapeError, TypeError if an argument is not as it says.
 * @example
 * const cutMix = new transforms.CutMix({ numClasses: 10 });
 * for await (const batch of new DataLoader(digits(), { batchSize: 64, shuffle: true })) {
 *   const [images, labels] = cutMix(batch); // float32[64,1,8,8] and float32[64,10]
 *   break;
 * }
 */
export class CutMix extends Mix {
  /** @param options - See {@link MixOptions}. */
  constructor(options: MixOptions) {
    super('CutMix', options);
  }

  /** The rectangle, drawn as torchvision's reference scripts draw it. */
  static getParams(alpha: number, [height, width]: Size, generator: Generator): CutMixParams {
    const drawn = drawBeta(alpha, generator);
    const x = randint(generator, 0, width);
    const y = randint(generator, 0, height);
    const half = 0.5 * Math.sqrt(1 - drawn);
    const [halfWidth, halfHeight] = [Math.trunc(half * width), Math.trunc(half * height)];
    const [left, right] = [Math.max(x - halfWidth, 0), Math.min(x + halfWidth, width)];
    const [top, bottom] = [Math.max(y - halfHeight, 0), Math.min(y + halfHeight, height)];
    return { top, bottom, left, right, lambda: 1 - ((right - left) * (bottom - top)) / (width * height) };
  }

  protected mix(images: Tensor, labels: Tensor, generator: Generator): [images: Tensor, labels: Tensor] {
    const [height, width] = images.shape.slice(2);
    const { top, bottom, left, right, lambda } = CutMix.getParams(this.alpha, [height, width], generator);
    // Bounds are compared with: slices would be other programs for each size.
    const within = (size: number, from: number, to: number): Tensor => {
      const at = arange(size, { dtype: 'float32', device: images.device });
      return at.ge(from).logicalAnd(at.lt(to));
    };
    const inside = within(height, top, bottom)
      .unsqueeze(-1)
      .logicalAnd(within(width, left, right));
    return [where(inside, images.roll(1, 0), images), blend(labels, lambda)];
  }

  override recipe(): Recipe | undefined {
    const { numClasses, alpha, p } = this;
    return recipeOf(this, CutMix, 'CutMix', { numClasses, alpha, p });
  }
}

/** `torch._sample_dirichlet(torch.tensor([alpha, alpha]))[0]`: Beta(alpha, alpha). */
function drawBeta(alpha: number, generator: Generator): number {
  const rate = Math.fround(alpha);
  const tiny = 2.2250738585072014e-308;
  const a = Math.max(tiny, drawGamma(rate, generator));
  const b = Math.max(tiny, drawGamma(rate, generator));
  return Math.fround(a / (a + b));
}

/**
 * A number of the gamma distribution with scale 1: Marsaglia and Tsang, "A simple method for generating gamma variables",
 * 2000, as in PyTorch 1.13, `aten/src/ATen/native/Distributions.h`, whose constants are float32.
 */
function drawGamma(alpha: number, generator: Generator): number {
  const uniform = new Float64Array(1);
  const normal = new Float64Array(1);
  let scale = 1;
  if (alpha < 1) {
    generator.uniform(uniform);
    scale = (1 - uniform[0]) ** (1 / alpha);
    alpha += 1;
  }
  const d = alpha - Math.fround(1 / 3);
  const c = 1 / Math.sqrt(9 * d);
  for (let attempt = 0; attempt < 1000; attempt++) {
    let y: number;
    do {
      generator.normal(normal);
      y = 1 + c * normal[0];
    } while (y <= 0);
    const v = y * y * y;
    generator.uniform(uniform);
    const u = 1 - uniform[0];
    const square = normal[0] * normal[0];
    if (u < 1 - Math.fround(0.0331) * square * square) return scale * d * v;
    if (Math.log(u) < 0.5 * square + d * (1 - v + Math.log(v))) return scale * d * v;
  }
  throw new FakkelError(`Mixup: no number of the gamma distribution was found with alpha ${alpha}`);
}
