/**
 * Normalization to zero mean and unit variance, with statistics that are updated batch by batch and saved with the model.
 */
import { Buffer, ones, tensor, where, zeros, type Tensor } from '@fakkel/core';
import { ChannelMoments } from './channel-moments.js';
import { alongChannels, checkChannels, ChannelNormalizer } from './channel-normalizer.js';
import type { HostArray } from './host-array.js';
import { Normalize } from './transforms/conversion.js';

/** Statistics of each channel, on the host. */
export interface ChannelStatistics {
  /** Values seen in each channel. */
  readonly count: number;
  readonly mean: Float64Array;
  /** Population standard deviation. */
  readonly std: Float64Array;
}

/**
 * Normalizes each channel to zero mean and unit variance,
 *
 *     y = (x − μ) / σ,
 *
 * with μ and σ the mean and the population standard deviation (divided by n) of all data that {@link
 * RunningNormalizer.update} was given. They are merged in float64 on the host, batch by batch, and give what one pass
 * over all data would. Freeze it after training; test data then gets the same normalization.
 *
 * As a module its statistics are buffers: they are saved and loaded with the model, in front of which it stands, or
 * alone. It has no parameters; gradients flow through it to `x`. Before the first update it changes nothing.
 *
 * A channel that does not vary, σ ≤ eps·|μ|, is centred and not scaled.
 *
 * Shape: input `[N, C, ...]` (images `[N, C, H, W]`, features `[N, F]`), output the same.
 *
 * Buffers: `mean` `[C]` and `std` `[C]`, `count` `[]` (values seen in each channel), float32; `frozen` `[]`, bool.
 * Saved statistics have float32's precision, so updating that goes on after loading differs in the 8th digit.
 *
 * When to use: always, as the first layer or as a transform of the data: inputs of equal scale let gradient descent go
 * straight to the minimum. For images along each channel, for other data each feature by itself (the lecture, data
 * normalization).
 *
 * Source: the running form by Chan, Golub and LeVeque, 1979 (see `channel-moments.ts`).
 *
 * @example
 * class Net extends nn.Module {
 *   normalizer = new RunningNormalizer(1);
 *   fc = new nn.Linear(64, 10);
 *   forward(x: Tensor) {
 *     return this.fc(this.normalizer(x).flatten(1));
 *   }
 * }
 * const net = new Net();
 * await net.normalizer.fit(new DataLoader(digits(), { batchSize: 64 })); // updates with each batch, then freezes
 */
export class RunningNormalizer extends ChannelNormalizer<ChannelMoments> {
  readonly mean: Buffer;
  readonly std: Buffer;
  readonly count: Buffer;
  readonly frozen: Buffer;
  readonly eps: number;
  /** The statistics in float64, as long as the buffers hold the same ones. */
  private moments: ChannelMoments;

  /**
   * @param numFeatures - Number of channels, C.
   * @param options - `eps`: a channel whose σ is at most eps·|μ| counts as constant. Default 1e-7, float32's precision.
   */
  constructor(numFeatures: number, options: { eps?: number } = {}) {
    super(numFeatures);
    this.eps = options.eps ?? 1e-7;
    this.mean = new Buffer(zeros([numFeatures]));
    this.std = new Buffer(ones([numFeatures]));
    this.count = new Buffer(zeros([]));
    this.frozen = new Buffer(tensor(false));
    this.moments = ChannelMoments.empty(numFeatures);
  }

  /** (x − μ) / σ along axis 1. */
  override forward(x: Tensor): Tensor {
    checkChannels('RunningNormalizer', x, this.numFeatures);
    return x.sub(alongChannels(this.mean, x)).div(alongChannels(this.scale(), x));
  }

  /** y · σ + μ along axis 1: what undoes the normalization. */
  override inverse(y: Tensor): Tensor {
    checkChannels('RunningNormalizer.inverse', y, this.numFeatures);
    return y.mul(alongChannels(this.scale(), y)).add(alongChannels(this.mean, y));
  }

  /** The statistics, in float64 where they have not been loaded from a file. */
  async statistics(): Promise<ChannelStatistics> {
    const moments = await this.inTurn(() => this.read());
    return { count: moments.count, mean: moments.mean.slice(), std: moments.std() };
  }

  /** The same normalization of samples on the host, `[C]`, `[C, L]` or `[C, H, W]`: a transform for a dataset. */
  async toTransform(): Promise<Normalize> {
    const { mean, std } = await this.statistics();
    return new Normalize(
      mean,
      std.map((s, i) => (s > this.eps * Math.abs(mean[i]) ? s : 1)),
    );
  }

  /** @internal */
  protected summarize(op: string, batch: HostArray): ChannelMoments {
    return ChannelMoments.ofBatch(batch, this.numFeatures, op);
  }

  /** @internal */
  protected async merge(moments: ChannelMoments): Promise<void> {
    const merged = (await this.read()).merge(moments);
    this.mean.assign(tensor(new Float32Array(merged.mean), { device: this.mean.device }));
    this.std.assign(tensor(new Float32Array(merged.std()), { device: this.std.device }));
    this.count.assign(tensor(merged.count, { device: this.count.device }));
    this.moments = merged;
  }

  /** σ, and 1 for constant channels. */
  private scale(): Tensor {
    return where(this.std.gt(this.mean.abs().mul(this.eps)), this.std, 1);
  }

  /** The statistics that the buffers hold: a state dict may have been loaded into them. */
  private async read(): Promise<ChannelMoments> {
    const [mean, std, count] = await Promise.all([this.mean.data(), this.std.data(), this.count.item()]);
    const mine = this.moments;
    const same =
      Math.fround(mine.count) === count &&
      mean.every((m, i) => m === Math.fround(mine.mean[i])) &&
      mine.std().every((s, i) => Math.fround(s) === std[i]);
    if (!same) this.moments = ChannelMoments.from(count, mean, std);
    return this.moments;
  }
}
