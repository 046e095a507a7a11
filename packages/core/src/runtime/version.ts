/**
 * Versions of cells, and what depends on them.
 */
import type { Node } from '../graph/node.js';
import type { Tensor } from '../graph/tensor.js';
import type { Group } from './groups.js';
import type { Cell } from './cell.js';
import type { Storage } from './storage.js';

/**
 * The recipes of values that read the same set of cell versions. It belongs to those versions: when one is replaced,
 * `recipes` goes, and a kept handle then holds its number and nothing else. The map is weak in the handles, so an
 * evaluation loop that forgot `noGrad` keeps no batch that the user has dropped.
 */
export class Dependencies {
  constructor(
    readonly versions: readonly Version[],
    /** What it is called in the maps of its versions. */
    readonly key: string,
  ) {}

  recipes: WeakMap<Tensor, Node> | null = new WeakMap();
  /** Activations that forward runs kept for a backward to come. */
  activations: Set<Storage> = new Set();
}

/**
 * `pending`: its write is recorded. `scheduled`: a run will make it. `current`: its contents are the cell's.
 * `replaced`: a scheduled or finished run has moved the cell on. `spending`: a gradient that a step will use when it
 * runs. `spent`: one that a step has used.
 * `discarded`: its run failed, or nobody needed it.
 */
export type VersionState = 'pending' | 'scheduled' | 'current' | 'replaced' | 'spending' | 'spent' | 'discarded';

export class Version {
  state: VersionState = 'current';
  /** What the cell held before: where a failed run goes back to. */
  previous: Version | null = null;
  /** Keyed by the versions read, so that equal programs share one. */
  dependencies: Map<string, Dependencies> | null = null;
  readonly id = nextVersionId++;
  /** While its write is pending: the group that it was entered in. */
  group: Group | null = null;
  /** Groups of un-run work that read it. */
  readonly readers = new Set<Group>();

  constructor(
    readonly cell: Cell,
    /** The handle that operations read. */
    readonly tensor: Tensor,
  ) {
    tensor._version = this;
  }
}

let nextVersionId = 1;
