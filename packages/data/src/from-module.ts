/**
 * Datasets and functions from a module of one's own, which worker threads load too.
 */
import { FakkelError } from '@fakkel/core';
import { checkDataset, type Dataset } from './dataset.js';
import { isIterableDataset, type IterableDataset } from './iterable-dataset.js';
import { kindOf } from './options.js';
import type { Portable, Recipe } from './portable.js';

/**
 * A dataset out of a module of your own: what a `DataLoader` with workers takes, where a dataset is not the package's
 * or holds functions. Threads share no objects, so each worker loads the module and makes the dataset for itself.
 *
 * The module exports a class (called with `new`), a function, which may give a promise, or the dataset itself. It should
 * do nothing else when it is loaded: it is, in every worker.
 *
 * @param url - Address of the module: `new URL('./photos.js', import.meta.url)`, seen from the file that says so. It may
 * be TypeScript where this program is run from TypeScript (tsx, or a Node that knows it).
 * @param name - Under which the module exports it.
 * @param args - For the class or function: data that can be cloned, and the package's datasets and transforms. Large
 * typed arrays are shared with the workers; copied once, unless a `SharedArrayBuffer` holds them.
 * @throws FakkelError if `url` is no address, or nothing of that name is exported; TypeError for what is no dataset.
 * @example
 * // Yours is a file: new URL('./squares.js', import.meta.url). Here its text is in the address.
 * const url = 'data:text/javascript,export const squares = (length) => ({ length, get: (i) => [i, i * i] });';
 * const dataset = await fromModule<Dataset<[number, number]>>(url, 'squares', 10);
 * for await (const [x, y] of new DataLoader(dataset, { batchSize: 5, numWorkers: 2 })) {
 *   await y.toArray(); // [0, 1, 4, 9, 16], then [25, 36, 49, 64, 81]
 * }
 */
export async function fromModule<D extends Dataset<unknown> | IterableDataset<unknown, unknown>>(
  url: URL | string,
  name: string,
  ...args: readonly unknown[]
): Promise<D & Portable> {
  const recipe: Recipe = { module: addressOf('fromModule', url), name, args };
  const made = await makeFromModule(recipe, args);
  if (!isIterableDataset(made)) checkDataset(`fromModule: ${name}`, made);
  return withRecipe(made as D, recipe);
}

/**
 * A function out of a module of your own, for what takes one (`MapDataset`, `Lambda`, `collateFn`, `workerInitFn`) and is
 * to be had in workers too. It is called as it is; see {@link fromModule} for the module.
 *
 * @throws FakkelError if `url` is no address, or no function of that name is exported.
 * @example
 * // Yours is a file: new URL('./labels.js', import.meta.url). Here its text is in the address.
 * const url = 'data:text/javascript,export const isSeven = ([image, label]) => [image, label === 7];';
 * const isSeven = await functionFromModule<(sample: [HostArray, number]) => [HostArray, boolean]>(url, 'isSeven');
 * const loader = new DataLoader(new MapDataset(digits(), isSeven), { batchSize: 100, numWorkers: 1 });
 * for await (const [x, y] of loader) {
 *   // x: float32[100,1,8,8], y: bool[100]
 * }
 */
export async function functionFromModule<F extends (...args: never[]) => unknown>(
  url: URL | string,
  name: string,
): Promise<F & Portable> {
  const recipe: Recipe = { module: addressOf('functionFromModule', url), name, args: [], itself: true };
  const exported = await makeFromModule(recipe, []);
  if (typeof exported !== 'function') {
    throw new FakkelError(`functionFromModule: ${name} of ${recipe.module} is ${kindOf(exported)}, not a function`);
  }
  // A function of its own: the module's may be used elsewhere, or be frozen.
  const call = exported as F;
  return withRecipe(((...args: never[]) => call(...args)) as F, recipe);
}

/** Loads the module and makes what the recipe says, here or in a worker. */
export async function makeFromModule(
  { module, name, itself }: Recipe,
  args: readonly unknown[],
  load: (address: string) => Promise<object> = (address) =>
    import(/* @vite-ignore */ /* webpackIgnore: true */ address) as Promise<object>,
): Promise<unknown> {
  const exports = (await load(module!)) as Record<string, unknown>;
  const exported = exports[name];
  if (exported === undefined) {
    const names = Object.keys(exports).join(', ') || 'nothing';
    throw new FakkelError(`fromModule: ${module} exports no '${name}'. It exports ${names}.`);
  }
  if (itself) return exported;
  if (typeof exported === 'function') {
    const make = exported as (...args: readonly unknown[]) => unknown;
    return isClass(make) ? (Reflect.construct(make, args) as unknown) : await make(...args);
  }
  if (args.length > 0) {
    throw new FakkelError(
      `fromModule: ${name} of ${module} is ${kindOf(exported)}, which takes no arguments. Export a class or a function ` +
        `that makes it.`,
    );
  }
  return exported;
}

function isClass(value: (...args: readonly unknown[]) => unknown): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value));
}

function addressOf(op: string, url: URL | string): string {
  // C:\photos.js is no address, though it reads like one.
  if (url instanceof URL || /^[a-z][a-z+.-]+:/i.test(url)) return String(url);
  const remedy = /^([a-z]:)?[\\/]/i.test(url)
    ? `pathToFileURL('${url}')`
    : `new URL('${url}', import.meta.url), which is seen from your file, or import.meta.resolve('${url}') for a package`;
  throw new FakkelError(`${op}: '${url}' is no address that a worker could find. Write ${remedy}.`);
}

function withRecipe<T extends object>(made: T, recipe: Recipe): T & Portable {
  return Object.defineProperty(made, 'recipe', { value: () => recipe, configurable: true }) as T & Portable;
}
