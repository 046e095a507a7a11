/**
 * Files that are whole, whenever a process dies, and the folder they go to.
 */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { UsageError } from './errors.js';

/** Makes the folder, if it is not there, and removes what runs that died while they wrote have left in it. */
export async function makeFolder(folder: string): Promise<string> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    throw new UsageError(`--output ${folder}: can't make this folder (${(cause as Error).message})`, { cause });
  }
  await removeLeftovers(folder);
  return folder;
}

/** Whoever reads the file finds the old contents or the new ones, whole, whenever this process dies. */
export async function writeAtomically(file: string, contents: Uint8Array | string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await writeFile(temporary, contents, { flush: true });
  await rename(temporary, file);
}

/** What a living process writes stays. */
async function removeLeftovers(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const pid = /\.(\d+)\.tmp$/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) await rm(path.join(folder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (pid === process.pid) return false; // this one writes nothing yet
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
