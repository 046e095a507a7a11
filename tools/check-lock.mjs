// Checks package-lock.json for what `npm ci` on another machine would trip over:
// - an optional dependency (a platform's binary) that the registry did not have when the lock file was written is left out
//   of it without a word, and then `npm ci` fails everywhere. Remedy: an older version, or an entry in "overrides".
// - a registry's address.
// - a workspace of another name, or with other dependencies, than its package.json has: `npm ci` refuses.
import { readFileSync } from 'node:fs';

/**
 * @typedef {{ name?: string, version?: string, resolved?: string, link?: boolean, dependencies?: Record<string, string>,
 *   devDependencies?: Record<string, string>, peerDependencies?: Record<string, string>,
 *   optionalDependencies?: Record<string, string> }} Entry
 * @type {{ packages: Record<string, Entry> }}
 */
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
for (const [key, entry] of Object.entries(packages)) {
  if (key.includes('node_modules/')) {
    // A workspace's link: `node_modules/@fakkel/core` to `packages/core`.
    const name = key.slice('node_modules/'.length);
    if (!entry.link || !entry.resolved) continue;
    /** @type {Entry} */
    const manifest = JSON.parse(readFileSync(new URL(`../${entry.resolved}/package.json`, import.meta.url), 'utf8'));
    if (manifest.name !== name) problems.push(`${entry.resolved} is ${manifest.name} now, not ${name}`);
    continue;
  }
  /** @type {Entry} */
  const manifest = JSON.parse(readFileSync(new URL(`../${key ? `${key}/` : ''}package.json`, import.meta.url), 'utf8'));
  for (const kind of /** @type {const} */ (['dependencies', 'devDependencies', 'peerDependencies'])) {
    const [wanted, found] = [manifest[kind] ?? {}, entry[kind] ?? {}];
    for (const name of new Set([...Object.keys(wanted), ...Object.keys(found)])) {
      if (wanted[name] === found[name]) continue;
      problems.push(`${key || 'the root'}: ${kind} has ${name} ${wanted[name]}, the lock file ${found[name]}`);
    }
  }
}
for (const problem of problems) console.error(`package-lock.json: ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;
