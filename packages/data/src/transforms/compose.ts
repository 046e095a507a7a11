/**
 * Transforms of transforms.
 */
import { OutOfRangeError } from '@fakkel/core';
import type { SampleContext } from '../dataset.js';
import type { HostArray } from '../host-array.js';
import { checkOptions, kindOf } from '../options.js';
import type { Recipe } from '../portable.js';
import { rand } from './draws.js';
import { show } from './pixels.js';
import { pyFloat, pyFloats } from './repr.js';
import {
  arePortable,
  checkProbability,
  generatorOf,
  recipeOf,
  Transform,
  type TransformFunction,
} from './transform.js';

/** Several transforms: what the classes of this file have in common. */
abstract class TransformList<In, Out> extends Transform<In, Out> {
  readonly transforms: readonly TransformFunction[];

  constructor(name: string, transforms: readonly TransformFunction[]) {
    super();
    const list: unknown = transforms;
    if (!Array.isArray(list)) {
      throw new TypeError(`${name}: expected an array of transforms, got ${kindOf(list)}. Write new ${name}([…]).`);
    }
    const odd = list.findIndex((transform) => typeof transform !== 'function');
    if (odd >= 0) {
      throw new TypeError(`${name}: transform ${odd}: expected a transform or a function, got ${kindOf(list[odd])}`);
    }
    const type = (list as { prototype?: unknown; name: string }[]).find((f) => f.prototype instanceof Transform);
    if (type) throw new TypeError(`${name}: ${type.name} is a class. Write new transforms.${type.name}(…).`);
    this.transforms = [...transforms];
  }

  /** The sample through transform `i`. */
  protected step(i: number, sample: unknown, context: SampleContext | undefined): unknown {
    return (this.transforms[i] as TransformFunction<unknown>)(sample, context);
  }

  /** The transforms, one a line. */
  protected list(): string {
    return this.transforms
      .map((transform) => `\n    ${transform instanceof Transform ? String(transform) : transform.name || 'function'}`)
      .join('');
  }

  override toString(): string {
    return `${this.constructor.name}(${this.list()}\n)`;
  }
}

/**
 * One transform after the other: torchvision's `Compose`.
 *
 * @throws TypeError unless they are transforms or functions.
 * @example
 * const augment = new transforms.Compose([
 *   new transforms.RandomCrop(8, { padding: 1 }),
 *   new transforms.RandomRotation(5),
 *   new transforms.Normalize([0.5], [0.5]),
 * ]);
 * const train = new MapDataset(digits(), ([image, label], _, context) => [augment(image, context), label] as const);
 */
export class Compose<In = HostArray, Out = HostArray> extends TransformList<In, Out> {
  /** @param transforms - Transforms, or functions of a sample and its context. Each is given what the last one gave. */
  constructor(transforms: readonly TransformFunction[]) {
    super('Compose', transforms);
  }

  override forward(sample: In, context?: SampleContext): Out {
    let result: unknown = sample;
    for (let i = 0; i < this.transforms.length; i++) result = this.step(i, result, context);
    return result as Out;
  }

  override recipe(): Recipe | undefined {
    return arePortable(this.transforms) ? recipeOf(this, Compose, 'Compose', this.transforms) : undefined;
  }
}

/**
 * A function as a transform: torchvision's `Lambda`. Workers can be given it where the function is from a module:
 * `functionFromModule`.
 *
 * @throws TypeError unless it is a function.
 * @example
 * const halve = new transforms.Lambda((image: HostArray) => new HostArray(image.data.map((v) => v / 2), image.shape));
 * halve(digits().get(0)[0]); // from 0 to 0.5
 */
export class Lambda<In = HostArray, Out = unknown> extends Transform<In, Out> {
  /** @param lambd - Of a sample and its context. */
  constructor(readonly lambd: TransformFunction<In, Out>) {
    super();
    if (typeof lambd !== 'function') throw new TypeError(`Lambda: expected a function, got ${kindOf(lambd)}`);
  }

  override forward(sample: In, context?: SampleContext): Out {
    return this.lambd(sample, context);
  }

  override recipe(): Recipe | undefined {
    return arePortable([this.lambd]) ? recipeOf(this, Lambda, 'Lambda', this.lambd) : undefined;
  }
}

/**
 * All of several transforms with probability p, else none: torchvision's `RandomApply`.
 *
 * @throws TypeError unless they are transforms or functions; FakkelError unless p is a probability.
 * @example
 * new transforms.RandomApply([new transforms.GaussianBlur(3)], { p: 0.2 })(digits().get(0)[0]);
 */
export class RandomApply<In = HostArray> extends TransformList<In, In> {
  readonly p: number;

  /**
   * @param transforms - As for {@link Compose}.
   * @param options - `p`: probability, default 0.5.
   */
  constructor(transforms: readonly TransformFunction[], options: { readonly p?: number } = {}) {
    super('RandomApply', transforms);
    checkOptions('RandomApply', options, ['p'], 'new RandomApply([…], …)');
    this.p = options.p ?? 0.5;
    checkProbability('RandomApply', this.p);
  }

  override forward(sample: In, context?: SampleContext): In {
    if (Math.fround(this.p) < rand(generatorOf(context))) return sample;
    let result: unknown = sample;
    for (let i = 0; i < this.transforms.length; i++) result = this.step(i, result, context);
    return result as In;
  }

  override recipe(): Recipe | undefined {
    if (!arePortable(this.transforms)) return undefined;
    return recipeOf(this, RandomApply, 'RandomApply', this.transforms, { p: this.p });
  }

  override toString(): string {
    return `${this.constructor.name}(\n    p=${pyFloat(this.p)}${this.list()}\n)`;
  }
}

/**
 * One of several transforms: torchvision's `RandomChoice`. The choice is drawn as its `v2` draws it, by
 * `torch.multinomial`; 0.14 draws from Python's generator, which `torch.manual_seed` does not seed.
 *
 * @throws TypeError unless they are transforms or functions; OutOfRangeError if the weights are not as many.
 * @example
 * const flip = [new transforms.RandomHorizontalFlip(1), new transforms.RandomVerticalFlip(1)];
 * new transforms.RandomChoice(flip, { p: [0.8, 0.2] })(digits().get(0)[0]);
 */
export class RandomChoice<In = HostArray, Out = HostArray> extends TransformList<In, Out> {
  readonly p: readonly number[] | null;

  /**
   * @param transforms - At least one.
   * @param options - `p`: their probabilities, which need not sum to 1. Default equal ones.
   */
  constructor(transforms: readonly TransformFunction[], options: { readonly p?: readonly number[] | null } = {}) {
    super('RandomChoice', transforms);
    checkOptions('RandomChoice', options, ['p'], 'new RandomChoice([…], …)');
    const { p = null } = options;
    const isWeight = (w: unknown) => typeof w === 'number' && w >= 0 && w < Infinity;
    if (transforms.length === 0) throw new OutOfRangeError('RandomChoice: expected at least one transform');
    if (
      p !== null &&
      !(Array.isArray(p) && p.length === transforms.length && p.every(isWeight) && p.some((w) => w > 0))
    ) {
      throw new OutOfRangeError(
        `RandomChoice: p: expected a weight for each of ${transforms.length} transforms, from 0 up, got ${show(p)}`,
      );
    }
    this.p = p;
  }

  override forward(sample: In, context?: SampleContext): Out {
    const weights = this.p ?? this.transforms.map(() => 1);
    const total = weights.reduce((sum, w) => sum + w, 0);
    const [chosen] = generatorOf(context).multinomial(
      Float32Array.from(weights, (w) => w / total),
      1,
    );
    return this.step(chosen, sample, context) as Out;
  }

  override recipe(): Recipe | undefined {
    if (!arePortable(this.transforms)) return undefined;
    return recipeOf(this, RandomChoice, 'RandomChoice', this.transforms, { p: this.p });
  }

  override toString(): string {
    return `${super.toString()}(p=${this.p ? pyFloats(this.p) : 'None'})`;
  }
}

/**
 * All of several transforms in random order: torchvision's `RandomOrder`. The order is drawn as its `v2` draws it, by
 * `torch.randperm`; 0.14 draws from Python's generator, which `torch.manual_seed` does not seed.
 *
 * @throws TypeError unless they are transforms or functions.
 * @example
 * new transforms.RandomOrder([new transforms.RandomRotation(5), new transforms.GaussianBlur(3)])(digits().get(0)[0]);
 */
export class RandomOrder<In = HostArray> extends TransformList<In, In> {
  /** @param transforms - As for {@link Compose}. */
  constructor(transforms: readonly TransformFunction[]) {
    super('RandomOrder', transforms);
  }

  override forward(sample: In, context?: SampleContext): In {
    let result: unknown = sample;
    for (const i of generatorOf(context).randperm(this.transforms.length)) result = this.step(i, result, context);
    return result as In;
  }

  override recipe(): Recipe | undefined {
    return arePortable(this.transforms) ? recipeOf(this, RandomOrder, 'RandomOrder', this.transforms) : undefined;
  }
}
