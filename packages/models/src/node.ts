/**
 * Where this runs.
 */

/** Whether this is Node (or Deno or Bun). Not `typeof process`: bundlers put one into pages. */
export const isNode = typeof process === 'object' && typeof process.versions?.node === 'string';
