/**
 * Memory and processor time of a process, from /proc; undefined where there is none (macOS, Windows).
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function statusBytes(pid: number, field: 'VmRSS' | 'VmHWM'): number | undefined {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(read(`/proc/${pid}/status`) ?? '');
  return match ? Number(match[1]) * 1024 : undefined;
}

/** Bytes resident now. */
export const residentMemory = (pid: number): number | undefined => statusBytes(pid, 'VmRSS');

/** The most bytes that were ever resident, since {@link resetPeak}. */
export const peakMemory = (pid: number): number | undefined => statusBytes(pid, 'VmHWM');

/** Forgets the peak until now. */
export function resetPeak(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
  } catch {
    // Not Linux, or not allowed: then the peak counts reading the weights too.
  }
}

/** Processor time of the process until now, in ticks of /proc/stat. */
export function processTicks(pid: number): number {
  const stat = read(`/proc/${pid}/stat`);
  if (!stat) return 0;
  // The name may hold spaces and parentheses; after it, the 12th and 13th fields are user and system time.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

/** The same of the process and all that it has started: workers of PyTorch's loader are processes. */
export function familyTicks(pid: number): number {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const stat = read(`/proc/${name}/stat`);
    if (!stat) continue;
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const sum = (of: number): number =>
    (children.get(of) ?? []).reduce((ticks, child) => ticks + sum(child), processTicks(of));
  return sum(pid);
}

/** Processor time of the machine until now, in ticks: of all processors, and what of it was not idle. */
export function machineTicks(): { readonly total: number; readonly busy: number } | undefined {
  const line = read('/proc/stat')?.split('\n', 1)[0];
  if (!line) return undefined;
  // user nice system idle iowait irq softirq steal; what follows is contained in user and nice
  const ticks = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const total = ticks.reduce((sum, n) => sum + n, 0);
  return { total, busy: total - ticks[3] - ticks[4] };
}
