/**
 * Downloading into a file: what has come lies beside it under another name, and a later call goes on from there.
 */
import { mismatch, type Checksum } from './checksum.js';
import { damaged, Problem } from './errors.js';
import { lock, type Lock } from './lock.js';
import { builtin, codeOf } from './node.js';
import type { DownloadProgress } from './progress.js';
import { isResumable, reasonOf, receive, type Version } from './receive.js';

export interface SaveOptions {
  readonly checksum: Checksum;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
  readonly retries?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What is known of a download that was stopped, as JSON beside it. */
interface Note {
  readonly url: string;
  readonly version: Version;
}

/**
 * Downloads `url` to `file`, unless it is there by the time that no other process writes it. Never the whole file in
 * memory; `file` is there only when it is whole and its checksum is right.
 *
 * What has come is in `file.part` until then, its version in `file.part.json`, and `file.lock` says who writes.
 *
 * @throws FakkelError saying what went wrong, without file and address; the signal's reason.
 */
export async function save(url: string, file: string, options: SaveOptions): Promise<void> {
  const fs = await builtin('node:fs/promises');
  const path = await builtin('node:path');
  const held = await writing(path.dirname(file), async () => {
    await fs.mkdir(path.dirname(file), { recursive: true });
    return lock(`${file}.lock`, options.signal);
  });
  try {
    if (await isThere(file)) return; // another process has downloaded it meanwhile
    const resumed = await fetchPart(url, file, options);
    let wrong = await mismatch(piecesOf(`${file}.part`), options.checksum);
    if (wrong && resumed) {
      // The bytes from before may be to blame.
      await discard(file);
      await fetchPart(url, file, options);
      wrong = await mismatch(piecesOf(`${file}.part`), options.checksum);
    }
    if (wrong) {
      await discard(file);
      throw damaged(wrong);
    }
    await publish(file, held);
  } finally {
    await held.release();
  }
}

/** Whether there is a file of that name. */
export async function isThere(file: string): Promise<boolean> {
  const fs = await builtin('node:fs/promises');
  try {
    return (await fs.stat(file)).isFile();
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return false;
    throw error;
  }
}

/** The contents of a file, a megabyte at a time. */
export async function* piecesOf(file: string): AsyncGenerator<Uint8Array, void, undefined> {
  const { createReadStream } = await builtin('node:fs');
  for await (const chunk of createReadStream(file, { highWaterMark: 2 ** 20 })) yield chunk as Uint8Array;
}

/** Downloads what is missing of `file.part`. Whether any of it was there before. */
async function fetchPart(url: string, file: string, options: SaveOptions): Promise<boolean> {
  const fs = await builtin('node:fs/promises');
  const path = await builtin('node:path');
  const { onProgress, checksum, ...transfer } = options;
  const name = path.basename(file);
  const begun = await beginning(url, file);
  const handle = await writing(file, () => fs.open(`${file}.part`, begun.from > 0 ? 'r+' : 'w'));
  let version: Version | undefined = begun.version;
  let failed = true;
  try {
    for await (const { bytes, at, version: found } of receive(url, { ...transfer, ...begun })) {
      if (found !== version) {
        version = found;
        await checkSpace(file, (version.total ?? 0) - at);
        const note: Note = { url, version };
        await writing(file, async () => {
          await handle.truncate(at); // perhaps at the start once more: before the note says of which version this is
          await fs.writeFile(`${file}.part.json`, JSON.stringify(note));
        });
      }
      await writing(file, async () => {
        let written = 0;
        while (written < bytes.length) {
          written += (await handle.write(bytes, written, bytes.length - written, at + written)).bytesWritten;
        }
      });
      onProgress?.({ file: name, loaded: at + bytes.length, total: found.total });
    }
    failed = false;
  } finally {
    await handle.close();
    // Without a version or a checksum nobody could tell, later, whether the rest belongs to it.
    const isUseful = version && (isResumable(version) || checksum.sha256 !== undefined || checksum.md5 !== undefined);
    if (failed && !isUseful) await discard(file);
  }
  return begun.from > 0;
}

/** How much of `url` is in `file.part`. */
async function beginning(url: string, file: string): Promise<{ from: number; version?: Version }> {
  const fs = await builtin('node:fs/promises');
  try {
    const note = JSON.parse(await fs.readFile(`${file}.part.json`, 'utf8')) as Note;
    if (note.url === url) return { from: (await fs.stat(`${file}.part`)).size, version: note.version };
  } catch {
    // Nothing is there, or nothing of use.
  }
  return { from: 0 };
}

/** The part becomes the file. */
async function publish(file: string, held: Lock): Promise<void> {
  const fs = await builtin('node:fs/promises');
  if (!(await held.isHeld())) {
    throw new Problem('another process took over while this one was stopped for long', 'Call it again.');
  }
  await writing(file, () => fs.rename(`${file}.part`, file));
  await fs.rm(`${file}.part.json`, { force: true });
}

async function discard(file: string): Promise<void> {
  const fs = await builtin('node:fs/promises');
  await Promise.all(['.part', '.part.json'].map((end) => fs.rm(file + end, { force: true })));
}

/** Throws if the file system of `file` has not `bytes` bytes left. */
async function checkSpace(file: string, bytes: number): Promise<void> {
  const fs = await builtin('node:fs/promises');
  const path = await builtin('node:path');
  const system = await fs.statfs(path.dirname(file)).catch(() => undefined); // not every file system says
  const free = system && system.bavail * system.bsize;
  if (free === undefined || bytes <= free) return;
  const [has, needs] = [inUnits(free), inUnits(bytes)];
  throw new Problem(`${path.dirname(file)} has ${has} left, and ${needs} are to be written`, ELSEWHERE);
}

const inUnits = (bytes: number): string => (bytes < 1e6 ? `${bytes} bytes` : `${(bytes / 1e6).toFixed(0)} MB`);

const ELSEWHERE = 'Make room, or choose another folder: $FAKKEL_HOME is where downloads go.';

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'your quota of the disk is used up',
  EACCES: 'this process may not write there',
  EPERM: 'this process may not write there',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'a part of the path is a file, not a folder',
  ENAMETOOLONG: 'the path is too long',
};

/** What the system's refusal to write means. */
export function explained(where: string, code: string, cause: unknown): Problem {
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  const remedy = isFull
    ? `${ELSEWHERE} It goes on where it stopped.`
    : 'Choose another folder: $FAKKEL_HOME is where downloads go.';
  return new Problem(`${where} can't be written: ${REASONS[code] ?? reasonOf(cause)}`, remedy, { cause });
}

/** What `write` gives; what the system refuses is told in words. */
async function writing<T>(where: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    const code = codeOf(error);
    if (code === undefined) throw error; // the signal's reason
    throw explained(where, code, error);
  }
}
