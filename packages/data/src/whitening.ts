/**
 * Whitening: features without correlation and of unit variance.
 */
import { Buffer, eye, FakkelError, isTensor, nn, ones, OutOfRangeError, ShapeError, tensor, zeros } from '@fakkel/core';
import type { Tensor } from '@fakkel/core';
import { inputOf } from './channel-normalizer.js';
import { CovarianceMoments } from './covariance.js';
import { asHostArray, HostArray, readTensor, sizeOf } from './host-array.js';
import { symmetricEigen } from './linear-algebra.js';
import { checkOptions } from './options.js';
import { LinearTransformation } from './transforms/conversion.js';

/** Options of {@link PCAWhitening} and {@link ZCAWhitening}. */
export interface WhiteningOptions {
  /**
   * How many principal components are kept: a number from 1 up, or below 1 the part of the variance that they must have
   * together (0.99). Default all.
   */
  readonly numComponents?: number;
  /** ε, added to the variances: what hardly varies is not blown up. In squared units of the data. Default 1e-5. */
  readonly eps?: number;
}

/** Statistics of whitening, on the host. */
export interface WhiteningStatistics {
  /** Samples seen. */
  readonly count: number;
  /** μ, `[D]`. */
  readonly mean: Float64Array;
  /** λ, the variances along the components, the largest first: `[K]`. */
  readonly variances: Float64Array;
  /** V, the principal components, one a row: `[K, D]`. */
  readonly components: HostArray;
}

/** What both have in common. */
abstract class Whitening extends nn.Module {
  readonly mean: Buffer;
  components: Buffer;
  std: Buffer;
  readonly count: Buffer;
  readonly numFeatures: number;
  readonly eps: number;
  /** What was asked for: a number, or a part of the variance. */
  private readonly wanted: number;
  /** The statistics in float64, as long as the buffers hold the same ones. */
  private fitted: WhiteningStatistics | null = null;

  constructor(numFeatures: number, options: WhiteningOptions = {}) {
    super();
    const name = new.target.name;
    checkOptions(name, options, ['numComponents', 'eps'], `new ${name}(${numFeatures}, …)`);
    const { numComponents = numFeatures, eps = 1e-5 } = options;
    if (!Number.isInteger(numFeatures) || numFeatures < 1) {
      throw new ShapeError(`${name}: expected a number of features from 1 up, got ${String(numFeatures)}`);
    }
    const isCount = Number.isInteger(numComponents) && numComponents >= 1 && numComponents <= numFeatures;
    if (!isCount && !(numComponents > 0 && numComponents < 1)) {
      throw new OutOfRangeError(
        `${name}: numComponents: expected a whole number from 1 to ${numFeatures}, or a part of the variance between 0 ` +
          `and 1, got ${String(numComponents)}`,
      );
    }
    if (!(eps >= 0)) throw new OutOfRangeError(`${name}: eps: expected a number from 0 up, got ${String(eps)}`);
    this.numFeatures = numFeatures;
    this.wanted = numComponents;
    this.eps = eps;
    const rows = isCount ? numComponents : numFeatures;
    this.mean = new Buffer(zeros([numFeatures]));
    this.components = new Buffer(eye(rows, numFeatures));
    this.std = new Buffer(ones([rows]));
    this.count = new Buffer(zeros([]));
  }

  /** K, how many components are kept. Where a part of the variance was asked for, it is known after `fit`. */
  get numComponents(): number {
    return this.std.shape[0];
  }

  /** The whitened `x`. */
  abstract override forward(x: Tensor): Tensor;

  /** What undoes the whitening, but for components that were left out. */
  abstract inverse(y: Tensor): Tensor;

  /** The matrix M of y = (x − μ) M, `[D, columns]`. */
  protected abstract matrixOf(statistics: WhiteningStatistics): HostArray;

  override extraRepr(): string {
    return `${this.numFeatures}, num_components=${this.numComponents}, eps=${this.eps}`;
  }

  /**
   * Learns mean and principal components of all batches, in float64.
   *
   * Time: N·D² for the covariance of N samples of D features, then some D³ for its eigenvectors, during which nothing
   * else runs on this thread. For the 3,072 numbers of a CIFAR image these are minutes: the README has figures.
   *
   * @param batches - A loader, or any iterable: of tensors or host arrays `[N, ...]` with D elements a sample, or of
   * tuples whose first entry is one.
   * @throws ShapeError if there are other than D elements; FakkelError naming a sample that holds NaN or Inf, if there was
   * no batch, or if ε is 0 and the data does not vary along a component. The statistics are unchanged then.
   */
  async fit(batches: AsyncIterable<unknown> | Iterable<unknown>): Promise<this> {
    const op = `${this.constructor.name}.fit`;
    const { numFeatures, eps, wanted } = this;
    const moments = new CovarianceMoments(numFeatures);
    for await (const batch of batches) {
      const x = inputOf(batch);
      moments.add(isTensor(x) ? await readTensor(x) : asHostArray(op, x), op);
    }
    const { count, mean } = moments;
    if (count === 0) throw new FakkelError(`${op}: there was no batch to learn from`);
    const { values, vectors } = await symmetricEigen(moments.covariance(), numFeatures);
    const variances = values.map((v) => Math.max(v, 0));
    const k = wanted >= 1 ? wanted : countFor(variances, wanted);
    // Rounding leaves variances of 1e-16 of the largest where there is none.
    const rank = variances.findLastIndex((v) => v > variances[0] * 1e-13) + 1;
    if (eps === 0 && rank < k) {
      throw new FakkelError(
        `${op}: the data varies along ${rank} components only, so ${k} can't be scaled to unit variance. Pass an eps ` +
          `above 0, or numComponents: ${Math.max(rank, 1)}.`,
      );
    }
    const components = new HostArray(vectors.slice(0, k * numFeatures), [k, numFeatures]);
    this.take({ count, mean, variances: variances.slice(0, k), components });
    return this;
  }

  /** Puts statistics into the buffers. */
  private take(statistics: WhiteningStatistics): void {
    const { device } = this.mean;
    const { count, mean, variances, components } = statistics;
    const rows = tensor(new Float32Array(components.data), { shape: components.shape, device });
    const std = tensor(this.stdOf(variances), { device });
    this.mean.assign(tensor(new Float32Array(mean), { device }));
    this.count.assign(tensor(count, { device }));
    if (std.shape[0] === this.numComponents) {
      this.components.assign(rows);
      this.std.assign(std);
    } else {
      this.components = new Buffer(rows);
      this.std = new Buffer(std);
    }
    this.fitted = statistics;
  }

  /** √(λ + ε), in float32. */
  private stdOf(variances: Float64Array): Float32Array {
    return Float32Array.from(variances, (v) => Math.sqrt(v + this.eps));
  }

  /** The statistics, in float64 where they have not been loaded from a file. */
  async statistics(): Promise<WhiteningStatistics> {
    const { mean, components, std, count, fitted } = this;
    const [m, rows, s, n] = await Promise.all([mean.data(), components.data(), std.data(), count.item()]);
    const isFitted =
      fitted?.count === n &&
      fitted.mean.every((v, i) => Math.fround(v) === m[i]) &&
      this.stdOf(fitted.variances).every((v, i) => v === s[i]);
    if (isFitted) return fitted;
    return {
      count: n,
      mean: Float64Array.from(m),
      variances: Float64Array.from(s, (v) => Math.max(v * v - this.eps, 0)),
      components: new HostArray(Float64Array.from(rows), components.shape),
    };
  }

  /** The same whitening of samples on the host: a transform for a dataset. */
  async toTransform(): Promise<LinearTransformation> {
    const statistics = await this.statistics();
    return new LinearTransformation(this.matrixOf(statistics), new HostArray(statistics.mean));
  }

  /** (x − μ) Vᵀ / √(λ + ε): coordinates along the components, `[N, K]`. */
  protected project(x: Tensor): Tensor {
    this.check(this.constructor.name, x, this.numFeatures);
    const centered = x.flatten(1).sub(this.mean);
    return centered.matmul(this.rows(centered).t()).div(this.std);
  }

  /** V, in the dtype of `x`. */
  protected rows(x: Tensor): Tensor {
    return this.components.to(x.dtype);
  }

  /** Throws unless `x` has `size` elements a sample. */
  protected check(op: string, x: Tensor, size: number): void {
    if (x.ndim >= 2 && sizeOf(x.shape.slice(1)) === size) return;
    throw new ShapeError(
      `${op}: expected [N, ...] with ${size} elements a sample, got ${x.dtype}[${x.shape.join(',')}]`,
    );
  }
}

/** How many of the variances, the largest first, have `part` of their sum. */
function countFor(variances: Float64Array, part: number): number {
  const total = variances.reduce((sum, v) => sum + v, 0);
  let sum = 0;
  const last = variances.findIndex((v) => (sum += v) >= part * total);
  return last < 0 ? variances.length : last + 1;
}

/**
 * Whitening by principal component analysis: features along the principal components, without correlation and of unit
 * variance,
 *
 *     y = Λ^(−½) V (x − μ),   Cov(x) = Vᵀ Λ V,   with λ + ε in place of λ,
 *
 * with the rows of V the eigenvectors of the covariance (divided by n) of the data that {@link PCAWhitening.fit} was given,
 * the largest variance first. Of v and −v it is that whose largest element is positive, so the same data gives the same
 * features. With `numComponents` the components that vary least are left out.
 *
 * As a module its statistics are buffers: they are saved and loaded with the model, or alone, and test data gets the same
 * whitening. Gradients flow through it. Where a part of the variance was asked for, their shape is known after `fit`:
 * construct it with `numComponents: whitening.numComponents` to load them. Before `fit` it changes nothing.
 *
 * Shape: input `[N, ...]` with D elements a sample, output `[N, K]`.
 *
 * Buffers: `mean` `[D]`, `components` `[K, D]` (V), `std` `[K]` (√(λ + ε)), `count` `[]` (samples), float32.
 *
 * When to use: on data other than images whose features are highly correlated (the lecture, data normalization), and to
 * make them fewer. Images are normalized along each channel, by {@link RunningNormalizer}.
 *
 * Source: http://cs231n.github.io/neural-networks-2/#datapre; the covariance batch by batch as Chan, Golub and LeVeque,
 * 1979.
 *
 * @example
 * const whitening = new PCAWhitening(64, { numComponents: 0.95 });
 * await whitening.fit(new DataLoader(digits(), { batchSize: 256 }));
 * whitening.numComponents; // 29
 */
export class PCAWhitening extends Whitening {
  /** Λ^(−½) V (x − μ): `[N, K]`. */
  override forward(x: Tensor): Tensor {
    return this.project(x);
  }

  /** Vᵀ Λ^½ y + μ: `[N, D]`. */
  override inverse(y: Tensor): Tensor {
    this.check('PCAWhitening.inverse', y, this.numComponents);
    const along = y.flatten(1).mul(this.std);
    return along.matmul(this.rows(along)).add(this.mean);
  }

  protected matrixOf({ variances, components }: WhiteningStatistics): HostArray {
    const [k, d] = components.shape;
    const out = new Float64Array(d * k);
    for (let row = 0; row < k; row++) {
      const scale = Math.sqrt(variances[row] + this.eps);
      for (let i = 0; i < d; i++) out[i * k + row] = components.data[row * d + i] / scale;
    }
    return new HostArray(out, [d, k]);
  }
}

/**
 * Whitening by zero-phase component analysis: features without correlation and of unit variance that are as close to the
 * given ones as such features can be,
 *
 *     y = Vᵀ Λ^(−½) V (x − μ),   Cov(x) = Vᵀ Λ V,   with λ + ε in place of λ.
 *
 * That is {@link PCAWhitening}, turned back by Vᵀ: whitened images still look like images, with their edges stressed.
 *
 * Shape: input `[N, ...]` with D elements a sample, output the same.
 *
 * Buffers: as {@link PCAWhitening}.
 *
 * When to use: on small images where networks are trained without batch normalization, or the whitened data should still
 * be an image. A larger ε (0.1 for pixels from 0 to 1) keeps noise down.
 *
 * Source: A. Bell, T. Sejnowski, "The independent components of natural scenes are edge filters", 1997; A. Krizhevsky,
 * "Learning multiple layers of features from tiny images", 2009, appendix A.
 *
 * @example
 * const whitening = new ZCAWhitening(64, { eps: 0.01 });
 * await whitening.fit(new DataLoader(digits(), { batchSize: 256 }));
 * const toNetwork = await whitening.toTransform(); // for samples: float32[1,8,8] as before
 */
export class ZCAWhitening extends Whitening {
  /** Vᵀ Λ^(−½) V (x − μ), in the shape of `x`. */
  override forward(x: Tensor): Tensor {
    const along = this.project(x);
    return along.matmul(this.rows(along)).reshape(x.shape);
  }

  /** Vᵀ Λ^½ V y + μ, in the shape of `y`. */
  override inverse(y: Tensor): Tensor {
    this.check('ZCAWhitening.inverse', y, this.numFeatures);
    const rows = this.rows(y);
    return y.flatten(1).matmul(rows.t()).mul(this.std).matmul(rows).add(this.mean).reshape(y.shape);
  }

  protected matrixOf({ variances, components }: WhiteningStatistics): HostArray {
    const [k, d] = components.shape;
    const { data } = components;
    const out = new Float64Array(d * d);
    for (let row = 0; row < k; row++) {
      const scale = 1 / Math.sqrt(variances[row] + this.eps);
      for (let i = 0; i < d; i++) {
        const factor = data[row * d + i] * scale;
        for (let j = 0; j < d; j++) out[i * d + j] += factor * data[row * d + j];
      }
    }
    return new HostArray(out, [d, d]);
  }
}
