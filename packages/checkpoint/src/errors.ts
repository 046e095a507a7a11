/**
 * The error of this package.
 */
import { FakkelError } from '@fakkel/core';

/** A checkpoint that cannot be read or written: of another kind, cut short, malformed, or holding what has no meaning here. */
export class CheckpointError extends FakkelError {
  override name = 'CheckpointError';
}

/** For messages: a value as JSON, shortened. */
export function show(value: unknown): string {
  const text = typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

/** For messages: a list, of which the first few are named. */
export function list(names: Iterable<string>, most = 8): string {
  const all = [...names];
  const more = all.length > most ? `, … (${all.length} in all)` : '';
  return all.slice(0, most).join(', ') + more;
}
