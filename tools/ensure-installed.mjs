// Installs the dependencies when node_modules is missing or differs from package-lock.json, so that one command is enough
// on a fresh clone; of another folder with a lock file of its own when it is named. Plain Node: it runs before anything is
// installed.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const repository = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const root = path.resolve(repository, process.argv[2] ?? '.');

/**
 * @typedef {{ version?: string, integrity?: string, link?: boolean, optional?: boolean, peer?: boolean }} Entry
 * @param {string} file
 * @returns {Record<string, Entry>}
 */
const entriesOf = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;

/** Why an install is needed, or undefined. npm keeps what it installed in node_modules/.package-lock.json. */
function outOfDate() {
  const installedFile = path.join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installedFile)) return 'node_modules is missing';
  const wanted = entriesOf(path.join(root, 'package-lock.json'));
  const installed = entriesOf(installedFile);
  for (const [name, entry] of Object.entries(wanted)) {
    if (!name.includes('node_modules/')) continue; // the root and the workspaces themselves
    const found = installed[name];
    if (!found) {
      if (entry.optional) continue; // another platform's binary
      return `${name} is missing`;
    }
    if (found.version !== entry.version || found.integrity !== entry.integrity) return `${name} has changed`;
    if (!existsSync(path.join(root, name))) return `${name} is missing`;
  }
  return undefined;
}

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Fakkel's tools need Node 20.19 or newer; this is ${process.version}.`);
  process.exit(1);
}

const reason = outOfDate();
if (reason) {
  console.log(`Installing dependencies${process.argv[2] ? ` of ${process.argv[2]}` : ''} (${reason}): npm ci`);
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  const npm = process.env['npm_execpath'];
  const { status, error } = npm?.endsWith('.js')
    ? spawnSync(process.execPath, [npm, ...args], { cwd: root, stdio: 'inherit' })
    : spawnSync('npm', args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' });
  if (error) console.error(error.message);
  if (status !== 0) process.exit(status ?? 1);
}
