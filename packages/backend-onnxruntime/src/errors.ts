/**
 * What ONNX Runtime says, as errors of Fakkel.
 */
import { BackendError, FakkelError } from '@fakkel/core';

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A session that could not be built. */
export function buildError(name: string, error: unknown): Error {
  if (error instanceof FakkelError) return error;
  return new BackendError(`compile: ${name} can't build a session: ${messageOf(error)}`, { cause: error });
}

/** A run that failed. */
export function runError(name: string, error: unknown): Error {
  if (error instanceof FakkelError) return error;
  return new BackendError(`run: ${name} failed: ${messageOf(error)}`, { cause: error });
}
