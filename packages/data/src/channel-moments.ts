/**
 * Mean and variance of each channel, batch by batch, in float64.
 *
 * Source: T. Chan, G. Golub, R. LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances",
 * 1979: two sets A and B together have
 *
 *     n = nA + nB,   δ = meanB − meanA,   mean = meanA + δ·nB/n,   M2 = M2A + M2B + δ²·nA·nB/n,
 *
 * where M2 is the sum of squared deviations from the mean. Sums of squares would cancel where the mean is large.
 */
import { FakkelError, ShapeError } from '@fakkel/core';
import type { HostArray } from './host-array.js';
import { sizeOf } from './host-array.js';

/** Count, mean and spread of each channel. Immutable: merging gives new ones. */
export class ChannelMoments {
  private constructor(
    /** Values seen in each channel. */
    readonly count: number,
    /** Mean of each channel. */
    readonly mean: Float64Array,
    /** Sum of squared deviations of each channel from its mean. */
    private readonly m2: Float64Array,
  ) {}

  /** Of nothing: count 0. */
  static empty(channels: number): ChannelMoments {
    return new ChannelMoments(0, new Float64Array(channels), new Float64Array(channels));
  }

  /** From what was saved: the population standard deviation `std`. */
  static from(count: number, mean: ArrayLike<number>, std: ArrayLike<number>): ChannelMoments {
    return new ChannelMoments(
      count,
      Float64Array.from(mean),
      Float64Array.from(std, (s) => s * s * count),
    );
  }

  /**
   * Of one batch, by two passes.
   *
   * @param batch - `[N, C, ...]`.
   * @param op - How errors begin.
   * @throws ShapeError if there are other than `channels` channels; FakkelError naming the channel that holds NaN or Inf.
   */
  static ofBatch(batch: HostArray, channels: number, op: string): ChannelMoments {
    checkBatch(op, batch, channels);
    const [n, c, ...rest] = batch.shape;
    const size = sizeOf(rest);
    const count = n * size;
    const mean = new Float64Array(c);
    const m2 = new Float64Array(c);
    if (count === 0) return ChannelMoments.empty(c);
    const { data } = batch;
    for (let channel = 0; channel < c; channel++) {
      let sum = 0;
      for (let i = 0; i < n; i++) {
        const start = (i * c + channel) * size;
        for (let k = start; k < start + size; k++) sum += data[k];
      }
      if (!Number.isFinite(sum)) throw notFinite(batch, channel, size, op);
      const center = sum / count;
      let squares = 0;
      for (let i = 0; i < n; i++) {
        const start = (i * c + channel) * size;
        for (let k = start; k < start + size; k++) {
          const deviation = data[k] - center;
          squares += deviation * deviation;
        }
      }
      mean[channel] = center;
      m2[channel] = squares;
    }
    return new ChannelMoments(count, mean, m2);
  }

  /** Of both together. */
  merge(other: ChannelMoments): ChannelMoments {
    const count = this.count + other.count;
    if (count === 0) return this;
    const share = other.count / count;
    const mean = this.mean.map((a, i) => a + (other.mean[i] - a) * share);
    const m2 = this.m2.map((a, i) => {
      const delta = other.mean[i] - this.mean[i];
      return a + other.m2[i] + delta * delta * this.count * share;
    });
    return new ChannelMoments(count, mean, m2);
  }

  /** Population standard deviation of each channel, σ = √(M2/n); 1 before anything was seen. */
  std(): Float64Array {
    return this.m2.map((m) => (this.count === 0 ? 1 : Math.sqrt(m / this.count)));
  }
}

/** Throws unless a batch is `[N, channels, ...]` of numbers. */
export function checkBatch(op: string, batch: HostArray, channels: number): void {
  if (batch.shape.length >= 2 && batch.shape[1] === channels && batch.dtype !== 'bool') return;
  throw new ShapeError(`${op}: expected [N, ${channels}, ...] with ${channels} channels, got ${String(batch)}`);
}

/** The error for a channel of a batch `[N, C, ...]`, with `size` elements a sample, that holds NaN or Inf. */
export function notFinite(batch: HostArray, channel: number, size: number, op: string): FakkelError {
  const [n, c] = batch.shape;
  for (let i = 0; i < n; i++) {
    const start = (i * c + channel) * size;
    const value = batch.data.subarray(start, start + size).find((v) => !Number.isFinite(v));
    if (value === undefined) continue;
    return new FakkelError(
      `${op}: channel ${channel} holds ${value}, first in sample ${i} of the batch. The statistics are as before; find ` +
        `where the data comes from, or drop such samples.`,
    );
  }
  return new FakkelError(`${op}: the sum of channel ${channel} overflows`);
}
