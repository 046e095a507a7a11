/**
 * Modules of the user's, in a worker.
 */
import { FakkelError } from '@fakkel/core';
import { builtin, isNode } from '../node.js';

let prepared: Promise<void> | undefined;

/** The module at this address, as the loader's thread would load it. */
export async function importModule(address: string): Promise<object> {
  if (isNode) await (prepared ??= registerTsx());
  try {
    return (await import(/* @vite-ignore */ /* webpackIgnore: true */ address)) as object;
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error;
    throw new FakkelError(
      `${address} can't be loaded in a worker thread: ${(error as Error).message}. TypeScript works where this program ` +
        `is run with tsx (node --import tsx main.ts), or with a Node that knows it by itself; else compile it.`,
      { cause: error },
    );
  }
}

/** tsx, by which the program was started, does not reach its workers (on Node 20): here it is told. */
async function registerTsx(): Promise<void> {
  const words = [...process.execArgv, ...(process.env.NODE_OPTIONS ?? '').split(/\s+/)];
  const tsx = words.map((word) => word.replace(/^--[a-z-]+=/, '')).find((word) => /(^|[\\/])tsx([\\/]|$)/.test(word));
  if (tsx === undefined) return;
  const { createRequire } = await builtin('node:module');
  const { pathToFileURL } = await builtin('node:url');
  // As a path it names a file of the package; as a name it is looked up from where the program was started.
  const path = /^(file:\/\/)?(.*[\\/]tsx[\\/]dist[\\/])/.exec(tsx)?.[2];
  const folder = path ?? createRequire(`${process.cwd()}/main.js`).resolve('tsx');
  const api = new URL('esm/api/index.mjs', pathToFileURL(folder));
  ((await import(/* @vite-ignore */ /* webpackIgnore: true */ api.href)) as { register(): unknown }).register();
}
