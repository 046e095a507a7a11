/**
 * From a program to an ONNX model.
 */
import { GraphBuilder, type Lowering, type Named, type Target, type Value } from '@fakkel/onnx/lowering';
import {
  type Aval,
  BackendError,
  formatAval,
  type OpSignature,
  type Program,
  type TypedArray,
  type Unsupported,
} from '@fakkel/core';
import type { OnnxModel } from '@fakkel/onnx';
import { conditions, rules } from './rules.js';

export interface LowerOptions {
  readonly target: Target;
  /** Contents of inputs that become constants of the graph: the weights of an inference program. */
  readonly frozen?: ReadonlyMap<number, TypedArray>;
  /** Scalar inputs that are zero whenever this graph runs. */
  readonly zeros?: ReadonlySet<number>;
  /** Assume nothing. */
  readonly exact?: boolean;
}

/** Random numbers that the host draws before a run and feeds: ONNX has no bit operations before op set 18. */
export interface RandomFeed {
  readonly name: Value;
  readonly aval: Aval;
  /** The program input that holds the key. */
  readonly key: number;
}

export interface LoweredModel {
  readonly model: OnnxModel;
  /** The graph's inputs: a program input each. */
  readonly inputs: readonly { readonly name: Value; readonly input: number }[];
  readonly random: readonly RandomFeed[];
  /** Names of the graph's outputs, one for each output of the program. */
  readonly outputs: readonly Value[];
  /** One more output, a bool: whether what the rules have assumed holds. If not, the outputs are wrong. */
  readonly assumption: Value | undefined;
}

/** Whether there is a rule for an op, or why not. */
export function supports(op: string, signature: OpSignature, target: Target): true | Unsupported {
  if (!Object.hasOwn(rules, op)) return { reason: `it has no lowering for '${op}'` };
  const double = [...signature.inputs, ...signature.outputs].find((aval) => aval.dtype === 'float64');
  if (double) {
    return { reason: `it computes in float32; for float64 use device('reference')` };
  }
  return Object.hasOwn(conditions, op) ? conditions[op](signature, target) : true;
}

export function lowerProgram(program: Program, options: LowerOptions): LoweredModel {
  const { target, frozen = new Map<number, TypedArray>(), zeros = new Set<number>() } = options;
  const graph = new GraphBuilder();
  const values: Value[] = [];
  const avals: Aval[] = [];
  const random: RandomFeed[] = [];
  let assumed: Value | undefined;
  const lowering: Lowering = {
    graph,
    target,
    random: (key, aval) => drawn(random, values.indexOf(key), program, aval),
    // What is assumed has to be read after the run: not from a GPU. Joined here and not at the end: leaves of the graph
    // run in their reverse order, and this one would run all backward passes before the first weight's gradient.
    ...(options.exact || target.provider === 'webgpu'
      ? {}
      : { assume: (condition: Value) => (assumed = assumed ? graph.node('And', [assumed, condition]) : condition) }),
  };
  const reads = readCounts(program);
  const isFed: boolean[] = [];

  program.inputs.forEach(({ aval }, i) => {
    const contents = frozen.get(i);
    values.push(`i${i}`);
    avals.push(aval);
    if (contents) graph.initializer(`i${i}`, aval.dtype, aval.shape, contents);
    isFed.push(!contents);
  });
  for (const { aval, data } of program.constants) {
    values.push(graph.constant(aval.dtype, aval.shape, Array.from(data)));
    avals.push(aval);
  }
  for (const node of program.nodes) {
    node.outputs.forEach((id, i) => (avals[id] = node.avals[i]));
    const inputs = node.inputs.map((id) => values[id]);
    const rule = rules[node.op];
    if (!rule) throw new BackendError(`compile: no lowering for '${node.op}'`);
    graph.scope = node.op;
    const outputs = rule(lowering, {
      op: node.op,
      attrs: node.attrs,
      inputs,
      inputAvals: node.inputs.map((id) => avals[id]),
      outputAvals: node.avals,
      isRead: (output) => reads[node.outputs[output]] > 0,
      isOnlyReader: (input) => reads[node.inputs[input]] === 1,
      isZero: (input) => zeros.has(node.inputs[input]),
    });
    node.outputs.forEach((id, i) => (values[id] = outputs[i]));
  }

  const inputs = program.inputs.map((_, input) => ({ name: `i${input}`, input })).filter(({ input }) => isFed[input]);
  const results = program.outputs.map(({ value }): Named => ({ value: values[value], aval: avals[value] }));
  if (assumed) results.push({ value: assumed, aval: { shape: [], dtype: 'bool' } });
  const model = graph.finish(
    [
      ...inputs.map(({ name, input }): Named => ({ value: name, aval: avals[input] })),
      ...random.map(({ name, aval }): Named => ({ value: name, aval })),
    ],
    results,
  );
  const outputs = model.graph.outputs.map((output) => output.name);
  const assumption = outputs[program.outputs.length];
  return { model, inputs, random, outputs: outputs.slice(0, program.outputs.length), assumption };
}

/** The feed of the numbers that input `key` gives: one for all that ask for the same. */
function drawn(feeds: RandomFeed[], key: number, program: Program, aval: Aval): Value {
  if (key < 0 || key >= program.inputs.length) {
    throw new BackendError('random: the key has to be an input of the program');
  }
  const known = feeds.find((feed) => feed.key === key && formatAval(feed.aval) === formatAval(aval));
  if (known) return known.name;
  const name = `random${feeds.length}`;
  feeds.push({ name, aval, key });
  return name;
}

/** How many nodes and outputs read each value. */
function readCounts(program: Program): number[] {
  const counts: number[] = [];
  const count = (id: number): void => {
    counts[id] = (counts[id] ?? 0) + 1;
  };
  for (const node of program.nodes) node.inputs.forEach(count);
  for (const { value } of program.outputs) count(value);
  return counts;
}
