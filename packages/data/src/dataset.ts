/**
 * Datasets: samples by index, and the ways to cut, join and map them.
 */
import { isTensor, OutOfRangeError, ShapeError, type Generator, type Tensor } from '@fakkel/core';
import { asHostArray, checkIndex, HostArray, readTensor, type HostSource } from './host-array.js';
import { kindOf } from './options.js';
import { isPortable, type Recipe } from './portable.js';

/** What a sample is made with, beside its index. */
export interface SampleContext {
  /**
   * The random numbers of this sample alone, for augmentation: a loader seeds it from the epoch's seed and the sample's
   * index, so neither the number of workers nor the order of loading changes what is drawn.
   */
  readonly generator: Generator;
}

/**
 * Samples by index: `torch.utils.data.Dataset`. Extend it, implement it, or pass any object of this form.
 *
 * A sample is what your collate function takes; for the default one (`defaultCollate`) numbers, {@link HostArray}s,
 * `Float32Array`s, tensors, and arrays and objects of these.
 *
 * @example
 * class Squares extends Dataset<[number, number]> {
 *   length = 10;
 *   get(i: number): [number, number] {
 *     return [i, i * i];
 *   }
 * }
 */
export abstract class Dataset<T> {
  /** Number of samples. */
  abstract readonly length: number;
  /**
   * Sample `index`, from 0 to length − 1; a promise of it where it must be read first.
   *
   * @param context - What a loader adds. Without it random transforms draw from the default generator.
   */
  abstract get(index: number, context?: SampleContext): T | Promise<T>;
}

/**
 * Throws unless `value` has the form of a dataset: what comes from Python has other names for it.
 *
 * @throws TypeError saying what is missing, and how to wrap an array.
 */
export function checkDataset(name: string, value: unknown): void {
  const form = 'A dataset has a length and get(i)';
  if (Array.isArray(value)) {
    throw new TypeError(
      `${name}: expected a dataset, got an array. ${form}: wrap samples as { length: samples.length, get: (i) => samples[i] }, ` +
        `or arrays of numbers as new TensorDataset(images, labels).`,
    );
  }
  if (isTensor(value) || ArrayBuffer.isView(value) || value instanceof HostArray) {
    throw new TypeError(
      `${name}: expected a dataset, got ${isTensor(value) ? 'a tensor' : kindOf(value)}. Wrap it: new TensorDataset(images, labels).`,
    );
  }
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`${name}: expected a dataset, got ${kindOf(value)}. ${form}.`);
  }
  if (value instanceof Promise) {
    throw new TypeError(`${name}: expected a dataset, got a promise. Await it first: await mnist().`);
  }
  const { length, get } = value as Partial<Dataset<unknown>>;
  if (typeof get !== 'function') {
    const pythons = ['__getitem__', 'getItem', 'getitem'].find((other) => other in value);
    throw new TypeError(
      `${name}: the dataset has no method get. ${form}${pythons === undefined ? '' : `: rename ${pythons} to get`}.`,
    );
  }
  if (typeof length === 'number') return;
  const pythons = ['__len__', 'size', 'len'].find((other) => other in value);
  const remedy =
    typeof length === 'function'
      ? '; length is a number, no method: write get length() { … }'
      : pythons === undefined
        ? ''
        : `: rename ${pythons} to length, a number`;
  throw new TypeError(`${name}: the dataset has no length. ${form}${remedy}.`);
}

/** What a {@link TensorDataset} hands out: one row of each array. */
export type Rows<A extends readonly unknown[]> = { -readonly [K in keyof A]: HostArray };

/**
 * Rows of arrays with equal first axes: sample i is the tuple of all rows i, as `torch.utils.data.TensorDataset`.
 *
 * Rows are views of the given memory, so a sample costs no copy. Tensors are read once, when the dataset is made; until
 * that read has ended `get` gives promises.
 *
 * @throws ShapeError if the arrays differ in their first axis, or have none.
 * @example
 * const images = new HostArray(new Float32Array(10 * 64), [10, 1, 8, 8]);
 * const labels = Int32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
 * const [image, label] = await new TensorDataset(images, labels).get(3); // float32[1,8,8] and int32[]
 */
export class TensorDataset<const A extends readonly (Tensor | HostSource)[]> extends Dataset<Rows<A>> {
  readonly length: number;
  private arrays: readonly HostArray[] | null = null;
  private readonly reading: Promise<readonly HostArray[]> | null = null;
  /** Number of arrays. */
  private readonly count: number;

  constructor(...arrays: A) {
    super();
    this.count = arrays.length;
    if (arrays.length === 0) throw new ShapeError('TensorDataset: expected at least one tensor or array');
    const shaped = arrays.map((a) => (isTensor(a) ? a : asHostArray('TensorDataset', a)));
    const lengths = shaped.map((a) => a.shape[0]);
    if (lengths.some((n) => n === undefined || n !== lengths[0])) {
      const list = shaped.map((a) => `${a.dtype}[${a.shape.join(',')}]`).join(', ');
      throw new ShapeError(`TensorDataset: the first axis counts the samples and must be equal for all, got ${list}`);
    }
    this.length = lengths[0];
    if (shaped.every((a) => a instanceof HostArray)) {
      this.arrays = shaped;
    } else {
      this.reading = Promise.all(shaped.map(async (a) => (a instanceof HostArray ? a : readTensor(a))));
      this.reading.then(
        (read) => (this.arrays = read),
        () => undefined, // thrown by get
      );
    }
  }

  get(index: number): Rows<A> | Promise<Rows<A>> {
    checkIndex('TensorDataset.get', index, this.length);
    if (this.arrays) return this.arrays.map((a) => a.row(index)) as Rows<A>;
    return this.reading!.then((arrays) => arrays.map((a) => a.row(index)) as Rows<A>);
  }

  /** How a worker makes it again: with the same arrays, in memory that threads share. */
  recipe(): Recipe {
    const { arrays, reading } = this;
    // A tensor's contents are there when it has been read.
    const args = arrays ?? Array.from({ length: this.count }, (_, i) => reading!.then((read) => read[i]));
    return { name: 'TensorDataset', args };
  }
}

/**
 * The samples of `dataset` at `indices`, in that order: `torch.utils.data.Subset`.
 *
 * @throws OutOfRangeError if an index is not one of `dataset`.
 */
export class Subset<T> extends Dataset<T> {
  private typedIndices: ArrayLike<number> | undefined;

  constructor(
    readonly dataset: Dataset<T>,
    readonly indices: ArrayLike<number>,
  ) {
    super();
    checkDataset('Subset', dataset);
    for (let i = 0; i < indices.length; i++) checkIndex('Subset', indices[i], dataset.length);
  }

  get length(): number {
    return this.indices.length;
  }

  get(index: number, context?: SampleContext): T | Promise<T> {
    checkIndex('Subset.get', index, this.length);
    return this.dataset.get(this.indices[index], context);
  }

  /** How a worker makes it again, where it can make the dataset. */
  recipe(): Recipe {
    // Typed, so that workers share them.
    this.typedIndices ??= ArrayBuffer.isView(this.indices) ? this.indices : Float64Array.from(this.indices);
    return { name: 'Subset', args: [this.dataset, this.typedIndices] };
  }
}

/** Datasets one after the other: `torch.utils.data.ConcatDataset`. */
export class ConcatDataset<T> extends Dataset<T> {
  readonly length: number;
  /** Index of the first sample after each dataset. */
  readonly cumulativeSizes: readonly number[];

  constructor(readonly datasets: readonly Dataset<T>[]) {
    super();
    if (datasets.length === 0) throw new OutOfRangeError('ConcatDataset: expected at least one dataset');
    for (const dataset of datasets) checkDataset('ConcatDataset', dataset);
    let end = 0;
    this.cumulativeSizes = datasets.map((d) => (end += d.length));
    this.length = end;
  }

  get(index: number, context?: SampleContext): T | Promise<T> {
    checkIndex('ConcatDataset.get', index, this.length);
    const which = this.cumulativeSizes.findIndex((end) => index < end);
    return this.datasets[which].get(index - (which === 0 ? 0 : this.cumulativeSizes[which - 1]), context);
  }

  /** How a worker makes it again, where it can make the datasets. */
  recipe(): Recipe {
    return { name: 'ConcatDataset', args: [this.datasets] };
  }
}

/**
 * `transform` applied to each sample when it is asked for: torchvision's `transform` argument, for any dataset.
 *
 * @example
 * const normalize = new transforms.Normalize([0.5], [0.5]);
 * const centred = new MapDataset(digits(), ([image, label]) => [normalize(image), label] as const);
 * centred.get(0); // pixels from -1 to 1
 */
export class MapDataset<T, U> extends Dataset<U> {
  constructor(
    readonly dataset: Dataset<T>,
    readonly transform: (sample: T, index: number, context?: SampleContext) => U | Promise<U>,
  ) {
    super();
    checkDataset('MapDataset', dataset);
  }

  get length(): number {
    return this.dataset.length;
  }

  get(index: number, context?: SampleContext): U | Promise<U> {
    const sample = this.dataset.get(index, context);
    return sample instanceof Promise
      ? sample.then((value: T) => this.transform(value, index, context))
      : this.transform(sample, index, context);
  }

  /** How a worker makes it again, where the transform is the package's or from a module. */
  recipe(): Recipe | undefined {
    return isPortable(this.transform) ? { name: 'MapDataset', args: [this.dataset, this.transform] } : undefined;
  }
}
