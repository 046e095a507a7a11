/**
 * Reverse-mode differentiation, graph to graph: the gradient of a recorded value is recorded too.
 */
import { isFloat } from '../dtype.js';
import { AutogradError, ShapeError } from '../errors.js';
import { asRule, modes } from '../graph/modes.js';
import { type Node, ruleOf } from '../graph/node.js';
import { scalar } from '../graph/record.js';
import { Tensor } from '../graph/tensor.js';
import { Cell, Parameter } from '../runtime/cell.js';
import type { Attrs } from '../program/program.js';
import type { VjpRule } from '../ops/def.js';
import { formatAval, sameShape } from '../shape.js';

export interface BackwardOptions {
  /** The gradient of the tensor itself: 1 for a scalar, required otherwise. */
  gradient?: Tensor;
  /** Keep the tape, so that a second backward may go through it. Default: the value of `createGraph`. */
  retainGraph?: boolean;
  /**
   * Record the gradients themselves, so that {@link grad} of what they are made of goes on. Default false. The `grad` of
   * a parameter is a cell's value and takes no gradient itself: for penalties on gradients use {@link grad}.
   */
  createGraph?: boolean;
}

export interface GradOptions {
  /** Gradients of the outputs: ones for scalars, required otherwise. */
  gradOutputs?: readonly (Tensor | null)[];
  retainGraph?: boolean;
  createGraph?: boolean;
  /** Give null for an input that the outputs do not depend on, instead of an error. Default false. */
  allowUnused?: boolean;
}

/** Computes the gradients of `outputs` to `inputs` and returns them; nothing is accumulated. As `torch.autograd.grad`.
 *
 * @example
 * const x = tensor([1, 2, 3], { requiresGrad: true });
 * const [dx] = grad(x.pow(3).sum(), [x], { createGraph: true });
 * const [ddx] = grad(dx!.sum(), [x]); // 6x
 *
 * @throws AutogradError if an input is not reached (and not `allowUnused`), or needs no gradient.
 */
export function grad(
  outputs: Tensor | readonly Tensor[],
  inputs: Tensor | readonly Tensor[],
  options: GradOptions = {},
): (Tensor | null)[] {
  const from = outputs instanceof Tensor ? [outputs] : outputs;
  const to = inputs instanceof Tensor ? [inputs] : inputs;
  for (const input of to) {
    if (!input.requiresGrad) {
      throw new AutogradError(
        `grad: an input (${formatAval(input)}) does not require gradients. Make it with { requiresGrad: true }.`,
      );
    }
  }
  const seeds = from.map((t, i) => seedOf('grad', t, options.gradOutputs?.[i] ?? undefined));
  const wanted = to.map((t) => t._current());
  const found = propagate('grad', from, seeds, options, wanted);
  return wanted.map((t, i) => {
    const gradient = found.get(t) ?? null;
    if (gradient === null && !options.allowUnused) {
      throw new AutogradError(
        `grad: the outputs do not depend on input ${i} (${formatAval(t)}). Pass { allowUnused: true } to get null for it.`,
      );
    }
    if (gradient && modes.hidden === 0) gradient.device._runtime.markVisible(gradient);
    return gradient;
  });
}

/** Accumulates the gradient of `tensor` into the `grad` of every leaf that it depends on. See {@link Tensor.backward}. */
export function backward(tensor: Tensor, options: BackwardOptions = {}): void {
  const seed = seedOf('backward', tensor, options.gradient);
  propagate('backward', [tensor], [seed], options, null);
}

function seedOf(op: string, t: Tensor, gradient: Tensor | undefined): Tensor {
  if (!t.requiresGrad) {
    throw new AutogradError(
      `${op}: ${formatAval(t)} does not depend on anything that requires gradients` +
        `${modes.noGrad > 0 ? ' (recorded inside noGrad?)' : ''}. Is the model's requiresGrad off, or was the value detached?`,
    );
  }
  if (gradient) {
    if (!sameShape(gradient.shape, t.shape)) {
      throw new ShapeError(
        `${op}: the gradient must have the shape of the tensor, ${formatAval(t)}; got ${formatAval(gradient)}`,
      );
    }
    return gradient;
  }
  if (t.numel() !== 1) {
    throw new AutogradError(
      `${op}: a gradient is implied for one element only, got ${formatAval(t)}. Reduce it (.sum(), .mean()) or pass { gradient }.`,
    );
  }
  return asRule(() => scalar(1, t.dtype, t.device).expand([...t.shape]));
}

/** The nodes that `outputs` depend on through gradients, latest first; their versions must still be their cells'. */
function tape(op: string, outputs: readonly Tensor[]): Node[] {
  const seen = new Set<Node>();
  const nodes: Node[] = [];
  const stack = outputs.map((t) => t._current());
  while (stack.length > 0) {
    const t = stack.pop()!;
    if (!t._requiresGrad) continue;
    const version = t._version;
    if (version) {
      if (version.cell._head !== version) {
        throw new AutogradError(
          `${op}: '${version.cell.label}' has been replaced since the forward pass read it, so this gradient would mix old ` +
            `and new values. Call backward() before step(), or run the forward pass again.`,
        );
      }
      continue;
    }
    const node = t._recipe;
    if (!node) {
      if (t._tapeGone) throw twice(op);
      continue;
    }
    if (seen.has(node)) continue;
    seen.add(node);
    nodes.push(node);
    for (const input of node.inputs) stack.push(input);
  }
  return nodes.sort((a, b) => b.id - a.id);
}

/**
 * Of a tape, latest node first, what leads to a tensor that is wanted: the rest is not computed, its hooks are not called
 * and it is not given up. With null everything is wanted.
 */
function leadingTo(
  wanted: ReadonlySet<Tensor> | null,
  nodes: readonly Node[],
): { nodes: readonly Node[]; leads: (t: Tensor) => boolean } {
  if (!wanted) return { nodes, leads: () => true };
  const leading = new Set<Node>();
  const leads = (t: Tensor): boolean => wanted.has(t) || (t._recipe !== null && leading.has(t._recipe));
  for (let i = nodes.length - 1; i >= 0; i--) if (nodes[i].inputs.some(leads)) leading.add(nodes[i]);
  return { nodes: nodes.filter((node) => leading.has(node)), leads };
}

/** The tape from `outputs` to what is wanted; with null, to all leaves. */
export function tapeTo(op: string, outputs: readonly Tensor[], wanted: ReadonlySet<Tensor> | null) {
  const found = leadingTo(wanted, tape(op, outputs));
  for (const node of found.nodes) if (node.consumed && readsAnything(node)) throw twice(op);
  return found;
}

function twice(op: string): AutogradError {
  return new AutogradError(
    `${op}: the tape of this value was given up by an earlier backward(), or its weights have moved on. Pass ` +
      `{ retainGraph: true } to the first backward, or run the forward pass again.`,
  );
}

function propagate(
  op: string,
  outputs: readonly Tensor[],
  seeds: readonly Tensor[],
  options: { retainGraph?: boolean; createGraph?: boolean },
  wanted: readonly Tensor[] | null,
): Map<Tensor, Tensor> {
  const createGraph = options.createGraph ?? false;
  const retain = options.retainGraph ?? createGraph;
  const wantedSet = wanted && new Set(wanted);
  const { nodes, leads } = tapeTo(op, outputs, wantedSet);

  const gradients = new Map<Tensor, Tensor>();
  const results = new Map<Tensor, Tensor>();
  const add = (t: Tensor, gradient: Tensor): void => {
    const there = gradients.get(t);
    gradients.set(t, there ? there.add(gradient) : gradient);
  };
  const leaves = new Map<Tensor, Tensor>();
  /** Hooks, what was asked for, what is retained. */
  const settle = (t: Tensor): Tensor | undefined => {
    let gradient = gradients.get(t);
    if (!gradient) return undefined;
    const hooks = (t._version?.cell ?? t)._hooks;
    if (hooks) {
      for (const hook of [...hooks]) gradient = callHook(hook, t, gradient);
      gradients.set(t, gradient);
    }
    if (wantedSet?.has(t)) results.set(t, gradient);
    if (!wanted && t._retainsGrad && t._recipe) t._grad = gradient;
    return gradient;
  };

  const saved = modes.noGrad;
  modes.noGrad = createGraph ? 0 : 1;
  try {
    asRule(() => {
      outputs.forEach((t, i) => add(t._current(), seeds[i]));
      for (const node of nodes) {
        let incoming: readonly (Tensor | null)[] = node.outputs.map((t) => settle(t) ?? null);
        if (incoming.every((g) => g === null)) continue;
        if (node.watch) incoming = watched(node, incoming);
        const rule = ruleOf(node)!;
        const needs = node.inputs.map((t) => t._requiresGrad && isFloat(t.dtype) && leads(t));
        const back = rule.backward(contextOf(node, rule, incoming, needs));
        node.inputs.forEach((input, i) => {
          const gradient = back[i];
          if (!gradient || !needs[i]) return;
          if (!sameShape(gradient.shape, input.shape) || gradient.dtype !== input.dtype) {
            throw new AutogradError(
              `${node.op.name}: its gradient rule gave ${formatAval(gradient)} for input ${i}, which is ${formatAval(input)}`,
            );
          }
          add(input, gradient);
          if (!input._recipe) leaves.set(input, input);
        });
      }
      // An output that is a leaf itself has the gradient that it was given.
      for (const t of outputs) if (!t._current()._recipe) leaves.set(t._current(), t);
      for (const leaf of leaves.keys()) settle(leaf);
      if (wanted) {
        for (const t of wanted) if (!results.has(t)) settle(t);
        return;
      }
      for (const leaf of leaves.keys()) accumulate(leaf, gradients.get(leaf)!, createGraph);
    });
  } finally {
    modes.noGrad = saved;
  }
  if (!retain) for (const node of nodes) giveUp(node);
  return results;
}

function readsAnything(node: Node): boolean {
  const { reads } = ruleOf(node)!;
  return reads.inputs === 'all' || (reads.inputs?.length ?? 0) > 0 || (reads.outputs?.length ?? 0) > 0;
}

/** The tape through `node` is given up; values that are on the host keep their number and nothing else. */
export function giveUp(node: Node): void {
  node.consumed = true;
  for (const t of node.outputs) {
    if (!t._requiresGrad) continue;
    t._tapeGone = true;
    if (t._storage?.host) {
      t._node = null;
      t._dependencies = null;
    }
  }
}

function contextOf(node: Node, rule: VjpRule<Attrs>, incoming: readonly (Tensor | null)[], needs: readonly boolean[]) {
  const { reads } = rule;
  const inputs = node.inputs.map((t, i) => (reads.inputs === 'all' || reads.inputs?.includes(i) ? t : shapeOnly(t)));
  const outputs = node.outputs.map((t, i) => (reads.outputs?.includes(i) ? t : shapeOnly(t)));
  return {
    attrs: node.attrs,
    inputs,
    outputs,
    output: outputs[0],
    gradients: incoming,
    get gradient(): Tensor {
      return incoming[0] ?? scalar(0, node.outputs[0].dtype, node.outputs[0].device).expand([...node.outputs[0].shape]);
    },
    needs,
  };
}

/** A tensor with a shape and no value: recording an operation on it throws. */
function shapeOnly(t: Tensor): Tensor {
  const placeholder = new Tensor(t, t.device);
  placeholder._shapeOnly = true;
  return placeholder;
}

/** Hooks see and make visible values, with numbers as inputs. */
function asUser<T>(gradients: readonly (Tensor | null)[], hook: () => T): T {
  const { hidden, literal } = modes;
  modes.hidden = 0;
  modes.literal = 0;
  try {
    for (const gradient of gradients) gradient?.device._runtime.markVisible(gradient);
    return hook();
  } finally {
    modes.hidden = hidden;
    modes.literal = literal;
  }
}

function checkReplacement(replaced: Tensor, t: Tensor): Tensor {
  if (sameShape(replaced.shape, t.shape)) return replaced;
  throw new ShapeError(`hook: expected a gradient of shape ${formatAval(t)}, got ${formatAval(replaced)}`);
}

function callHook(hook: (gradient: Tensor) => Tensor | void, t: Tensor, gradient: Tensor): Tensor {
  const replaced = asUser([gradient], () => hook(gradient));
  return replaced ? checkReplacement(replaced, t) : gradient;
}

function watched(node: Node, incoming: readonly (Tensor | null)[]): readonly (Tensor | null)[] {
  const replaced = asUser(incoming, () => node.watch!(incoming));
  return replaced.map((gradient, i) => gradient && checkReplacement(gradient, node.outputs[i]));
}

function accumulate(leaf: Tensor, gradient: Tensor, createGraph: boolean): void {
  const cell = leaf._version?.cell ?? leaf;
  if (cell instanceof Parameter) {
    cell._accumulate(gradient);
    return;
  }
  if (cell instanceof Cell) {
    const total = cell._grad ? cell._grad.add(gradient) : gradient;
    cell._grad = total;
    cell.device._runtime.markVisible(total);
    return;
  }
  if (!leaf._requiresGrad) return;
  const total = leaf._grad ? leaf._grad.add(gradient) : gradient;
  leaf._grad = createGraph ? total : total.detach();
  leaf.device._runtime.markVisible(total);
}
