// Checks package-lock.json for what `npm ci` on another machine would trip over:
// - an optional dependency (a platform's binary) that the registry did not have when the lock file was written is left out
//   of it without a word, and then `npm ci` fails everywhere. Remedy: an older version, or an entry in "overrides".
// - a registry's address.
import { readFileSync } from 'node:fs';

/** @type {{ packages: Record<string, { version?: string, resolved?: string, optionalDependencies?: Record<string, string> }> }} */
const { packages } = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'));
const names = new Set(
  Object.keys(packages).map((key) => key.slice(key.lastIndexOf('node_modules/') + 'node_modules/'.length)),
);

const problems = [];
for (const [key, { version, resolved, optionalDependencies }] of Object.entries(packages)) {
  if (resolved?.includes('://')) problems.push(`${key} names a registry: ${resolved}`);
  for (const name of Object.keys(optionalDependencies ?? {})) {
    if (!names.has(name)) problems.push(`${key} ${version} needs ${name}, which is not in the lock file`);
  }
}
for (const problem of problems) console.error(`package-lock.json: ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;
