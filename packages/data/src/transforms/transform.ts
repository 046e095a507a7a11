/**
 * Transform: a callable object that makes the next sample of a sample.
 */
import { defaultGenerator, FakkelError, type Generator } from '@fakkel/core';
import type { SampleContext } from '../dataset.js';
import type { HostArray } from '../host-array.js';
import { isPortable, type Portable, type Recipe } from '../portable.js';

/** What stands where a transform may: a {@link Transform}, or a function of the sample and its context. */
export type TransformFunction<In = never, Out = unknown> = (sample: In, context?: SampleContext) => Out;

/** A transform is called as a function. */
export interface Transform<In = HostArray, Out = HostArray> {
  /**
   * The transformed sample; the given one is not changed.
   *
   * @param context - What a dataset's `get` was given: random transforms draw from its generator, which a loader seeds
   * for each sample. Without it they draw from the default generator.
   */
  (sample: In, context?: SampleContext): Out;
}

/**
 * The base of all transforms. Extend it and write `forward`; then call the transform as a function.
 *
 * @example
 * class Noise extends transforms.Transform {
 *   constructor(readonly std: number) {
 *     super();
 *   }
 *   forward(image: HostArray, context?: SampleContext): HostArray {
 *     const noise = new Float32Array(image.numel());
 *     (context?.generator ?? defaultGenerator).normal(noise, 0, this.std);
 *     return new HostArray(noise.map((v, i) => v + image.data[i]), image.shape);
 *   }
 * }
 * const noisy = new Noise(0.1)(digits().get(0)[0]); // float32[1,8,8]
 */
export abstract class Transform<In = HostArray, Out = HostArray> implements Portable {
  constructor() {
    // A closure with its prototype set, as modules are: callable without new Function.
    const self = (sample: In, context?: SampleContext): Out =>
      (self as unknown as Transform<In, Out>).forward(sample, context);
    Object.setPrototypeOf(self, new.target.prototype as object);
    delete (self as { name?: unknown }).name;
    delete (self as { length?: unknown }).length;
    return self as unknown as this;
  }

  /** What the transform does; synchronous. */
  abstract forward(sample: In, context?: SampleContext): Out;

  /**
   * How to make it again in a worker. Of one's own classes nothing is known: put the transform into a module that workers
   * load as well, and pass `functionFromModule(url, name)`.
   */
  recipe(): Recipe | undefined {
    return undefined;
  }

  /** What is printed between the parentheses. */
  extraRepr(): string {
    return '';
  }

  /** As torchvision prints it: `RandomCrop(size=(32, 32), padding=4)`. */
  toString(): string {
    return `${this.constructor.name}(${this.extraRepr()})`;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}

/**
 * The recipe of a transform of this package.
 *
 * @param type - The class that says so: what extends it can't be made by the same call.
 * @param name - The name that `transforms` exports it under.
 */
export function recipeOf(
  transform: Transform<never, unknown>,
  type: abstract new (...args: never[]) => unknown,
  name: string,
  ...args: unknown[]
): Recipe | undefined {
  return transform.constructor === type ? { name: `transforms.${name}`, args } : undefined;
}

/** Whether all of them can be made again in a worker. */
export function arePortable(transforms: readonly unknown[]): boolean {
  return transforms.every((transform) => isPortable(transform) && transform.recipe() !== undefined);
}

/** Where a random transform draws from. */
export function generatorOf(context: SampleContext | undefined): Generator {
  return context?.generator ?? defaultGenerator;
}

/** Throws unless `p` is a probability. */
export function checkProbability(name: string, p: number): void {
  if (typeof p === 'number' && p >= 0 && p <= 1) return;
  const written = typeof p === 'object' && p !== null && 'p' in p ? `. Write new transforms.${name}(0.5).` : '';
  throw new FakkelError(`${name}: p: expected a probability from 0 to 1, got ${JSON.stringify(p)}${written}`);
}
