/**
 * A recorded operation: the recipe of its outputs.
 */
import type { Op } from '../ops/def.js';
import { formatAttrs } from '../program/format.js';
import type { Group } from '../runtime/groups.js';
import type { Attrs } from '../program/program.js';
import type { Tensor } from './tensor.js';

let nextNodeId = 1;
const keys = new Map<string, number>();

/** A small integer for a string, the same for equal strings: programs are compared as rows of integers. */
export function intern(text: string): number {
  let key = keys.get(text);
  if (key === undefined) keys.set(text, (key = keys.size));
  return key;
}

export class Node {
  /** Ids grow as operations are recorded, so ascending order is a topological order. */
  readonly id = nextNodeId++;
  readonly key: number;
  outputs: Tensor[] = [];
  /** The un-run work that it belongs to. */
  group: Group | null = null;
  /** `backward` has gone through it and its tape is given up. */
  consumed = false;
  /** Sees the gradients of all outputs together, and may give others: the edges of modules with backward hooks. */
  watch: ((gradients: readonly (Tensor | null)[]) => readonly (Tensor | null)[]) | null = null;
  /** Where it was recorded; checking mode only. */
  site: { modulePath: string; stack: string } | null = null;
  /** Scratch of the traversals: the run that marked it, and what the mark means there. */
  mark = 0;
  slot = 0;

  constructor(
    readonly op: Op,
    readonly inputs: readonly Tensor[],
    readonly attrs: Attrs,
    readonly requiresGrad: boolean,
    /** Recorded in training mode: a run that comes before `backward` keeps what its rule reads. */
    readonly save: boolean,
  ) {
    this.key = intern(`${op.id}${formatAttrs(attrs)}`);
  }
}
