/**
 * Normalization to a range, with limits that are updated batch by batch and saved with the model.
 */
import { Buffer, OutOfRangeError, ones, tensor, where, zeros, type Tensor } from '@fakkel/core';
import { checkBatch, notFinite } from './channel-moments.js';
import { alongChannels, checkChannels, ChannelNormalizer } from './channel-normalizer.js';
import { sizeOf, type HostArray } from './host-array.js';
import { checkOptions } from './options.js';
import { Normalize } from './transforms/conversion.js';

/** Limits of each channel, on the host. */
export interface ChannelLimits {
  /** Values seen in each channel. */
  readonly count: number;
  readonly min: Float32Array;
  readonly max: Float32Array;
}

/** Options of {@link MinMaxNormalizer}. */
export interface MinMaxOptions {
  /** What the smallest and the largest value become. Default [0, 1]. */
  readonly range?: readonly [number, number];
}

/**
 * Brings each channel into a range,
 *
 *     y = a + (b − a) · (x − min) / (max − min),
 *
 * with min and max the smallest and the largest value of the data that {@link MinMaxNormalizer.update} was given.
 * Other data may exceed the range; it is not cut. A channel that does not vary becomes `a`.
 *
 * As a module its limits are buffers: they are saved and loaded with the model, or alone. Before the first update min is
 * 0 and max is 1.
 *
 * Shape: input `[N, C, ...]` (images `[N, C, H, W]`, features `[N, F]`), output the same.
 *
 * Buffers: `min` `[C]`, `max` `[C]` and `count` `[]`, float32; `frozen` `[]`, bool.
 *
 * When to use: where values are wanted between limits: pixels of unusual sensors, features with hard bounds. One outlier
 * moves all others together: {@link RunningNormalizer} is the usual choice.
 *
 * @example
 * const normalizer = new MinMaxNormalizer(2, { range: [-1, 1] });
 * await normalizer.fit([tensor([[0, 10], [4, 30]])]);
 * await normalizer(tensor([[1, 20]])).toArray(); // [[-0.5, 0]]
 */
export class MinMaxNormalizer extends ChannelNormalizer<ChannelLimits> {
  readonly min: Buffer;
  readonly max: Buffer;
  readonly count: Buffer;
  readonly frozen: Buffer;
  readonly range: readonly [number, number];

  /**
   * @param numFeatures - Number of channels, C.
   * @param options - See {@link MinMaxOptions}.
   */
  constructor(numFeatures: number, options: MinMaxOptions = {}) {
    super(numFeatures);
    checkOptions('MinMaxNormalizer', options, ['range'], `new MinMaxNormalizer(${numFeatures}, …)`);
    const { range = [0, 1] } = options;
    if (!Array.isArray(range) || range.length !== 2 || !(range[0] < range[1])) {
      throw new OutOfRangeError(`MinMaxNormalizer: range: expected [low, high], got ${JSON.stringify(range)}`);
    }
    this.range = [range[0], range[1]];
    this.min = new Buffer(zeros([numFeatures]));
    this.max = new Buffer(ones([numFeatures]));
    this.count = new Buffer(zeros([]));
    this.frozen = new Buffer(tensor(false));
  }

  /** a + (b − a) · (x − min) / (max − min) along axis 1. */
  override forward(x: Tensor): Tensor {
    checkChannels('MinMaxNormalizer', x, this.numFeatures);
    const [low, high] = this.range;
    const part = x.sub(alongChannels(this.min, x)).div(alongChannels(this.extent(), x));
    return part.mul(high - low).add(low);
  }

  /** What undoes the normalization. */
  override inverse(y: Tensor): Tensor {
    checkChannels('MinMaxNormalizer.inverse', y, this.numFeatures);
    const [low, high] = this.range;
    const part = y.sub(low).div(high - low);
    return part.mul(alongChannels(this.extent(), y)).add(alongChannels(this.min, y));
  }

  override extraRepr(): string {
    return `${this.numFeatures}, range=(${this.range.join(', ')})`;
  }

  /** The limits. */
  async statistics(): Promise<ChannelLimits> {
    return this.inTurn(() => this.read());
  }

  /** The same normalization of samples on the host, `[C]`, `[C, L]` or `[C, H, W]`: a transform for a dataset. */
  async toTransform(): Promise<Normalize> {
    const { min, max } = await this.statistics();
    const [low, high] = this.range;
    // y = (x − m) / s with s the input of one unit of output, and m the input that becomes 0.
    const std = Float64Array.from(min, (m, i) => (max[i] > m ? max[i] - m : 1) / (high - low));
    return new Normalize(
      std.map((s, i) => min[i] - low * s),
      std,
    );
  }

  /** @internal */
  protected summarize(op: string, batch: HostArray): ChannelLimits {
    checkBatch(op, batch, this.numFeatures);
    const [n, channels, ...rest] = batch.shape;
    const size = sizeOf(rest);
    const min = new Float32Array(channels).fill(Infinity);
    const max = new Float32Array(channels).fill(-Infinity);
    for (let plane = 0; plane < n * channels; plane++) {
      const c = plane % channels;
      for (let i = plane * size; i < (plane + 1) * size; i++) {
        const value = batch.data[i];
        if (!Number.isFinite(value)) throw notFinite(batch, c, size, op);
        if (value < min[c]) min[c] = value;
        if (value > max[c]) max[c] = value;
      }
    }
    return { count: n * size, min, max };
  }

  /** @internal */
  protected async merge({ count, min, max }: ChannelLimits): Promise<void> {
    if (count === 0) return;
    const before = await this.read();
    const isFirst = before.count === 0;
    const device = this.min.device;
    this.min.assign(tensor(isFirst ? min : min.map((m, i) => Math.min(m, before.min[i])), { device }));
    this.max.assign(tensor(isFirst ? max : max.map((m, i) => Math.max(m, before.max[i])), { device }));
    this.count.assign(tensor(before.count + count, { device }));
  }

  private async read(): Promise<ChannelLimits> {
    const [min, max, count] = await Promise.all([this.min.data(), this.max.data(), this.count.item()]);
    return { count, min: Float32Array.from(min), max: Float32Array.from(max) };
  }

  /** max − min, and 1 for constant channels. */
  private extent(): Tensor {
    const extent = this.max.sub(this.min);
    return where(extent.gt(0), extent, 1);
  }
}
