/**
 * A trace: the recorded operations that a run executes, in order, with their leaves and outputs, and the row of
 * integers that it is cached by.
 */
import { StaleTensorError } from '../errors.js';
import { intern, type Node } from '../graph/node.js';
import type { Tensor } from '../graph/tensor.js';
import type { Storage } from '../runtime/storage.js';
import type { Version } from '../runtime/version.js';
import { formatAval } from '../shape.js';
import { formatAttrs, formatNumbers } from './format.js';
import type { InputRole } from './program.js';

export interface TraceOutput {
  /** The canonical tensor: an output of one of the nodes. */
  readonly tensor: Tensor;
  /** The leaf whose cell moves to this value, or -1. */
  replaces: number;
}

export interface Trace {
  readonly leaves: Storage[];
  readonly nodes: Node[];
  readonly outputs: readonly TraceOutput[];
  /** Equal for equal structures: see {@link traceKey}. */
  key: Int32Array;
}

let epoch = 0;
/** A fresh mark for a traversal. */
export function nextEpoch(): number {
  return ++epoch;
}

/** What a storage is to a program. */
export function roleOf(storage: Storage): InputRole {
  if (storage.kind === 'cell') return 'state';
  return storage.kind === 'scalar' || storage.kind === 'random' ? storage.kind : 'data';
}

/** Why a value cannot be had, or null. Values that are computed, given, or can be computed give null. */
export function unreadable(target: Tensor): Error | null {
  const mark = nextEpoch();
  const stack: Tensor[] = [target];
  while (stack.length > 0) {
    const t = stack.pop()!._resolve();
    const storage = t._storage;
    if (storage?.present) {
      if (storage.error !== undefined) return storage.error as Error;
      continue;
    }
    const node = t._recipe;
    if (!node) return stale(target, t._version);
    if (node.mark === mark) continue;
    node.mark = mark;
    for (const input of node.inputs) stack.push(input);
  }
  return null;
}

function stale(target: Tensor, version: Version | null): StaleTensorError {
  const what = formatAval(target);
  if (version?.state === 'spent') {
    const { label } = version.cell;
    if (!version.cell._held.storage && version.previous === null && label === version.cell.role) {
      return new StaleTensorError(`${label} ${what} has no value: nothing was assigned to it`);
    }
    return new StaleTensorError(
      `the ${label} ${what} was used by a step() and not kept. Read it between backward() and step(), or call ` +
        `retainGrad() on the parameter.`,
    );
  }
  if (version?.state === 'discarded') {
    return new StaleTensorError(
      `${version.cell.label} ${what} was disposed of, or the run that would have made it failed`,
    );
  }
  const cell = version
    ? `because '${version.cell.label}' has changed since it was recorded`
    : 'because a cell that it read has changed';
  return new StaleTensorError(
    `this value (${what}) was not kept and can't be computed again, ${cell}. Read it before the step (await it), or ` +
      `call keep() on it where it is made.`,
  );
}

/** Orders what `outputs` need. The outputs' tensors are resolved and without contents. */
export function buildTrace(
  outputs: TraceOutput[],
  replaced: (output: TraceOutput, i: number) => Storage | null,
): Trace {
  const mark = nextEpoch();
  const leaves: Storage[] = [];
  const nodes: Node[] = [];
  const stack: Tensor[] = outputs.map((o) => o.tensor);
  while (stack.length > 0) {
    const t = stack.pop()!._resolve();
    const storage = t._storage;
    if (storage?.present) continue;
    const node = t._recipe;
    if (!node) throw stale(t, t._version);
    if (node.mark === mark) continue;
    node.mark = mark;
    nodes.push(node);
    for (const input of node.inputs) stack.push(input);
  }
  nodes.sort((a, b) => a.id - b.id);
  // Leaves are numbered in the order in which the nodes read them, so that equal structures get equal numbers.
  nodes.forEach((node, i) => (node.slot = i));
  for (const node of nodes) {
    for (const input of node.inputs) {
      const storage = input._resolve()._storage;
      if (storage?.present && storage.mark !== mark) {
        storage.mark = mark;
        storage.slot = leaves.length;
        leaves.push(storage);
      }
    }
  }
  outputs.forEach((output, i) => {
    const old = replaced(output, i);
    output.replaces = old !== null && old.mark === mark ? old.slot : -1;
  });
  const trace: Trace = { leaves, nodes, outputs, key: new Int32Array(0) };
  trace.key = traceKey(trace);
  return trace;
}

const leafKeys = new WeakMap<Storage, number>();

function leafKey(storage: Storage): number {
  let key = leafKeys.get(storage);
  if (key === undefined) {
    const content = storage.kind === 'literal' ? `=${formatNumbers(storage.hostData()!)}` : '';
    key = intern(`leaf ${roleOf(storage)} ${formatAval(storage.aval)}${content}`);
    leafKeys.set(storage, key);
  }
  return key;
}

/** Operations by interned name and attributes, inputs by number (leaves from −1 down), outputs and what they replace. */
function traceKey(trace: Trace): Int32Array {
  const row: number[] = [trace.leaves.length, trace.nodes.length, trace.outputs.length];
  for (const leaf of trace.leaves) row.push(leafKey(leaf));
  for (const node of trace.nodes) {
    row.push(node.key, node.inputs.length);
    for (const input of node.inputs) {
      const t = input._resolve();
      if (t._storage?.present) row.push(-1 - t._storage.slot);
      else row.push(t._recipe!.slot, t._index);
    }
  }
  for (const { tensor, replaces } of trace.outputs) row.push(tensor._recipe!.slot, tensor._index, replaces);
  return Int32Array.from(row);
}

/** One line a leaf, node and output: what `onCompile` compares. */
export function describeTrace(trace: Trace): string[] {
  const lines = trace.leaves.map((leaf, i) => {
    const content = leaf.kind === 'literal' ? ` = ${formatNumbers(leaf.hostData()!)}` : '';
    return `input ${i}: ${leaf.kind === 'literal' ? 'constant' : roleOf(leaf)} ${formatAval(leaf.aval)}${content}`;
  });
  for (const node of trace.nodes) {
    const inputs = node.inputs.map((input) => {
      const t = input._resolve();
      return t._storage?.present ? `i${t._storage.slot}` : `n${t._recipe!.slot}${t._index ? `.${t._index}` : ''}`;
    });
    const attrs = Object.keys(node.attrs).length ? ` ${formatAttrs(node.attrs)}` : '';
    const at = node.site?.modulePath ? ` in ${node.site.modulePath}` : '';
    lines.push(
      `node ${node.slot}: ${node.op.name}(${inputs.join(', ')})${attrs} → ${node.outputs.map(formatAval).join(', ')}${at}`,
    );
  }
  trace.outputs.forEach(({ tensor, replaces }, i) => {
    const node = tensor._recipe!;
    lines.push(
      `output ${i}: n${node.slot}${tensor._index ? `.${tensor._index}` : ''} (${node.op.name})${replaces >= 0 ? ` replaces i${replaces}` : ''}`,
    );
  });
  return lines;
}
