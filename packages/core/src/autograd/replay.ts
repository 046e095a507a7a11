/**
 * Recorded operations, recorded again on other values.
 */
import { hide, modes, noGrad } from '../graph/modes.js';
import type { Node, Replayed } from '../graph/node.js';
import { record } from '../graph/record.js';
import { isTensor, type Tensor } from '../graph/tensor.js';

/** What a function has recorded between its inputs and its results. */
export interface Recording {
  readonly results: readonly Tensor[];
  /** The operations that the results depend on, in order. */
  readonly nodes: readonly Node[];
  /** What these read and none of them makes: arguments, parameters, whatever the function found around it. */
  readonly reads: readonly Tensor[];
}

/** What `results` were made of since the operation `since` was about to be recorded. */
export function recordingOf(results: readonly Tensor[], since: number): Recording {
  const nodes = new Set<Node>();
  const reads = new Set<Tensor>();
  const stack = [...results];
  while (stack.length > 0) {
    const t = stack.pop()!;
    const node = t._version ? null : t._recipe;
    if (isHandle(t)) stack.push(t._alias!);
    else if (!node || node.id < since) reads.add(t);
    else if (!nodes.has(node)) {
      nodes.add(node);
      stack.push(...node.inputs);
    }
  }
  const ordered = [...nodes].sort((a, b) => a.id - b.id);
  // In the order in which they are read, so that equal functions give equal programs.
  const read = ordered.flatMap((node) => node.inputs.map(valueOf)).filter((t) => reads.has(t));
  return { results, nodes: ordered, reads: [...new Set(read)] };
}

/** Whether `t` is no more than another name of a value; versions of cells and leaves of gradients are more. */
const isHandle = (t: Tensor): boolean => t._alias !== null && t._version === null && !t._requiresGrad;

function valueOf(t: Tensor): Tensor {
  while (isHandle(t)) t = t._alias!;
  return t;
}

/**
 * Records the operations again with `given` in place of what they read. Nothing that the function did beside them
 * happens again: no hook of a module is called, no cell assigned to, no random number drawn.
 */
export function replay({ nodes }: Recording, given: ReadonlyMap<Tensor, Tensor>): Replayed {
  const made = new Map(given);
  const of: Replayed = (t) => {
    const value = valueOf(t);
    const found = made.get(value) ?? value;
    return value === t ? found : found.detach();
  };
  const { training } = modes;
  // What is recorded here is used at once: a run that comes before keeps nothing of it.
  modes.training = false;
  try {
    hide(() => {
      for (const node of nodes) {
        const again = (): Tensor[] => record(node.op, node.inputs.map(of), node.attrs);
        const outputs = node.requiresGrad ? again() : noGrad(again);
        node.outputs.forEach((t, i) => made.set(t, outputs[i]));
        copyWatchers(node, outputs, of);
      }
    });
  } finally {
    modes.training = training;
  }
  return of;
}

/** Whoever looks at gradients of the first recording looks at those of the replay. */
function copyWatchers(node: Node, outputs: readonly Tensor[], of: Replayed): void {
  const copy = outputs[0]._node!;
  copy.watch = node.watch;
  copy.site = node.site;
  copy.rule = node.rule && node.rule.replayed(of);
  node.outputs.forEach((t, i) => {
    outputs[i]._hooks = t._hooks && new Set(t._hooks);
    if (t._retainsGrad && outputs[i]._requiresGrad) outputs[i].registerHook((gradient) => void (t._grad = gradient));
  });
}

/** The tensors in a value: itself, or nested in arrays and plain objects. */
export function tensorsIn(value: unknown): Tensor[] {
  if (isTensor(value)) return [value];
  return isNested(value) ? Object.values(value).flatMap(tensorsIn) : [];
}

/** The value with other tensors in the places of its own. */
export function mapTensors<T>(value: T, to: (t: Tensor) => Tensor): T {
  if (isTensor(value)) return to(value) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => mapTensors(item, to)) as T;
  if (!isNested(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTensors<unknown>(item, to)])) as T;
}

function isNested(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}
