/**
 * Errors from one thread to the other.
 */
import * as core from '@fakkel/core';
import type { SentError } from './protocol.js';

type ErrorClass = new (message: string, options?: ErrorOptions) => Error;

export function sendError(error: unknown): SentError {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, cause } = error;
  return { name, message, cause: cause instanceof Error ? cause.message : undefined };
}

/** An error of the same class; `core.FakkelError` and its kin keep what they are. */
export function receiveError({ name, message, cause }: SentError): Error {
  const known = (core as Record<string, unknown>)[name];
  const isErrorClass = typeof known === 'function' && known.prototype instanceof core.FakkelError;
  const Class: ErrorClass = isErrorClass ? (known as ErrorClass) : core.BackendError;
  return new Class(message, cause === undefined ? undefined : { cause: new Error(cause) });
}
