/**
 * Data normalization with statistics that are updated batch by batch and saved with the model.
 */
import { Buffer, FakkelError, isTensor, nn, ones, ShapeError, tensor, where, zeros, type Tensor } from '@fakkel/core';
import { ChannelMoments } from './channel-moments.js';
import { asHostArray, HostArray, readTensor, type HostSource } from './host-array.js';
import { Normalize } from './transforms/conversion.js';

/** Statistics of each channel, on the host. */
export interface ChannelStatistics {
  /** Values seen in each channel. */
  readonly count: number;
  readonly mean: Float64Array;
  /** Population standard deviation. */
  readonly std: Float64Array;
}

/** What the updates of each normalizer wait for. */
const TURNS = new WeakMap<nn.Module, Promise<void>>();

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
export class RunningNormalizer extends nn.Module {
  readonly mean: Buffer;
  readonly std: Buffer;
  readonly count: Buffer;
  readonly frozen: Buffer;
  readonly numFeatures: number;
  readonly eps: number;
  /** The statistics in float64, as long as the buffers hold the same ones. */
  private moments: ChannelMoments;

  /**
   * @param numFeatures - Number of channels, C.
   * @param options - `eps`: a channel whose σ is at most eps·|μ| counts as constant. Default 1e-7, float32's precision.
   */
  constructor(numFeatures: number, options: { eps?: number } = {}) {
    super();
    if (!Number.isInteger(numFeatures) || numFeatures < 1) {
      throw new ShapeError(`RunningNormalizer: expected a number of channels from 1 up, got ${String(numFeatures)}`);
    }
    this.numFeatures = numFeatures;
    this.eps = options.eps ?? 1e-7;
    this.mean = new Buffer(zeros([numFeatures]));
    this.std = new Buffer(ones([numFeatures]));
    this.count = new Buffer(zeros([]));
    this.frozen = new Buffer(tensor(false));
    this.moments = ChannelMoments.empty(numFeatures);
  }

  /** The normalized `x`: {@link RunningNormalizer.normalize}. */
  override forward(x: Tensor): Tensor {
    return this.normalize(x);
  }

  override extraRepr(): string {
    return `${this.numFeatures}`;
  }

  /**
   * Takes a batch into the statistics.
   *
   * @param batch - `[N, C, ...]`: a tensor, a {@link HostArray}, or a typed array with its `shape`.
   * @param shape - Of a typed array.
   * @throws FakkelError if the normalizer is frozen, or a channel holds NaN or Inf (the message names it); ShapeError
   * if the channels are not as many. The statistics are unchanged then.
   */
  async update(batch: Tensor | HostSource, shape?: readonly number[]): Promise<void> {
    const op = 'RunningNormalizer.update';
    // Read now, not when it is this update's turn: an array may be used again, and freeze() may follow.
    const inputs = Promise.all([this.frozen.item(), this.momentsOf(op, batch, shape)]);
    inputs.catch(() => undefined); // thrown when it is its turn
    await this.inTurn(async () => {
      const [frozen, moments] = await inputs;
      if (frozen) {
        throw new FakkelError(
          `${op}: the normalizer is frozen, so that all data gets the same normalization. Call unfreeze() to go on updating.`,
        );
      }
      const merged = (await this.read()).merge(moments);
      this.mean.assign(tensor(new Float32Array(merged.mean), { device: this.mean.device }));
      this.std.assign(tensor(new Float32Array(merged.std()), { device: this.std.device }));
      this.count.assign(tensor(merged.count, { device: this.count.device }));
      this.moments = merged;
    });
  }

  private momentsOf(
    op: string,
    batch: Tensor | HostSource,
    shape?: readonly number[],
  ): ChannelMoments | Promise<ChannelMoments> {
    if (isTensor(batch)) {
      checkChannels(op, batch, this.numFeatures);
      return readTensor(batch).then((host) => ChannelMoments.ofBatch(host, this.numFeatures, op));
    }
    const host = shape && !(batch instanceof HostArray) ? new HostArray(batch, shape) : asHostArray(op, batch);
    return ChannelMoments.ofBatch(host, this.numFeatures, op);
  }

  /**
   * Updates with every batch, then freezes.
   *
   * @param batches - A loader, or any iterable: of tensors or host arrays, or of tuples whose first entry is one.
   * @param options - `freeze`: default true.
   */
  async fit(batches: AsyncIterable<unknown> | Iterable<unknown>, options: { freeze?: boolean } = {}): Promise<this> {
    let seen = 0;
    for await (const batch of batches) {
      const x: unknown = Array.isArray(batch) ? batch[0] : batch;
      await this.update(x as Tensor);
      seen++;
    }
    if (seen === 0) throw new FakkelError('RunningNormalizer.fit: there was no batch to learn from');
    if (options.freeze ?? true) this.freeze();
    return this;
  }

  /** No updates from now on; saved with the statistics. */
  freeze(): this {
    this.frozen.assign(tensor(true, { device: this.frozen.device }));
    return this;
  }

  /** Updates again. */
  unfreeze(): this {
    this.frozen.assign(tensor(false, { device: this.frozen.device }));
    return this;
  }

  /** (x − μ) / σ along axis 1. */
  normalize(x: Tensor): Tensor {
    checkChannels('RunningNormalizer.normalize', x, this.numFeatures);
    return x.sub(alongChannels(this.mean, x)).div(alongChannels(this.scale(), x));
  }

  /** y · σ + μ along axis 1: what {@link RunningNormalizer.normalize} undoes. */
  denormalize(y: Tensor): Tensor {
    checkChannels('RunningNormalizer.denormalize', y, this.numFeatures);
    return y.mul(alongChannels(this.scale(), y)).add(alongChannels(this.mean, y));
  }

  /** The statistics, in float64 where they have not been loaded from a file. */
  async statistics(): Promise<ChannelStatistics> {
    const moments = await this.inTurn(() => this.read());
    return { count: moments.count, mean: moments.mean.slice(), std: moments.std() };
  }

  /** The same normalization for samples `[C, ...]` on the host, for a dataset: `new MapDataset(dataset, …)`. */
  async toTransform(): Promise<Normalize> {
    const { mean, std } = await this.statistics();
    return new Normalize(
      mean,
      std.map((s, i) => (s > this.eps * Math.abs(mean[i]) ? s : 1)),
    );
  }

  /** σ, and 1 for constant channels. */
  private scale(): Tensor {
    return where(this.std.gt(this.mean.abs().mul(this.eps)), this.std, 1);
  }

  /** Runs `task` after those before it, so that no update is lost where they are not awaited. */
  private inTurn<R>(task: () => Promise<R>): Promise<R> {
    const result = (TURNS.get(this) ?? Promise.resolve()).then(task);
    TURNS.set(
      this,
      result.then(
        () => undefined,
        () => undefined,
      ),
    );
    return result;
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

function checkChannels(op: string, x: Tensor, channels: number): void {
  if (x.ndim >= 2 && x.shape[1] === channels) return;
  throw new ShapeError(
    `${op}: expected [N, ${channels}, ...] with ${channels} channels on axis 1, got ${x.dtype}[${x.shape.join(',')}]`,
  );
}

/** `[C]` as `[C, 1, …]`, to broadcast along axis 1 of `x`. */
function alongChannels(statistic: Tensor, x: Tensor): Tensor {
  return x.ndim === 2 ? statistic : statistic.reshape([-1, ...Array.from({ length: x.ndim - 2 }, () => 1)]);
}
