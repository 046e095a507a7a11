/**
 * Checks of options.
 */
import { FakkelError } from '@fakkel/core';

/** Throws unless `options` is an object with known names. */
export function checkOptions(op: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new FakkelError(`${op}: options come as one object, { ${known.join(', ')} }; got ${String(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) throw new FakkelError(`${op}: unknown option '${name}'. Known: ${known.join(', ')}`);
  }
}
