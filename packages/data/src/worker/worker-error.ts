/**
 * What the loader throws when a worker fails.
 */
import { FakkelError } from '@fakkel/core';

/**
 * What went wrong in a worker thread of a `DataLoader`. `cause` is the error that was thrown there, with its stack.
 */
export class WorkerError extends FakkelError {
  override name = 'WorkerError';

  constructor(
    message: string,
    /** The number of the worker, from 0; undefined if it is not one alone. */
    readonly worker: number | undefined,
    /** The sample that was being loaded, if it is known: its index, or its place in the stream. */
    readonly index: number | undefined,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
