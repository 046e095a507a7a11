/**
 * Where downloads are kept.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { builtin, isNode } from './node.js';

/**
 * The folder in which Fakkel keeps downloads, or one in it: `$FAKKEL_HOME`, else `$XDG_CACHE_HOME/fakkel`, else
 * `~/.cache/fakkel`. It need not be there yet. Browsers have no folders: there it is the name of their cache alone.
 *
 * @param parts - Folders below it: `'checkpoints'` has the weights of models.
 * @example
 * await cacheFolder('checkpoints'); // '/home/me/.cache/fakkel/checkpoints'
 */
export async function cacheFolder(...parts: string[]): Promise<string> {
  if (!isNode) return ['fakkel', ...parts].join('/');
  const [os, path] = [await builtin('node:os'), await builtin('node:path')];
  const { FAKKEL_HOME, XDG_CACHE_HOME } = process.env;
  const home = FAKKEL_HOME || path.join(XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'fakkel');
  return path.resolve(home, ...parts);
}

/** Folders that are an address: host and path, so that files of one name from two places don't meet. */
export function foldersOf(url: URL): string[] {
  const folders = [url.host, ...url.pathname.split('/').slice(1, -1)].map((part) => safe(part)).filter(Boolean);
  if (url.search === '') return folders;
  const digest = sha256(new TextEncoder().encode(url.search)).subarray(0, 4);
  return [...folders, `query-${Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')}`];
}

/** A part of a path that every file system takes. */
const safe = (part: string): string => decoded(part).replace(/[^\w.@+-]+/g, '_').replace(/^\.+$/, '_'); // prettier-ignore

/** With %20 as a space; as it is where that is no text. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
