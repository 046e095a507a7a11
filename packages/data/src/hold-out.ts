/**
 * A guard for the test set: it is to be used once.
 */
import { FakkelError } from '@fakkel/core';
import { checkDataset, Dataset, type SampleContext } from './dataset.js';
import { isIterableDataset, IterableDataset, type EpochContext, type SampleStream } from './iterable-dataset.js';
import { checkOptions, kindOf } from './options.js';
import type { Recipe } from './portable.js';
import { shared } from './shared-memory.js';

export interface HoldOutOptions {
  /** What the second use is: a warning (default), or an error. */
  reuse?: 'warn' | 'error';
}

/** The uses of a dataset, in memory that workers share. */
export interface HoldOutUses {
  /** How many there were. */
  readonly count: Int32Array;
  /** In which of them each sample was handed out last. */
  readonly last: Int32Array;
}

/** By dataset, so that guarding it again does not begin to count again. */
const known = new WeakMap<object, HoldOutUses>();

/**
 * Guards a test set: counts its uses, and warns when the second begins.
 *
 * A use is one pass over its samples, by a loader or by hand: it ends where a sample is asked for that it has had. So one
 * evaluation is one use, in any order, in parts, or by workers; looking at some samples and then evaluating on all of
 * them is two. An iterable dataset is used each time that it is streamed from its start.
 *
 * When to use: on the 10 % of the data that tell how well the finished network does. The lecture: "used ONCE after fitting
 * all parameters and architectures". Whatever is chosen by the accuracy on the test set (the epoch to stop at, the
 * learning rate, the architecture) is fitted to it, and that accuracy is no estimate any more: choose by validation data.
 *
 * @param dataset - Any dataset.
 * @param options - `reuse`.
 * @returns The same samples; `uses` says how often they were used.
 * @example
 * const [train, validation, rest] = randomSplit(digits(), [0.8, 0.1, 0.1], new Generator(0));
 * const test = holdOut(rest);
 * // … choose with train and validation, and at the end, once:
 * for await (const [x, y] of new DataLoader(test, { batchSize: 64 })) {
 *   // accuracy
 * }
 * test.uses; // 1; another loop over it warns
 */
export function holdOut<T, R>(dataset: IterableDataset<T, R>, options?: HoldOutOptions): HoldOutIterable<T, R>;
export function holdOut<T>(dataset: Dataset<T>, options?: HoldOutOptions): HoldOut<T>;
export function holdOut<T>(
  dataset: Dataset<T> | IterableDataset<T, unknown>,
  options: HoldOutOptions = {},
): HoldOut<T> | HoldOutIterable<T, unknown> {
  checkOptions('holdOut', options, ['reuse'], 'holdOut(dataset, …)');
  const { reuse = 'warn' } = options;
  if (reuse !== 'warn' && reuse !== 'error') {
    throw new FakkelError(`holdOut: reuse: expected 'warn' or 'error', got ${kindOf(reuse)}`);
  }
  if (isIterableDataset(dataset)) return new HoldOutIterable(dataset, reuse);
  checkDataset('holdOut', dataset);
  return new HoldOut(dataset, reuse);
}

/** What {@link holdOut} gives. */
export class HoldOut<T> extends Dataset<T> {
  private readonly counter: HoldOutUses;

  constructor(
    readonly dataset: Dataset<T>,
    private readonly reuse: 'warn' | 'error' = 'warn',
    uses: HoldOutUses | undefined = known.get(dataset),
  ) {
    super();
    this.counter = uses ?? { count: shared(new Int32Array(1)), last: shared(new Int32Array(dataset.length)) };
    known.set(dataset, this.counter);
  }

  get length(): number {
    return this.dataset.length;
  }

  /** The targets of the dataset, if it keeps them. */
  get targets(): ArrayLike<number> | undefined {
    return (this.dataset as { targets?: ArrayLike<number> }).targets;
  }

  /** How often it was used. */
  get uses(): number {
    return Atomics.load(this.counter.count, 0);
  }

  get(index: number, context?: SampleContext): T | Promise<T> {
    const { count, last } = this.counter;
    const use = this.uses;
    // A sample that this use has had begins the next one. Of several workers that notice, one counts.
    if (last[index] === use && Atomics.compareExchange(count, 0, use, use + 1) === use) began(use + 1, this.reuse);
    last[index] = this.uses;
    return this.dataset.get(index, context);
  }

  /** How a worker makes it again, where it can make the dataset: with the same memory for the uses. */
  recipe(): Recipe {
    return { name: 'HoldOut', args: [this.dataset, this.reuse, this.counter] };
  }
}

/** What {@link holdOut} gives for an iterable dataset. */
export class HoldOutIterable<T, R> extends IterableDataset<T, R> {
  private readonly counter: HoldOutUses;

  constructor(
    readonly dataset: IterableDataset<T, R>,
    private readonly reuse: 'warn' | 'error' = 'warn',
  ) {
    super();
    this.counter = known.get(dataset) ?? { count: new Int32Array(1), last: new Int32Array(0) };
    known.set(dataset, this.counter);
  }

  /** How often it was used. */
  get uses(): number {
    return this.counter.count[0];
  }

  stream(epoch: EpochContext): SampleStream<R> {
    // Going on with a use is not another one.
    if (epoch.state === undefined) began(++this.counter.count[0], this.reuse);
    return this.dataset.stream(epoch);
  }

  override prepare(raw: R, context?: SampleContext): T | undefined | Promise<T | undefined> {
    return this.dataset.prepare(raw, context);
  }

  /** How a worker makes it again: uses are counted where it is streamed, in the loader's thread. */
  recipe(): Recipe {
    return { name: 'HoldOutIterable', args: [this.dataset, this.reuse] };
  }
}

function began(use: number, reuse: 'warn' | 'error'): void {
  if (use < 2 || (use > 2 && reuse === 'warn')) return;
  const message =
    `holdOut: use ${use} of the test set begins. It is to be "used ONCE after fitting all parameters and architectures": ` +
    `what is chosen by its accuracy is fitted to it. Choose by validation data: randomSplit(dataset, [0.8, 0.1, 0.1]).`;
  if (reuse === 'error') throw new FakkelError(message);
  // eslint-disable-next-line no-console -- the mistake is silent otherwise
  console.warn(message);
}
