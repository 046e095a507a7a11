/**
 * Node's modules, where there is Node. Bundlers for browsers do not follow an import whose name is not a literal.
 */
/* eslint-disable @typescript-eslint/consistent-type-imports -- imports of types, which the rule on node: forbids */
type Builtins = {
  'node:fs/promises': typeof import('node:fs/promises');
  'node:path': typeof import('node:path');
  'node:url': typeof import('node:url');
};
/* eslint-enable @typescript-eslint/consistent-type-imports */

/** Whether this is Node (or Deno or Bun, which have its modules). */
export const isNode = typeof process === 'object' && typeof process.versions?.node === 'string';

/** A built-in module of Node. */
export async function builtin<K extends keyof Builtins>(name: K): Promise<Builtins[K]> {
  return (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as Builtins[K];
}
