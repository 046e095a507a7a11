/**
 * How datasets and transforms get to worker threads, which share no objects: as the call that made them.
 */

/** A constructor call: what a worker makes its own copy with. */
export interface Recipe {
  /** The name under which the package, or else {@link Recipe.module}, exports the class. */
  readonly name: string;
  /**
   * Its arguments: data that can be cloned, `HostArray`s, promises of these, and, at any depth, further
   * {@link Portable} objects.
   */
  readonly args: readonly unknown[];
  /** Address of the module that exports it, if that is not this package. It may export a function that makes it too. */
  readonly module?: string;
  /** What the module exports is meant itself: nothing is called. */
  readonly itself?: true;
}

/** What can be made again in a worker: the package's datasets and transforms, and what comes from a module. */
export interface Portable {
  /** The call that makes an equal object; undefined where it holds a function, which no worker can be given. */
  recipe(): Recipe | undefined;
}

export function isPortable(value: unknown): value is Portable {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject && typeof (value as Partial<Portable>).recipe === 'function';
}
