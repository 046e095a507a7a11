/**
 * Datasets and functions on their way to a worker: taken apart into plain data here, made again there.
 */
import { FakkelError, isTensor, type Shape, type TypedArray } from '@fakkel/core';
import { isPlainObject } from '../collate.js';
import { HostArray, type HostDType } from '../host-array.js';
import { isPortable, type Recipe } from '../portable.js';
import { StringTable } from '../shared-memory.js';

/** What can be sent to a thread. */
export type Packed =
  | { readonly kind: 'data'; readonly value: unknown }
  | { readonly kind: 'recipe'; readonly recipe: Omit<Recipe, 'args'>; readonly args: readonly Packed[] }
  | { readonly kind: 'host'; readonly data: TypedArray; readonly shape: Shape; readonly dtype: HostDType }
  | { readonly kind: 'url'; readonly href: string }
  | { readonly kind: 'array'; readonly items: readonly Packed[] }
  | { readonly kind: 'object'; readonly keys: readonly string[]; readonly items: readonly Packed[] }
  /** A promise, and what it gave. */
  | { readonly kind: 'later'; value?: Packed };

/** Throws unless workers can be given `value`. */
export function checkPortable(value: unknown, what: string): void {
  new Packer(what, false).pack(value, []);
}

/**
 * `value`, for workers. The memory of its arrays is shared, so that it is there once.
 *
 * @throws FakkelError if it holds a function or an object of a class that is not the package's.
 */
export async function pack(value: unknown, what: string): Promise<Packed> {
  const packer = new Packer(what, true);
  const packed = packer.pack(value, []);
  while (packer.waiting.length > 0) await packer.waiting.pop();
  return packed;
}

/** Makes what was packed. */
export async function unpack(packed: Packed, make: (recipe: Recipe) => unknown): Promise<unknown> {
  const all = (items: readonly Packed[]): Promise<unknown[]> => Promise.all(items.map((item) => unpack(item, make)));
  switch (packed.kind) {
    case 'data':
      return packed.value;
    case 'recipe':
      return await make({ ...packed.recipe, args: await all(packed.args) });
    case 'host':
      return new HostArray(packed.data, packed.shape, packed.dtype);
    case 'url':
      return new URL(packed.href);
    case 'array':
      return all(packed.items);
    case 'object': {
      const values = await all(packed.items);
      return Object.fromEntries(packed.keys.map((key, i) => [key, values[i]]));
    }
    case 'later':
      return unpack(packed.value!, make);
    default:
      return packed satisfies never;
  }
}

class Packer {
  readonly waiting: Promise<void>[] = [];

  /** @param shares - Whether memory is shared already, or it is only to be seen whether all can be sent. */
  constructor(
    private readonly what: string,
    private readonly shares: boolean,
  ) {}

  /** @param trail - What holds the value, from the inside out. */
  pack(value: unknown, trail: readonly string[]): Packed {
    if (isPortable(value)) {
      const recipe = value.recipe();
      if (!recipe) this.refuse(`${nameOf(value)} (with a function in it, or of a class of your own)`, trail);
      // A class that extends one of the package's and says nothing of recipes would be made as that one.
      const own = [value, Object.getPrototypeOf(value) as object];
      if (!own.some((object) => Object.hasOwn(object, 'recipe')))
        this.refuse(`${nameOf(value)} (a class of your own)`, trail);
      const { args, ...rest } = recipe;
      const inner = [recipe.name, ...trail];
      return { kind: 'recipe', recipe: rest, args: args.map((arg) => this.pack(arg, inner)) };
    }
    if (typeof value === 'function') this.refuse('a function', trail);
    if (typeof value !== 'object' || value === null) return { kind: 'data', value };
    if (isTensor(value)) this.refuse('a tensor', trail);
    if (value instanceof HostArray) {
      return { kind: 'host', data: this.share(value.data), shape: value.shape, dtype: value.dtype };
    }
    if (ArrayBuffer.isView(value)) return { kind: 'data', value: this.share(value as TypedArray) };
    if (value instanceof Promise) return this.later(value, trail);
    if (value instanceof StringTable) return { kind: 'data', value: { ...value } };
    if (value instanceof URL) return { kind: 'url', href: value.href };
    if (Array.isArray(value)) {
      if (value.every(isPrimitive)) return { kind: 'data', value };
      return { kind: 'array', items: value.map((item) => this.pack(item, trail)) };
    }
    if (isPlainObject(value)) {
      const keys = Object.keys(value);
      return { kind: 'object', keys, items: keys.map((key) => this.pack(value[key], [`{ ${key} }`, ...trail])) };
    }
    if (CLONABLE.some((known) => value instanceof known)) return { kind: 'data', value };
    return this.refuse(nameOf(value), trail);
  }

  private later(value: Promise<unknown>, trail: readonly string[]): Packed {
    const later: Packed = { kind: 'later' };
    if (this.shares) {
      this.waiting.push(
        value.then((given) => {
          later.value = this.pack(given, trail);
        }),
      );
    }
    return later;
  }

  private share(array: TypedArray): TypedArray {
    return this.shares ? share(array) : array;
  }

  private refuse(what: string, trail: readonly string[]): never {
    throw new FakkelError(
      `DataLoader: numWorkers: ${this.what} can't be given to worker threads, which share no objects: it ` +
        `${trail.length === 0 ? 'is' : 'has'} ${[what, ...trail].join(' in ')}. Put what makes it into a module of its ` +
        `own, export const make = () => …, and load it from there, as the workers will: await ` +
        `fromModule(new URL('./photos.js', import.meta.url), 'make') for a dataset, functionFromModule(…) for a function.`,
    );
  }
}

/** What a structured clone keeps; what these hold is for it to complain about. */
const CLONABLE = [
  Date,
  RegExp,
  Map,
  Set,
  ArrayBuffer,
  ...(typeof SharedArrayBuffer === 'function' ? [SharedArrayBuffer] : []),
];

const isPrimitive = (value: unknown): boolean =>
  value === null || (typeof value !== 'object' && typeof value !== 'function');

function nameOf(value: object): string {
  const name = value.constructor?.name;
  if (name === undefined || name === '' || name === 'Object') return 'an object with functions';
  return `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`;
}

/** Below this a copy for each worker is cheaper than memory of its own. */
const SMALL_BYTES = 1024;

/** Copies that workers share; as long as the array itself. */
const copies = new WeakMap<TypedArray, TypedArray>();

/** `array` in memory that threads share: itself, where it is already. */
function share(array: TypedArray): TypedArray {
  if (typeof SharedArrayBuffer !== 'function' || array.buffer instanceof SharedArrayBuffer) return array;
  // Not the array itself: a clone of a view would be one of all that it looks into.
  if (array.byteLength <= SMALL_BYTES) return array.slice();
  let copy = copies.get(array);
  if (!copy) {
    copy = sameKind(array, new SharedArrayBuffer(array.byteLength));
    copy.set(array);
    copies.set(array, copy);
  }
  return copy;
}

/** An array of the same type over `memory`; Node's `Buffer` becomes a `Uint8Array`. */
export function sameKind(array: TypedArray, memory: ArrayBufferLike, offset = 0, length = array.length): TypedArray {
  const Kind = (globalThis as unknown as Record<string, new (...args: unknown[]) => TypedArray>)[
    array[Symbol.toStringTag]
  ];
  return new Kind(memory, offset, length);
}
