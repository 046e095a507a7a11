/**
 * Errors from a worker to the loader's thread.
 */
import {
  AutogradError,
  BackendError,
  DeviceError,
  DTypeError,
  FakkelError,
  NotInTypeScriptError,
  OutOfRangeError,
  ShapeError,
} from '@fakkel/core';

/** An error, as plain data. */
export interface SentError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly cause: SentError | undefined;
}

export function sendError(error: unknown): SentError {
  if (!(error instanceof Error)) {
    return { name: 'Error', message: `thrown: ${String(error)}`, stack: undefined, cause: undefined };
  }
  const { name, message, stack, cause } = error;
  return { name, message, stack, cause: cause === undefined ? undefined : sendError(cause) };
}

/** An error of the same class, where it is JavaScript's or Fakkel's; its stack is the one in the worker. */
export function receiveError({ name, message, stack, cause }: SentError): Error {
  const Class = CLASSES.get(name) ?? Error;
  const error = new Class(message, cause && { cause: receiveError(cause) });
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}

type ErrorClass = new (message: string, options?: ErrorOptions) => Error;

const CLASSES = new Map<string, ErrorClass>(
  Object.entries({
    ...{ EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError },
    ...{ AutogradError, BackendError, DeviceError, DTypeError, FakkelError, NotInTypeScriptError },
    ...{ OutOfRangeError, ShapeError },
  }),
);
