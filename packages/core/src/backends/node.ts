/**
 * Node's modules, where there is Node. Bundlers for browsers do not follow an import whose name is not a literal.
 */
/* eslint-disable @typescript-eslint/consistent-type-imports -- imports of types, which the rule on node: forbids */
type Builtins = {
  'node:fs': typeof import('node:fs');
  'node:module': typeof import('node:module');
  'node:path': typeof import('node:path');
  'node:url': typeof import('node:url');
};
/* eslint-enable @typescript-eslint/consistent-type-imports */

/** A built-in module of Node. */
export async function builtin<K extends keyof Builtins>(name: K): Promise<Builtins[K]> {
  return (await import(/* @vite-ignore */ /* webpackIgnore: true */ name)) as Builtins[K];
}
