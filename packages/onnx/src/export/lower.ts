/**
 * From the program of a network to a graph of standard operators. Values have working names: `in:0`, `state:conv1.weight`,
 * and what the builder numbers; `names.ts` gives them those of the file.
 */
import { type Aval, type nn, opTable, type OpSignature, type TypedArray, type Unsupported } from '@fakkel/core';
import { OnnxError } from '../errors.js';
import {
  activation,
  elementwise,
  GraphBuilder,
  indexing,
  linear,
  logic,
  losses,
  type Lowering,
  movement,
  type Named,
  reduction,
  reductionConditions,
  type Rules,
  slicing,
  sorting,
  type Target,
  type Value,
} from '../lowering/index.js';
import type { OnnxModel } from '../model.js';
import { activations } from './activations.js';
import { layerConditions, layers } from './layers.js';
import { extremes } from './extremes.js';
import type { ExportLowering } from './rule.js';

const rules: Rules = {
  ...elementwise,
  ...logic,
  ...activation,
  ...reduction,
  ...movement,
  ...slicing,
  ...indexing,
  ...sorting,
  ...linear,
  ...losses,
  ...activations,
  ...extremes,
  ...layers,
};

const conditions = { ...reductionConditions, ...layerConditions };
const target: Target = { provider: 'any', blockSize: 1 };

/** Whether an op is written as it is; composites without a rule are decomposed. */
export function supports(op: string, signature: OpSignature): true | Unsupported {
  if (Object.hasOwn(rules, op)) return Object.hasOwn(conditions, op) ? conditions[op](signature, target) : true;
  // What has no decomposition has to be reported with its module, which is known later.
  const known = opTable().get(op);
  return known && !known.decompose ? true : { reason: 'ONNX has no operator for it' };
}

/** What the graph holds beside what the program says. */
export interface Contents {
  /** The network's parameters and buffers. */
  readonly state: ReadonlyMap<nn.Parameter | nn.Buffer, { readonly name: string; readonly data: TypedArray }>;
  /** For each input of the program that is a constant its elements. */
  readonly constants: ReadonlyMap<number, TypedArray>;
  /** The network's inputs. */
  readonly inputs: readonly Aval[];
  /** Whether parameters and buffers are inputs of the graph, not in it. */
  readonly fed: boolean;
}

/** Names of nodes say the module: `/layer1/0/conv1/Conv`. */
class ModuleGraph extends GraphBuilder {
  protected override nodeName(opType: string): string {
    return `${this.scope}/${opType}`;
  }
}

export const inputName = (position: number): Value => `in:${position}`;
export const stateName = (name: string): Value => `state:${name}`;

export function lowerTrace({ program, sources, origins }: nn.ProgramTrace, contents: Contents): OnnxModel {
  const graph = new ModuleGraph();
  const values: Value[] = [];
  const avals: Aval[] = [];
  const known = new Map<Value, Aval>();
  const fed: Named[] = [];
  const define = (value: Value, aval: Aval): void => {
    values.push(value);
    avals.push(aval);
    known.set(value, aval);
  };
  const given = new Set<Value>();
  const state = (cell: nn.Parameter | nn.Buffer): Value | undefined => {
    const found = contents.state.get(cell);
    if (!found) return undefined;
    const name = stateName(found.name);
    if (!given.has(name)) {
      given.add(name);
      if (contents.fed) fed.push({ value: name, aval: cell });
      else graph.initializer(name, cell.dtype, cell.shape, found.data);
    }
    return name;
  };

  program.inputs.forEach(({ aval }, i) => {
    const source = sources[i];
    switch (source.kind) {
      case 'input':
        return define(inputName(source.position), aval);
      case 'state':
        return define(state(source.cell)!, aval);
      case 'constant':
        return define(
          graph.initializer(graph.name('constant'), aval.dtype, aval.shape, contents.constants.get(i)!),
          aval,
        );
      case 'random':
        return define(`key:${i}`, aval);
    }
  });
  for (const { aval, data } of program.constants)
    define(graph.constant(aval.dtype, aval.shape, Array.from(data)), aval);

  const reads = new Map<number, number>();
  const count = (id: number): unknown => reads.set(id, (reads.get(id) ?? 0) + 1);
  for (const node of program.nodes) node.inputs.forEach(count);
  for (const { value } of program.outputs) count(value);

  program.nodes.forEach((node, at) => {
    const origin = origins[at];
    const where = origin?.name ? ` in module '${origin.name}' (${origin.module.constructor.name})` : '';
    const rule = Object.hasOwn(rules, node.op) ? rules[node.op] : undefined;
    if (!rule) throw new OnnxError(`exportOnnx: ONNX has no form of '${node.op}'${where}.`);
    const inputAvals = node.inputs.map((id) => avals[id]);
    graph.scope = origin?.name ? `/${origin.name.replaceAll('.', '/')}` : '';
    graph.float = [...inputAvals, ...node.avals].some(({ dtype }) => dtype === 'float64') ? 'float64' : 'float32';
    const lowering: ExportLowering = {
      graph,
      target,
      module: origin?.module ?? null,
      state,
      avalOf: (value) => known.get(value),
      random: unreachable,
    };
    const outputs = rule(lowering satisfies Lowering, {
      op: node.op,
      attrs: node.attrs,
      inputs: node.inputs.map((id) => values[id]),
      inputAvals,
      outputAvals: node.avals,
      isRead: (output) => reads.has(node.outputs[output]),
      isOnlyReader: (input) => reads.get(node.inputs[input]) === 1,
      isZero: (input) => graph.valuesOf(values[node.inputs[input]])?.every((n) => n === 0) ?? false,
    });
    node.outputs.forEach((id, i) => {
      values[id] = outputs[i];
      avals[id] = node.avals[i];
      known.set(outputs[i], node.avals[i]);
    });
  });

  const results = program.outputs.map(({ value }): Named => ({ value: values[value], aval: avals[value] }));
  const inputs = contents.inputs.map((aval, i): Named => ({ value: inputName(i), aval }));
  return withoutUnread(graph.finish([...inputs, ...fed], results));
}

function unreachable(): never {
  throw new OnnxError('exportOnnx: random numbers are drawn by the graph.');
}

/** Constants that only dropped nodes have read go too. */
function withoutUnread(model: OnnxModel): OnnxModel {
  const { graph } = model;
  const read = new Set([...graph.nodes.flatMap((node) => node.inputs), ...graph.outputs.map(({ name }) => name)]);
  const initializers = graph.initializers?.filter(({ name }) => read.has(name!));
  return { ...model, graph: { ...graph, initializers } };
}
