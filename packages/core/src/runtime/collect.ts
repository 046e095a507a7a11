/**
 * What a run computes: what was asked for, and the visible values and pending writes that share un-run work with it
 * or that read a cell version which it replaces. Unrelated work is another run.
 */
import type { Tensor } from '../graph/tensor.js';
import { nextEpoch } from '../program/trace.js';
import type { Version } from './version.js';

export interface Root {
  readonly tensor: Tensor;
  /** Set where the root is a pending write. */
  readonly write?: Version;
}

/** Groups of roots, by union and find. */
class Groups {
  private readonly parent: Int32Array;

  constructor(count: number) {
    this.parent = new Int32Array(count).map((_, i) => i);
  }

  find(i: number): number {
    while (this.parent[i] !== i) i = this.parent[i] = this.parent[this.parent[i]!]!;
    return i;
  }

  union(a: number, b: number): boolean {
    const x = this.find(a);
    const y = this.find(b);
    if (x === y) return false;
    this.parent[Math.max(x, y)] = Math.min(x, y);
    return true;
  }
}

export interface Collected {
  /** The roots that run now; the first `targetCount` of those given always do. */
  readonly included: Root[];
  /** Roots that can no longer be computed. */
  readonly stale: Root[];
  /** Cleared versions (spent gradients) that an included root reads. */
  readonly cleared: Version[];
}

/**
 * @param roots what was asked for first, then every visible value and pending write of the device.
 * @param targetCount how many were asked for.
 * @param clearing versions that go once their readers have run.
 */
export function collect(roots: readonly Root[], targetCount: number, clearing: ReadonlySet<Version>): Collected {
  const epoch = nextEpoch();
  const groups = new Groups(roots.length);
  const stale = new Set<number>();
  const read = new Map<Version, number[]>();
  const stack: Tensor[] = [];
  for (let i = 0; i < roots.length; i++) {
    stack.push(roots[i]!.tensor);
    while (stack.length > 0) {
      const t = stack.pop()!._resolve();
      if (t._storage?.present) {
        if (t._version !== null) {
          const readers = read.get(t._version);
          if (!readers) read.set(t._version, [i]);
          else if (readers.at(-1) !== i) readers.push(i);
        }
        continue;
      }
      const node = t._recipe;
      if (node === null) {
        stale.add(i);
        continue;
      }
      if (node.mark === epoch) {
        groups.union(i, node.slot);
        continue;
      }
      node.mark = epoch;
      node.slot = i;
      for (const input of node.inputs) stack.push(input);
    }
  }
  // A root that met a node of a stale root is as stale: it can't be computed either.
  const dead = new Set<number>();
  for (const i of stale) if (i >= targetCount) dead.add(i);
  for (let i = 1; i < targetCount; i++) groups.union(0, i);
  // Whoever reads a version that this run replaces runs with it; that may bring in more writes.
  for (let changed = targetCount > 0; changed; ) {
    changed = false;
    const group = groups.find(0);
    const join = (version: Version | null): void => {
      const readers = version === null ? undefined : read.get(version);
      for (const reader of readers ?? []) if (!dead.has(reader) && groups.union(0, reader)) changed = true;
    };
    roots.forEach((root, i) => {
      if (root.write && groups.find(i) === group) join(root.write.previous);
    });
    for (const version of clearing) {
      if (read.get(version)?.some((reader) => groups.find(reader) === group)) join(version);
    }
  }
  const group = targetCount > 0 ? groups.find(0) : -1;
  const isIn = (i: number): boolean => !dead.has(i) && groups.find(i) === group;
  return {
    included: roots.filter((_, i) => isIn(i)),
    stale: roots.filter((_, i) => dead.has(i)),
    cleared: [...clearing].filter((version) => read.get(version)?.some(isIn) ?? true),
  };
}
