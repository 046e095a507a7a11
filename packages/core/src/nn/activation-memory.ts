/**
 * How much memory the activations of a call take, in training and in inference.
 */
import { type Node, ruleOf } from '../graph/node.js';
import type { Tensor } from '../graph/tensor.js';
import { byteSize } from '../shape.js';
import type { CallTrace } from './calls.js';

/**
 * Bytes that wait between the forward and the backward pass: the values that the gradient rules of the recorded
 * operations declare to read, each once, without parameters and buffers (they are there anyway) and without the inputs
 * (the caller holds them). `trace` is of a call in training mode.
 */
export function savedBytes(trace: CallTrace): number {
  const saved = new Set<Tensor>();
  for (const node of nodesOf(trace, (t) => t._requiresGrad)) {
    const rule = ruleOf(node);
    if (!rule || !node.requiresGrad) continue;
    const { reads } = rule;
    const inputs = reads.inputs === 'all' ? node.inputs : (reads.inputs ?? []).map((i) => node.inputs[i]);
    const outputs = (reads.outputs ?? []).map((i) => node.outputs[i]);
    for (const value of [...inputs, ...outputs]) {
      // An optional input of an op may not be there.
      const t = value?._resolve();
      if (t && computed(trace, value)) saved.add(t);
    }
  }
  return bytesOf(saved);
}

/**
 * The most bytes that are alive at once when the operations run in the order of recording, and each value goes after its
 * last use: those of an operation's inputs and outputs, and of what later operations read. Without parameters, buffers
 * and the inputs; with the network's outputs.
 */
export function peakBytes(trace: CallTrace): number {
  const nodes = nodesOf(trace, () => true);
  const lastUse = new Map<Tensor, number>();
  nodes.forEach((node, i) => {
    for (const t of node.outputs) lastUse.set(t, i);
    for (const input of node.inputs) if (computed(trace, input)) lastUse.set(input._resolve(), i);
  });
  for (const output of trace.outputs) if (computed(trace, output)) lastUse.set(output._resolve(), nodes.length);
  const dead: Tensor[][] = nodes.map(() => []);
  for (const [t, i] of lastUse) dead[i]?.push(t);
  let [live, peak] = [0, 0];
  nodes.forEach((node, i) => {
    live += bytesOf(node.outputs);
    peak = Math.max(peak, live);
    live -= bytesOf(dead[i]);
  });
  return peak;
}

/** The operations that the outputs are computed from, through values that `follow` takes, in order. */
function nodesOf(trace: CallTrace, follow: (t: Tensor) => boolean): Node[] {
  const nodes = new Set<Node>();
  const stack = [...trace.outputs];
  for (let t = stack.pop(); t; t = stack.pop()) {
    if (!follow(t) || !computed(trace, t)) continue;
    const node = t._resolve()._recipe!;
    if (nodes.has(node)) continue;
    nodes.add(node);
    stack.push(...node.inputs);
  }
  return [...nodes].sort((a, b) => a.id - b.id);
}

/** Whether the call has computed it: it is neither an input, nor a parameter or buffer, nor a constant. */
function computed({ inputs }: CallTrace, t: Tensor): boolean {
  const value = t._resolve();
  return !inputs.includes(t) && !inputs.includes(value) && !t._version && value._recipe !== null && !value._storage;
}

function bytesOf(values: Iterable<Tensor>): number {
  let bytes = 0;
  for (const value of values) bytes += byteSize(value);
  return bytes;
}
