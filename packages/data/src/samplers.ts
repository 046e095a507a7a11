/**
 * Samplers: the order in which a loader asks for samples.
 *
 * Source: PyTorch 1.13, `torch/utils/data/sampler.py`. They draw what PyTorch draws, when it does, so that the same
 * seed gives the same order, epoch after epoch.
 */
import { defaultGenerator, Generator, OutOfRangeError } from '@fakkel/core';
import { classCounts, numbered, type Label } from './labels.js';
import { checkOptions } from './options.js';

/** Indices, anew for each epoch: each iteration is one. */
export interface Sampler<I = number> extends Iterable<I> {
  /** How many indices (or batches) an iteration gives. */
  readonly length: number;
  /** What it draws from, if not the default generator: a loader saves its state with its own. */
  readonly generator?: Generator | undefined;
}

/** What has a length: a dataset, an array. */
export interface Sized {
  readonly length: number;
}

/** 0, 1, … length − 1. */
export class SequentialSampler implements Sampler {
  constructor(readonly dataSource: Sized) {}

  get length(): number {
    return this.dataSource.length;
  }

  *[Symbol.iterator](): globalThis.Generator<number, void, undefined> {
    for (let i = 0; i < this.length; i++) yield i;
  }
}

export interface RandomSamplerOptions {
  /** Draw each index from all (true), or go through permutations (default). */
  replacement?: boolean;
  /** How many to draw; default: as many as there are samples. */
  numSamples?: number;
  /** Default: one of its own each epoch, seeded from the default generator. */
  generator?: Generator | undefined;
}

const SAMPLER_OPTIONS = ['replacement', 'numSamples', 'generator'] satisfies (keyof RandomSamplerOptions)[];

/**
 * Indices in random order: what `shuffle: true` uses.
 *
 * @throws OutOfRangeError if there is nothing to draw from, or `numSamples` is no whole number from 1 up.
 * @example
 * manualSeed(0);
 * [...new RandomSampler({ length: 5 })]; // list(RandomSampler(range(5))) after torch.manual_seed(0)
 */
export class RandomSampler implements Sampler {
  readonly replacement: boolean;
  readonly generator: Generator | undefined;
  private readonly count: number | undefined;

  constructor(
    readonly dataSource: Sized,
    options: RandomSamplerOptions = {},
  ) {
    checkOptions('RandomSampler', options, SAMPLER_OPTIONS, 'new RandomSampler(dataset, …)');
    this.replacement = options.replacement ?? false;
    this.generator = options.generator;
    this.count = options.numSamples;
    if (dataSource.length === 0) throw new OutOfRangeError('RandomSampler: the dataset is empty');
    checkCount('RandomSampler: numSamples', this.length);
  }

  get length(): number {
    return this.count ?? this.dataSource.length;
  }

  *[Symbol.iterator](): globalThis.Generator<number, void, undefined> {
    const n = this.dataSource.length;
    const count = this.length;
    const generator = this.generator ?? new Generator(defaultGenerator.randomInt64());
    if (this.replacement) {
      for (let done = 0; done < count; done += 32) {
        const indices = new Int32Array(Math.min(32, count - done));
        generator.randint(indices, 0, n);
        yield* indices;
      }
    } else {
      for (let i = 0; i < Math.floor(count / n); i++) yield* generator.randperm(n);
      // Drawn even where nothing of it is used: so does PyTorch, and the next epoch depends on it.
      yield* generator.randperm(n).subarray(0, count % n);
    }
  }
}

/** The given indices in random order. */
export class SubsetRandomSampler implements Sampler {
  constructor(
    readonly indices: ArrayLike<number>,
    readonly generator?: Generator,
  ) {}

  get length(): number {
    return this.indices.length;
  }

  *[Symbol.iterator](): globalThis.Generator<number, void, undefined> {
    for (const i of (this.generator ?? defaultGenerator).randperm(this.length)) yield this.indices[i];
  }
}

/**
 * Indices drawn in proportion to weights.
 *
 * When to use: classes of unequal size, with {@link balancedWeights}, or examples of unequal worth.
 *
 * @throws OutOfRangeError if a weight is negative or not finite (when iterated), or `numSamples` is no whole number from 1 up.
 */
export class WeightedRandomSampler implements Sampler {
  private readonly weights: Float64Array;
  readonly replacement: boolean;
  readonly generator: Generator | undefined;

  /**
   * @param weights - One for each sample, ≥ 0; they need not add up to 1.
   * @param numSamples - How many to draw.
   * @param options - `replacement` (default true: an index may come again) and `generator`.
   */
  constructor(
    weights: ArrayLike<number>,
    readonly numSamples: number,
    options: { replacement?: boolean; generator?: Generator | undefined } = {},
  ) {
    checkCount('WeightedRandomSampler: numSamples', numSamples);
    const call = 'new WeightedRandomSampler(weights, numSamples, …)';
    checkOptions('WeightedRandomSampler', options, ['replacement', 'generator'], call);
    this.weights = Float64Array.from(weights);
    this.replacement = options.replacement ?? true;
    this.generator = options.generator;
  }

  get length(): number {
    return this.numSamples;
  }

  *[Symbol.iterator](): globalThis.Generator<number, void, undefined> {
    yield* (this.generator ?? defaultGenerator).multinomial(this.weights, this.numSamples, this.replacement);
  }
}

/**
 * One weight for each sample, 1 / (number of samples of its class): with them a {@link WeightedRandomSampler} draws each
 * class equally often on average.
 *
 * @param labels - The label of each sample.
 * @throws TypeError if a label is neither number nor string.
 * @example
 * const weights = balancedWeights([0, 0, 0, 1]); // [1/3, 1/3, 1/3, 1]
 * const sampler = new WeightedRandomSampler(weights, 4);
 */
export function balancedWeights(labels: ArrayLike<Label>): Float64Array {
  const classes = numbered('balancedWeights', labels.length, (i) => labels[i]);
  const counts = classCounts(classes);
  return Float64Array.from(classes, (c) => 1 / counts[c]);
}

/**
 * Indices in random order with each class equally often, to within one: rounds over all classes in random order, each
 * giving its next sample. The samples of a class come in random order, and again, anew, when all have come.
 *
 * When to use: classes of very unequal size, so that each batch has some of each. Samples of rare classes come many
 * times: augment them. Probabilities that a network learns this way are those of balanced classes.
 *
 * @throws OutOfRangeError if there is nothing to draw from, or `numSamples` is no whole number from 1 up; TypeError if a
 * label is neither number nor string.
 * @example
 * const labels = [0, 0, 0, 0, 0, 0, 0, 0, 1, 2];
 * const sampler = new ClassBalancedSampler(labels, { numSamples: 6, generator: new Generator(0) });
 * [...sampler].map((i) => labels[i]); // 0, 1 and 2 twice each
 */
export class ClassBalancedSampler implements Sampler {
  readonly length: number;
  readonly generator: Generator | undefined;
  private readonly members: readonly (readonly number[])[];

  /**
   * @param labels - The label of each sample.
   * @param options - `numSamples`, how many to draw (default: as many as there are samples), and `generator` (default: one
   * of its own each epoch, seeded from the default generator).
   */
  constructor(labels: ArrayLike<Label>, options: { numSamples?: number; generator?: Generator | undefined } = {}) {
    const call = 'new ClassBalancedSampler(labels, …)';
    checkOptions('ClassBalancedSampler', options, ['numSamples', 'generator'], call);
    if (labels.length === 0) throw new OutOfRangeError('ClassBalancedSampler: there are no labels');
    this.length = options.numSamples ?? labels.length;
    checkCount('ClassBalancedSampler: numSamples', this.length);
    this.generator = options.generator;
    const members: number[][] = [];
    numbered('ClassBalancedSampler', labels.length, (i) => labels[i]).forEach((c, i) => (members[c] ??= []).push(i));
    this.members = members;
  }

  *[Symbol.iterator](): globalThis.Generator<number, void, undefined> {
    const generator = this.generator ?? new Generator(defaultGenerator.randomInt64());
    const waiting = this.members.map((): number[] => []);
    for (let left = this.length; left > 0;) {
      for (const c of generator.randperm(this.members.length)) {
        if (left-- <= 0) return;
        if (waiting[c].length === 0) waiting[c] = Array.from(generator.randperm(this.members[c].length));
        yield this.members[c][waiting[c].pop()!];
      }
    }
  }
}

/**
 * The indices of `sampler` in batches.
 *
 * @example
 * [...new BatchSampler(new SequentialSampler({ length: 5 }), 2, false)]; // [[0, 1], [2, 3], [4]]
 */
export class BatchSampler implements Sampler<number[]> {
  /**
   * @param sampler - Any iterable of indices.
   * @param batchSize - Indices a batch, from 1 up.
   * @param dropLast - Leave out a last batch that is not full.
   */
  constructor(
    readonly sampler: Iterable<number>,
    readonly batchSize: number,
    readonly dropLast: boolean,
  ) {
    checkCount('BatchSampler: batchSize', batchSize);
  }

  get generator(): Generator | undefined {
    return (this.sampler as Partial<Sampler>).generator;
  }

  get length(): number {
    const { length } = this.sampler as Partial<Sampler>;
    if (length === undefined) {
      throw new OutOfRangeError(
        'BatchSampler.length: the sampler does not say its length; give it a `length` property',
      );
    }
    return this.dropLast ? Math.floor(length / this.batchSize) : Math.ceil(length / this.batchSize);
  }

  *[Symbol.iterator](): globalThis.Generator<number[], void, undefined> {
    let batch: number[] = [];
    for (const index of this.sampler) {
      batch.push(index);
      if (batch.length < this.batchSize) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0 && !this.dropLast) yield batch;
  }
}

/** Throws unless `value` is a whole number from 1 up. */
export function checkCount(what: string, value: number): void {
  if (Number.isInteger(value) && value > 0) return;
  throw new OutOfRangeError(`${what}: expected a whole number from 1 up, got ${String(value)}`);
}
