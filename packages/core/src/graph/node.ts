/**
 * A recorded operation: the recipe of its outputs.
 */
import type { Op, VjpRule } from '../ops/def.js';
import { formatAttrs } from '../program/format.js';
import type { Group } from '../runtime/groups.js';
import type { Attrs } from '../program/program.js';
import type { Tensor } from './tensor.js';

let nextNodeId = 1;
/** The id that the next recorded operation will have. */
export const upcomingNodeId = (): number => nextNodeId;
const keys = new Map<string, number>();

/** A small integer for a string, the same for equal strings: programs are compared as rows of integers. */
export function intern(text: string): number {
  let key = keys.get(text);
  if (key === undefined) keys.set(text, (key = keys.size));
  return key;
}

/** Where each tensor of a recording is in its replay. */
export type Replayed = (t: Tensor) => Tensor;

/** A gradient rule that belongs to one recorded operation. */
export interface OwnRule extends VjpRule<Attrs> {
  /** That of the operation recorded again. */
  replayed(of: Replayed): OwnRule;
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
  /** A gradient rule of its own in place of its op's: that of a checkpoint, which holds what it computes again. */
  rule: OwnRule | null = null;
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

/** The gradient rule of a recorded operation; null where it has none. */
export function ruleOf(node: Node): VjpRule<Attrs> | null {
  const rule = node.rule ?? node.op.vjp;
  return typeof rule === 'string' ? null : rule;
}
