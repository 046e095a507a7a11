/**
 * Mean and covariance of features, batch by batch, in float64.
 *
 * Source: as in `channel-moments.ts`, with the outer product δδᵀ in place of δ².
 */
import { FakkelError, ShapeError } from '@fakkel/core';
import { sizeOf, type HostArray } from './host-array.js';

/** Rows that are multiplied at once: as many sums in registers for each element of the matrix that is loaded. */
const BLOCK = 8;

/** Mean of D features, and sum of the products of their deviations from it. */
export class CovarianceMoments {
  /** Samples seen. */
  count = 0;
  readonly mean: Float64Array;
  /** Σ (x − mean)(x − mean)ᵀ; its upper triangle. */
  private readonly products: Float64Array;

  constructor(readonly features: number) {
    this.mean = new Float64Array(features);
    this.products = new Float64Array(features * features);
  }

  /**
   * Takes a batch in.
   *
   * @param batch - `[N, …]` with D elements a sample.
   * @param op - How errors begin.
   * @throws ShapeError if there are other than D features; FakkelError naming the sample that holds NaN or Inf. Nothing
   * is changed then.
   */
  add(batch: HostArray, op: string): void {
    const { features } = this;
    const [n] = batch.shape;
    if (batch.shape.length < 2 || sizeOf(batch.shape.slice(1)) !== features || batch.dtype === 'bool') {
      throw new ShapeError(`${op}: expected [N, ...] with ${features} features, got ${String(batch)}`);
    }
    if (n === 0) return;
    const { data } = batch;
    const odd = data.findIndex((v: number) => !Number.isFinite(v));
    if (odd >= 0) {
      throw new FakkelError(
        `${op}: sample ${Math.floor(odd / features)} of the batch holds ${data[odd]} in feature ${odd % features}. ` +
          `Find where the data comes from, or drop such samples.`,
      );
    }
    const mean = new Float64Array(features);
    for (let at = 0; at < data.length;) for (let i = 0; i < features; i++) mean[i] += data[at++];
    for (let i = 0; i < features; i++) mean[i] /= n;
    // Rows of zeros fill the last block.
    const centered = new Float64Array(Math.ceil(n / BLOCK) * BLOCK * features);
    for (let at = 0; at < data.length;) for (let i = 0; i < features; i++, at++) centered[at] = data[at] - mean[i];
    addProducts(this.products, centered, features);
    const total = this.count + n;
    const delta = mean.map((m, i) => m - this.mean[i]);
    const weight = (this.count * n) / total;
    for (let i = 0; i < features; i++) {
      this.mean[i] += (delta[i] * n) / total;
      const scaled = delta[i] * weight;
      if (weight > 0) for (let j = i; j < features; j++) this.products[i * features + j] += scaled * delta[j];
    }
    this.count = total;
  }

  /** Population covariance, divided by n: `[D, D]`, its upper triangle. */
  covariance(): Float64Array {
    return this.products.map((p) => p / this.count);
  }
}

/** products += XᵀX, upper triangle, of the rows of X. */
function addProducts(products: Float64Array, x: Float64Array, n: number): void {
  for (let start = 0; start < x.length; start += BLOCK * n) {
    const [b, c, d, e] = [start + n, start + 2 * n, start + 3 * n, start + 4 * n];
    const [f, g, h] = [start + 5 * n, start + 6 * n, start + 7 * n];
    for (let i = 0; i < n; i++) {
      const x0 = x[start + i];
      const x1 = x[b + i];
      const x2 = x[c + i];
      const x3 = x[d + i];
      const x4 = x[e + i];
      const x5 = x[f + i];
      const x6 = x[g + i];
      const x7 = x[h + i];
      const row = i * n;
      for (let j = i; j < n; j++) {
        products[row + j] +=
          x0 * x[start + j] + x1 * x[b + j] + x2 * x[c + j] + x3 * x[d + j] +
          (x4 * x[e + j] + x5 * x[f + j] + x6 * x[g + j] + x7 * x[h + j]); // prettier-ignore
      }
    }
  }
}
