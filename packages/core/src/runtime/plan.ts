/**
 * What a run puts out, each value once, and the trace that computes it.
 */
import { type Node, ruleOf } from '../graph/node.js';
import type { Tensor } from '../graph/tensor.js';
import { buildTrace, type Trace, type TraceOutput } from '../program/trace.js';
import { sizeOf } from '../shape.js';
import type { Cell } from './cell.js';
import { Storage } from './storage.js';
import type { Version } from './version.js';

export interface PlannedOutput {
  /** Where its contents will be. */
  readonly storage: Storage;
  /** The contents of a cell that they replace. */
  readonly replaced: Storage | null;
  readonly cell?: Cell;
}

/** Throws a StaleTensorError where something can't be computed any more; nothing has changed then. */
export function planRun(
  targets: readonly Tensor[],
  visible: Iterable<Tensor>,
  writes: readonly Version[],
): { outputs: Map<Tensor, PlannedOutput>; trace: Trace } {
  // What was asked for and is visible, then the cells' new contents, then activations.
  const outputs = new Map<Tensor, PlannedOutput>();
  for (const target of [...targets, ...visible]) {
    const t = target._resolve();
    if (t._storage?.present || outputs.has(t)) continue;
    const storage = new Storage(t, 'result');
    storage.shared = t._kept;
    outputs.set(t, { replaced: null, storage });
  }
  for (const { tensor, cell, previous } of writes) {
    const t = tensor._resolve();
    if (t._storage?.present) continue;
    const known = outputs.get(t);
    const storage = new Storage(t, 'cell', cell.role);
    // Two cells may be given one value, and a user may hold it: then neither cell may give its buffer away.
    storage.shared = t._visible || t._kept || known?.cell !== undefined;
    outputs.set(t, { replaced: known?.replaced ?? previous?.tensor._storage ?? null, storage, cell });
  }
  const trace = (): Trace =>
    buildTrace(
      [...outputs.keys()].map((tensor): TraceOutput => ({ tensor, replaces: -1 })),
      ({ tensor }) => outputs.get(tensor)!.replaced,
    );
  const asked = trace();
  const activations = savedActivations(asked.nodes, outputs);
  for (const t of activations) outputs.set(t, { replaced: null, storage: new Storage(t, 'activation') });
  return { outputs, trace: activations.length > 0 ? trace() : asked };
}

/** What the gradient rules of nodes recorded in training mode will read, and no output holds yet. */
function savedActivations(nodes: readonly Node[], outputs: ReadonlyMap<Tensor, unknown>): Tensor[] {
  const saved = new Set<Tensor>();
  for (const node of nodes) {
    const rule = node.save && !node.consumed ? ruleOf(node) : null;
    if (!rule) continue;
    const { reads } = rule;
    const inputs = reads.inputs === 'all' ? node.inputs.map((_, i) => i) : (reads.inputs ?? []);
    const values = [...inputs.map((i) => node.inputs[i]), ...(reads.outputs ?? []).map((i) => node.outputs[i])];
    for (const value of values) {
      const t = value?._resolve();
      if (t && !t._storage?.present && t._recipe && !outputs.has(t) && sizeOf(t.shape) > 0) saved.add(t);
    }
  }
  return [...saved];
}

/** Whether something that `root` is computed from has failed. */
export function dependsOnFailure(root: Tensor): boolean {
  const seen = new Set<Node>();
  const stack: Tensor[] = [root];
  while (stack.length > 0) {
    const t = stack.pop()!._resolve();
    if (t._storage?.present) {
      if (t._storage.error !== undefined) return true;
      continue;
    }
    const node = t._recipe;
    if (!node || seen.has(node)) continue;
    seen.add(node);
    stack.push(...node.inputs);
  }
  return false;
}
