/**
 * One writer at a time, also among processes: a file that is there while somebody writes.
 */
import { builtin, codeOf } from './node.js';

/** Milliseconds between two looks at a lock that another holds. */
const POLL = 100;
/** Milliseconds between two signs of life of a holder. */
const BEAT = 5000;
/** Milliseconds without a sign of life after which a lock is taken to be left behind. */
const STALE = 60_000;

/** A lock that is held. */
export interface Lock {
  /** Whether it still is: a process that was stopped for long may have lost it. */
  isHeld(): Promise<boolean>;
  release(): Promise<void>;
}

/**
 * Waits for the lock `file`, and takes it. A lock whose holder has died (on this machine: at once; elsewhere: after a
 * minute without a sign of life) is taken over.
 *
 * @throws The signal's reason if it is aborted; what the system says if the file can't be written.
 */
export async function lock(file: string, signal: AbortSignal | undefined): Promise<Lock> {
  const fs = await builtin('node:fs/promises');
  const host = (await builtin('node:os')).hostname();
  const token = `${process.pid} ${host} ${Math.random().toString(36).slice(2)}`;
  while (!(await take(fs, file, token))) {
    signal?.throwIfAborted();
    const dead = await leftBehind(fs, file, host);
    if (dead !== undefined) await takeAway(fs, file, dead);
    else await new Promise((resolve) => setTimeout(resolve, POLL));
  }
  const beat = setInterval(() => {
    fs.utimes(file, new Date(), new Date()).catch(() => undefined); // gone: isHeld says so
  }, BEAT);
  beat.unref();
  const isHeld = async (): Promise<boolean> => (await contents(fs, file)) === token;
  return {
    isHeld,
    release: async () => {
      clearInterval(beat);
      if (await isHeld()) await fs.rm(file, { force: true });
    },
  };
}

type Fs = Awaited<ReturnType<typeof builtin<'node:fs/promises'>>>;

/** A link to a file that has its contents already: a lock is never seen empty. */
async function take(fs: Fs, file: string, token: string): Promise<boolean> {
  const own = `${file}.${token.split(' ').at(-1)}`;
  await fs.writeFile(own, token);
  try {
    await fs.link(own, file);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    // File systems without links (FAT, some of networks).
    try {
      await fs.writeFile(file, token, { flag: 'wx' });
      return true;
    } catch (other) {
      if (codeOf(other) === 'EEXIST') return false;
      throw other;
    }
  } finally {
    await fs.rm(own, { force: true });
  }
}

/** The contents of a lock whose holder has died; undefined if it lives. */
async function leftBehind(fs: Fs, file: string, host: string): Promise<string | undefined> {
  try {
    const { mtimeMs } = await fs.stat(file);
    const token = await fs.readFile(file, 'utf8');
    const [pid, machine] = token.split(' ');
    const isDead = machine === host && !isAlive(Number(pid));
    return isDead || Date.now() - mtimeMs > STALE ? token : undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined; // released meanwhile
    throw error;
  }
}

/** Removes the lock with the contents `dead`, and no other: several processes may find it at the same time. */
async function takeAway(fs: Fs, file: string, dead: string): Promise<void> {
  const away = `${file}.${Math.random().toString(36).slice(2)}`;
  try {
    await fs.rename(file, away);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return; // another was faster
    throw error;
  }
  if ((await contents(fs, away)) !== dead) await fs.link(away, file).catch(() => undefined); // that other's new one
  await fs.rm(away, { force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM'; // another user's
  }
}

async function contents(fs: Fs, file: string): Promise<string | undefined> {
  return fs.readFile(file, 'utf8').catch(() => undefined);
}
