/**
 * Checksums of files.
 */
import { FakkelError } from '@fakkel/core';
import { md5 } from '@noble/hashes/legacy.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { builtin, isNode } from './node.js';

/** What a file's checksum must be: hexadecimal digits. */
export interface Checksum {
  /** SHA-256: all 64 digits, or the first of them, eight or more, as torch.hub puts them in file names. */
  readonly sha256?: string | undefined;
  /** MD5: all 32 digits. It tells damage, not malice. */
  readonly md5?: string | undefined;
}

/**
 * The digits of SHA-256 in a file name of torch.hub's form, `resnet18-f37072fd.pth`: eight or more.
 *
 * A date looks just so (`net-20240131.pth`): ask for it only where names are known to be of that form.
 *
 * @returns undefined if the name has none.
 * @example
 * hashOfName('resnet18-f37072fd.pth'); // 'f37072fd'
 */
export function hashOfName(name: string): string | undefined {
  return /-([a-f0-9]{8,64})\./.exec(name)?.[1];
}

/** Throws unless `checksum` can be one. */
export function checkChecksum(op: string, { sha256: sha, md5: five }: Checksum): void {
  if (sha !== undefined && !/^[a-f0-9]{8,64}$/i.test(sha)) {
    throw new FakkelError(`${op}: sha256: expected 8 to 64 hexadecimal digits, got '${String(sha)}'`);
  }
  if (five !== undefined && !/^[a-f0-9]{32}$/i.test(five)) {
    throw new FakkelError(`${op}: md5: expected 32 hexadecimal digits, got '${String(five)}'`);
  }
}

/**
 * How the bytes differ from `checksum`: "expected SHA-256 f37072fd…, it has 0c1d…"; undefined if they don't.
 *
 * @param bytes - In pieces: the file need not fit into memory.
 * @param what - What they are of.
 */
export async function mismatch(
  bytes: AsyncIterable<Uint8Array>,
  checksum: Checksum,
  what = 'the downloaded file',
): Promise<string | undefined> {
  const wanted = (['sha256', 'md5'] as const).filter((kind) => checksum[kind] !== undefined);
  if (wanted.length === 0) return undefined;
  const hashes = await Promise.all(wanted.map(hasher));
  for await (const piece of bytes) for (const hash of hashes) hash.update(piece);
  for (const [i, kind] of wanted.entries()) {
    const expected = checksum[kind]!.toLowerCase();
    const digits = hashes[i].digest();
    if (digits.startsWith(expected)) continue;
    const name = kind === 'md5' ? 'MD5' : 'SHA-256';
    const beginning = expected.length < digits.length ? ' beginning with' : '';
    return `expected ${name}${beginning} ${expected}, ${what} has ${digits}`;
  }
  return undefined;
}

interface Hasher {
  update(bytes: Uint8Array): unknown;
  digest(): string;
}

/** Node's are in C; browsers have none that takes a file in pieces. */
async function hasher(kind: 'sha256' | 'md5'): Promise<Hasher> {
  if (isNode) {
    const hash = (await builtin('node:crypto')).createHash(kind);
    return { update: (bytes) => hash.update(bytes), digest: () => hash.digest('hex') };
  }
  return portableHasher(kind);
}

export function portableHasher(kind: 'sha256' | 'md5'): Hasher {
  const hash = kind === 'md5' ? md5.create() : sha256.create();
  return {
    update: (bytes) => hash.update(bytes),
    digest: () => Array.from(hash.digest(), (byte) => byte.toString(16).padStart(2, '0')).join(''),
  };
}
