/**
 * Options by name.
 */

/** Throws for an option that is none: a typing error would go unnoticed. */
export function checkOptions(fn: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${fn}: expected options in an object, got ${options === null ? 'null' : typeof options}`);
  }
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) {
    throw new TypeError(`${fn}: unknown option '${unknown}'; it has ${[...known].sort().join(', ')}`);
  }
}
