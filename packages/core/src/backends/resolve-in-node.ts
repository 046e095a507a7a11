/**
 * Where a package is that the application depends on. `import(name)` in core would look beside core, which finds other
 * packages than the application does under pnpm, with linked packages, and in monorepos.
 */
import { builtin } from './node.js';

/** Conditions of an ESM import, for packages that have no `default` or `require` one. */
const IMPORT_CONDITIONS = new Set(['node', 'import', 'module-sync', 'default']);

/**
 * The URL of a package's main module, looked up from the application: from where its main file is (and what that links
 * to), then from the current folder. Undefined if it is not installed there.
 */
export async function resolveFromApplication(name: string): Promise<string | undefined> {
  const { createRequire } = await builtin('node:module');
  const { pathToFileURL } = await builtin('node:url');
  for (const base of await applicationFolders()) {
    const require = createRequire(pathToFileURL(base));
    try {
      // Knows the conditions that Node was started with, and package managers that hook into resolution.
      return pathToFileURL(require.resolve(name)).href;
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') {
        const url = await resolveImport(name, require.resolve.paths(name) ?? []);
        if (url !== undefined) return url;
      }
      // Another message: it is there, and its main file is missing.
      if (code !== 'MODULE_NOT_FOUND' || !message.startsWith(`Cannot find module '${name}'`)) throw error;
    }
  }
  return undefined;
}

/** Folders, each with a slash at its end. */
async function applicationFolders(): Promise<Set<string>> {
  const { realpathSync } = await builtin('node:fs');
  const path = await builtin('node:path');
  const folders: string[] = [];
  const main = process.argv[1];
  if (main !== undefined) {
    // `node .` names a folder; an installed command is a link into the package that it belongs to.
    folders.push(main, path.dirname(main));
    try {
      folders.push(path.dirname(realpathSync(main)));
    } catch {
      // `node app` for app.js
    }
  }
  return new Set([...folders, process.cwd()].map((folder) => path.join(folder, '/')));
}

async function resolveImport(name: string, folders: readonly string[]): Promise<string | undefined> {
  const { readFileSync } = await builtin('node:fs');
  const path = await builtin('node:path');
  const { pathToFileURL } = await builtin('node:url');
  for (const folder of folders) {
    let manifest: { exports?: unknown };
    try {
      manifest = JSON.parse(readFileSync(path.join(folder, name, 'package.json'), 'utf8')) as { exports?: unknown };
    } catch {
      continue;
    }
    const target = mainTarget(manifest.exports);
    return target === undefined ? undefined : pathToFileURL(path.join(folder, name, target)).href;
  }
  return undefined;
}

/** What `exports` gives for the package's own name: Node's PACKAGE_TARGET_RESOLVE for `.`. */
function mainTarget(target: unknown): string | undefined {
  if (typeof target === 'string') return target.startsWith('./') ? target : undefined;
  if (Array.isArray(target)) return mainTarget(target[0]);
  if (typeof target !== 'object' || target === null) return undefined;
  for (const [key, value] of Object.entries(target)) {
    if (key !== '.' && !IMPORT_CONDITIONS.has(key)) continue;
    const found = mainTarget(value);
    if (found !== undefined) return found;
  }
  return undefined;
}
