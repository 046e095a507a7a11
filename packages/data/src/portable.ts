/**
 * How datasets and transforms get to worker threads, which share no objects: as the call that made them.
 */

/** A constructor call: what a worker makes its own copy with. */
export interface Recipe {
  /** The name under which the package exports the class. */
  readonly name: string;
  /** Its arguments: data that can be cloned, and, at any depth, further {@link Portable} objects. */
  readonly args: readonly unknown[];
}

/** What can be made again in a worker: the package's datasets and transforms. */
export interface Portable {
  /** The call that makes an equal object; undefined where it holds a function, which no worker can be given. */
  recipe(): Recipe | undefined;
}

export function isPortable(value: unknown): value is Portable {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject && typeof (value as Partial<Portable>).recipe === 'function';
}
