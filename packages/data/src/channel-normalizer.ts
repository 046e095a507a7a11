/**
 * What normalizers of channels have in common: statistics that are updated batch by batch, one batch after the other, and
 * frozen.
 */
import { type Buffer, FakkelError, isTensor, nn, ShapeError, tensor, type Tensor } from '@fakkel/core';
import { asHostArray, HostArray, readTensor, type HostSource } from './host-array.js';

/** What the updates of each normalizer wait for. */
const TURNS = new WeakMap<nn.Module, Promise<void>>();

/**
 * The base of `RunningNormalizer` and `MinMaxNormalizer`.
 *
 * @typeParam S - What an update takes of a batch.
 */
export abstract class ChannelNormalizer<S> extends nn.Module {
  /** Whether updates are over: `[]`, bool. */
  abstract readonly frozen: Buffer;
  readonly numFeatures: number;

  constructor(numFeatures: number) {
    super();
    if (!Number.isInteger(numFeatures) || numFeatures < 1) {
      throw new ShapeError(`${new.target.name}: expected a number of channels from 1 up, got ${String(numFeatures)}`);
    }
    this.numFeatures = numFeatures;
  }

  /** The normalized `x`. */
  abstract override forward(x: Tensor): Tensor;

  /** What the normalization is undone by: `normalizer.inverse(normalizer(x))` is `x`. */
  abstract inverse(y: Tensor): Tensor;

  /** @internal What is taken of a batch; throws if it can't be. */
  protected abstract summarize(op: string, batch: HostArray): S;

  /** @internal Merges it into the statistics. */
  protected abstract merge(summary: S): Promise<void>;

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
    const op = `${this.constructor.name}.update`;
    // Read now, not when it is this update's turn: an array may be used again, and freeze() may follow.
    const inputs = Promise.all([this.frozen.item(), this.summaryOf(op, batch, shape)]);
    inputs.catch(() => undefined); // thrown when it is its turn
    await this.inTurn(async () => {
      const [frozen, summary] = await inputs;
      if (frozen) {
        throw new FakkelError(
          `${op}: the normalizer is frozen, so that all data gets the same normalization. Call unfreeze() to go on updating.`,
        );
      }
      await this.merge(summary);
    });
  }

  private summaryOf(op: string, batch: Tensor | HostSource, shape?: readonly number[]): S | Promise<S> {
    if (isTensor(batch)) {
      checkChannels(op, batch, this.numFeatures);
      return readTensor(batch).then((host) => this.summarize(op, host));
    }
    const host = shape && !(batch instanceof HostArray) ? new HostArray(batch, shape) : asHostArray(op, batch);
    return this.summarize(op, host);
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
      await this.update(inputOf(batch));
      seen++;
    }
    if (seen === 0) throw new FakkelError(`${this.constructor.name}.fit: there was no batch to learn from`);
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

  /** Runs `task` after those before it, so that no update is lost where they are not awaited. */
  protected inTurn<R>(task: () => Promise<R>): Promise<R> {
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
}

/** The images or features of a loader's batch: its first entry, or the batch itself. */
export function inputOf(batch: unknown): Tensor | HostSource {
  return (Array.isArray(batch) ? batch[0] : batch) as Tensor | HostSource;
}

/** Throws unless `x` is `[N, channels, ...]`. */
export function checkChannels(op: string, x: Tensor, channels: number): void {
  if (x.ndim >= 2 && x.shape[1] === channels) return;
  throw new ShapeError(
    `${op}: expected [N, ${channels}, ...] with ${channels} channels on axis 1, got ${x.dtype}[${x.shape.join(',')}]`,
  );
}

/** `[C]` as `[C, 1, …]`, to broadcast along axis 1 of `x`. */
export function alongChannels(statistic: Tensor, x: Tensor): Tensor {
  return x.ndim === 2 ? statistic : statistic.reshape([-1, ...Array.from({ length: x.ndim - 2 }, () => 1)]);
}
