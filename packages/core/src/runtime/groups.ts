/**
 * What a run computes: what was asked for, and the visible values and pending writes that share un-run work with it
 * or that read a cell version which it replaces. Unrelated work is another run.
 *
 * Un-run nodes are kept in groups, joined as they are recorded, so a run costs what its own group costs.
 */
import type { Tensor } from '../graph/tensor.js';
import { nextEpoch } from '../program/trace.js';
import type { Node } from '../graph/node.js';
import type { Version } from './version.js';

/** Un-run work that hangs together. */
export class Group {
  private parent: Group | null = null;
  /** Its work has been scheduled: what of it was not needed waits in no group. */
  private dissolved = false;
  /** Visible values that the group computes. */
  visible = new Set<Tensor>();
  /** Pending writes whose value the group computes. */
  writes = new Set<Version>();
  /** Versions of cells that its nodes read. */
  versions = new Set<Version>();

  /** The group that this one has become part of. */
  root(): Group {
    let group: Group = this;
    while (group.parent) group = group.parent;
    // Shorten the way for the next time.
    for (let g: Group = this; g.parent && g.parent !== group;) [g, g.parent] = [g.parent, group];
    return group;
  }

  /** Joins two groups; the smaller one moves. */
  static join(a: Group, b: Group): Group {
    a = a.root();
    b = b.root();
    if (a === b) return a;
    if (a.size < b.size) [a, b] = [b, a];
    for (const t of b.visible) a.visible.add(t);
    for (const w of b.writes) a.writes.add(w);
    for (const v of b.versions) {
      a.versions.add(v);
      v.readers.delete(b);
      v.readers.add(a);
    }
    b.visible = EMPTY_TENSORS;
    b.writes = b.versions = EMPTY_VERSIONS;
    b.parent = a;
    return a;
  }

  private get size(): number {
    return this.visible.size + this.writes.size + this.versions.size;
  }

  /** The group of a node; none for one that has run, or that was not needed when its group ran. */
  static of(node: Node | null): Group | null {
    const group = node?.group?.root();
    return group && !group.dissolved ? group : null;
  }

  /** Nothing waits here any more. */
  dissolve(): void {
    this.dissolved = true;
    for (const version of this.versions) version.readers.delete(this);
    this.visible = new Set();
    this.writes = new Set();
    this.versions = new Set();
  }
}

const EMPTY_TENSORS = new Set<Tensor>();
const EMPTY_VERSIONS = new Set<Version>();

/** The group of a value that waits: that of its node. */
export function groupOf(t: Tensor): Group | null {
  return Group.of(t._resolve()._recipe);
}

/** The group of a value that waits, or waits again: what ran before and was not kept gets a new one. */
export function regroup(t: Tensor): Group | null {
  const known = groupOf(t);
  if (known) return known;
  const nodes = new Set<Node>();
  const stack = [t];
  while (stack.length > 0) {
    const value = stack.pop()!._resolve();
    const node = value._storage?.present ? null : value._recipe;
    if (!node || Group.of(node) || nodes.has(node)) continue;
    nodes.add(node);
    stack.push(...node.inputs);
  }
  for (const node of [...nodes].sort((a, b) => a.id - b.id)) enterGroup(node);
  return groupOf(t);
}

/** Puts a node that was just recorded into the group of the un-run work that it reads. */
export function enterGroup(node: Node): void {
  let group: Group | null = null;
  const versions: Version[] = [];
  for (const input of node.inputs) {
    const t = input._resolve();
    if (t._storage?.present) {
      if (t._version) versions.push(t._version);
      // It may be evicted before the node runs, and computed again while these are there.
      else if (!t._storage.lasts && t._dependencies) versions.push(...t._dependencies.versions);
      continue;
    }
    const before = Group.of(t._recipe) ?? regroup(t);
    if (before) group = group ? Group.join(group, before) : before;
  }
  group ??= new Group();
  for (const version of versions) {
    group.versions.add(version);
    version.readers.add(group);
  }
  node.group = group;
}

/** Values that belong together although they share no work: they run together, or fail together. */
export function runTogether(a: Tensor, b: Tensor): void {
  const [first, second] = [regroup(a), regroup(b)];
  if (first && second) Group.join(first, second);
}

/**
 * The group of everything that runs with `targets`: what shares an un-run node with them, and what reads a version which
 * a write of the group replaces or which goes once its readers have run.
 */
export function gather(targets: readonly Tensor[], clearing: ReadonlySet<Version>): Group {
  let group = new Group();
  const mark = nextEpoch();
  const stack = [...targets];
  const join = (other: Group | null): void => {
    if (!other || other.root() === group.root()) return;
    stack.push(...other.root().visible, ...[...other.root().writes].map((write) => write.tensor));
    group = Group.join(group, other);
  };
  /** What was computed before and dropped is in a group of its own, apart from those that read it then. */
  const joinNodes = (): void => {
    while (stack.length > 0) {
      const t = stack.pop()!._resolve();
      const node = t._storage?.present ? null : t._recipe;
      if (!node || node.mark === mark) continue;
      node.mark = mark;
      join(Group.of(node));
      for (const input of node.inputs) stack.push(input);
    }
  };
  joinNodes();
  for (let before = -1; before !== group.writes.size + group.versions.size;) {
    before = group.writes.size + group.versions.size;
    for (const write of [...group.writes]) for (const reader of [...(write.previous?.readers ?? [])]) join(reader);
    for (const version of clearing) {
      if (group.versions.has(version)) for (const reader of [...version.readers]) join(reader);
    }
    joinNodes();
  }
  return group;
}
