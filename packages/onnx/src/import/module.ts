/**
 * What `importOnnx` returns: the graph of a file as a module, its weights in a tree of layers.
 */
import {
  Buffer,
  Cell,
  type Device,
  FakkelError,
  formatAval,
  getDefaultDevice,
  isTensor,
  nn,
  type Tensor,
} from '@fakkel/core';
import { describeNode } from '../describe.js';
import { OnnxError } from '../errors.js';
import type { OnnxAttribute, OnnxGraph, OnnxNode, OnnxValue } from '../model.js';
import type { Statistics } from '../export/rule.js';
import { Call, decimal, runNode, type Surroundings } from './call.js';
import { coreDType, type Host, hostOf } from './host.js';
import { OPERATORS } from './operators/index.js';
import { asTensor, type Value } from './values.js';

/** How a layer runs the one node that reads its weights. */
export interface LayerPlan {
  readonly node: OnnxNode;
  readonly opset: number;
  /** For each input of the node: the field that has it, `true` for an argument, null where it is left out. */
  readonly inputs: readonly (string | true | null)[];
  /** The field that counts batches. */
  readonly counter: string | null;
}

/** How a module runs its graph. Plain data, which clones share. */
export interface GraphPlan {
  readonly name: string;
  readonly opset: number;
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly constants: ReadonlyMap<string, Host>;
  /** Fields from the root to the weight of a name. */
  readonly cells: ReadonlyMap<string, readonly string[]>;
  /** Fields from the root to the layer that runs a node. */
  readonly layers: ReadonlyMap<OnnxNode, readonly string[]>;
  /** Fields to the counter of batches beside a running mean. */
  readonly counters: ReadonlyMap<string, readonly string[]>;
}

/** The fields of a module, by name. */
const fieldsOf = (module: nn.Module): Record<string, unknown> => module as unknown as Record<string, unknown>;

const at = (module: nn.Module, path: readonly string[]): unknown =>
  path.reduce<unknown>((found, field) => (found as Record<string, unknown> | undefined)?.[field], module);

/** How an attribute is printed. */
function formatAttribute([name, attribute]: [string, OnnxAttribute]): string {
  const number = (value: number | bigint): string =>
    String(typeof value === 'number' && attribute.type.startsWith('float') ? decimal(value) : value);
  switch (attribute.type) {
    case 'int':
    case 'float':
      return `${name}=${number(attribute.value)}`;
    case 'ints':
    case 'floats':
      return `${name}=[${attribute.value.map(number).join(', ')}]`;
    case 'string':
      return `${name}=${attribute.value}`;
    default:
      return `${name}=…`;
  }
}

/** Own weights as the printed tree has them. */
function formatCells(module: nn.Module): string[] {
  const own = [...module.namedParameters(), ...module.namedBuffers()];
  const cells = new Set(Object.values(fieldsOf(module)).filter((value) => value instanceof Cell));
  return own.filter(([, cell]) => cells.has(cell)).map(([name, cell]) => `${name}: ${formatAval(cell)}`);
}

const indent = (text: string): string => text.replace(/\n/g, '\n  ');

function formatTree(name: string, module: nn.Module, inside: string, lines: readonly string[]): string {
  const children = module.namedChildren().map(([field, child]) => `(${field}): ${indent(child.toString())}`);
  if (children.length + lines.length === 0) return `${name}(${inside})`;
  return [`${name}(${inside}`, ...[...lines, ...children].map((line) => `  ${line}`), ')'].join('\n');
}

/**
 * Weights of an imported model that have the first part of their names in common: `layer1.0.conv1` of
 * `layer1.0.conv1.weight`. Where one node of the graph reads them all, calling the layer runs that node, so that hooks,
 * `nn.summary` and {@link OnnxModule.setSubmodule} see it as a layer.
 *
 * Shape: the node's inputs that are no weights give its output.
 */
export class OnnxLayer extends nn.Module {
  /** @internal */
  $plan: LayerPlan | null = null;

  override forward(...inputs: Tensor[]): Tensor {
    const plan = this.$plan;
    if (!plan) {
      throw new FakkelError(
        'OnnxLayer: these weights are read by several nodes of the graph, so they are no layer to be called. Call the whole model.',
      );
    }
    const rest = [...inputs];
    const values = plan.inputs.map((field) => {
      if (field === null) return undefined;
      return field === true ? rest.shift() : (fieldsOf(this)[field] as Tensor);
    });
    const surroundings: Surroundings = {
      opset: plan.opset,
      device: inputs[0]?.device ?? getDefaultDevice(),
      training: this.training,
      counter: () => (plan.counter === null ? undefined : (fieldsOf(this)[plan.counter] as Tensor)),
      runBranch: () => {
        throw new OnnxError('a layer has no branches.');
      },
    };
    const call = new Call(plan.node, values, surroundings);
    const outputs = runNode(OPERATORS[plan.node.opType], call);
    const tensors = outputs.map((value) => value && asTensor(value, surroundings.device));
    return (plan.node.outputs.slice(1).some((name) => name !== '') ? tensors : tensors[0]) as Tensor;
  }

  /** @internal Of a batch normalization what `exportOnnx` in training mode writes beside its weights. */
  get $statistics(): Statistics | null {
    const { node, inputs } = this.$plan ?? {};
    if (node?.opType !== 'BatchNormalization') return null;
    const [runningMean, runningVar] = inputs!.slice(3).map((field) => fieldsOf(this)[field as string]);
    if (!(runningMean instanceof Buffer && runningVar instanceof Buffer)) return null;
    const { momentum } = node.attributes ?? {};
    return { runningMean, runningVar, momentum: 1 - (momentum?.type === 'float' ? decimal(momentum.value) : 0.9) };
  }

  override toString(): string {
    const cells = formatCells(this);
    if (!this.$plan) return formatTree(cells.length > 0 ? 'Weights' : 'Layers', this, cells.join(', '), []);
    const { opType, attributes = {} } = this.$plan.node;
    return formatTree(opType, this, [...cells, ...Object.entries(attributes).map(formatAttribute)].join(', '), []);
  }
}

/**
 * The graph of an ONNX file as a module: {@link importOnnx} makes it.
 *
 * Shape: that of the file, with any number of samples along the first axis where the graph itself allows it. One output is
 * a tensor, several are an array of them in the file's order.
 */
export class OnnxModule<Output = Tensor> extends nn.Module {
  /** @internal */
  readonly $plan: GraphPlan;

  /** @internal Use {@link importOnnx}. */
  constructor(plan: GraphPlan) {
    super();
    this.$plan = plan;
  }

  /** What `forward` takes, in this order. */
  get inputNames(): string[] {
    return this.$plan.inputs.map(({ name }) => name);
  }

  /** What `forward` returns. */
  get outputNames(): string[] {
    return this.$plan.outputs.map(({ name }) => name);
  }

  /**
   * Puts another module in the place of a layer, as `set_submodule` of PyTorch: a new head for other classes.
   *
   * @param name Dotted name of a layer that one node of the graph runs; the tree shows its operator.
   * @param module Takes what the layer took, and returns what it returned.
   * @throws OnnxError where there is no such layer.
   * @example
   * const graph: OnnxGraph = {
   *   name: 'g',
   *   nodes: [{ opType: 'Gemm', inputs: ['x', 'fc.weight'], outputs: ['y'] }],
   *   inputs: [{ name: 'x', dtype: 'float32', shape: ['batch', 2] }],
   *   outputs: [{ name: 'y', dtype: 'float32', shape: ['batch', 3] }],
   *   initializers: [tensorFrom([1, 2, 3, 4, 5, 6], 'float32', [2, 3], 'fc.weight')],
   * };
   * const model = importOnnx({ irVersion: IR_VERSION, opsets: { '': OPSET }, graph });
   * model.setSubmodule('fc', new nn.Linear(2, 10));
   * model(randn([4, 2])).shape; // [4, 10]
   */
  setSubmodule(name: string, module: nn.Module): void {
    const { layers } = this.$plan;
    const paths = [...layers.values()].map((path) => [path.map(nameOfField).join('.'), path] as const);
    const path = new Map(paths).get(name);
    if (!path) {
      const known = paths.map(([known]) => known).join(', ');
      throw new OnnxError(
        `setSubmodule: '${name}' is no layer that one node of the graph runs. There are: ${known || 'none, for the weights of this file have no dotted names; cut the graph with importOnnx(bytes, { outputs }) instead'}.`,
      );
    }
    const parent = at(this, path.slice(0, -1)) as nn.Module;
    fieldsOf(parent)[path.at(-1)!] = module;
  }

  override forward(...inputs: Tensor[]): Output {
    const { outputs, nodes } = this.$plan;
    checkInputs(this.$plan, inputs);
    const device = inputs[0]?.device ?? this.parameters()[0]?.device ?? getDefaultDevice();
    const names = new Map<string, Value>(this.$plan.constants);
    for (const [name, path] of this.$plan.cells) {
      const cell = at(this, path);
      if (cell instanceof Cell) names.set(name, cell);
    }
    inputs.forEach((input, i) => names.set(this.$plan.inputs[i].name, input));
    const batch = batchOf(this.$plan, inputs);
    runNodes(this, nodes, names, device, batch);
    const results = outputs.map(({ name }) => asTensor(names.get(name)!, device));
    return (results.length === 1 ? results[0] : results) as Output;
  }

  override toString(): string {
    const value = ({ name, dtype, shape }: OnnxValue): string =>
      `${name}: ${dtype ?? 'any'}${shape ? `[${shape.map((size) => (size === '' ? '?' : size)).join(',')}]` : ''}`;
    const { inputs, outputs } = this.$plan;
    return formatTree(
      this.constructor.name,
      this,
      `${inputs.map(value).join(', ')} → ${outputs.map(value).join(', ')}`,
      [...formatCells(this).map((cell) => cell.replace(/^(.*?): (\S+)$/, '($1): $2'))],
    );
  }
}

/** Module has members of its own; weights of these names are in fields with a dollar before. */
const MEMBERS = new Set(
  [nn.Module.prototype, OnnxModule.prototype, Object.prototype].flatMap(Object.getOwnPropertyNames),
);
MEMBERS.add('$plan').add('$statistics');
const STATE_NAMES = Object.fromEntries([...MEMBERS].map((name) => [`$${name}`, name]));
OnnxLayer.stateNames = STATE_NAMES;
OnnxModule.stateNames = STATE_NAMES;

/** The field for a part of a weight's name. */
export const fieldOfName = (name: string): string => (MEMBERS.has(name) ? `$${name}` : name);
const nameOfField = (field: string): string => STATE_NAMES[field] ?? field;

function checkInputs({ name, inputs }: GraphPlan, given: readonly Tensor[]): void {
  if (given.length !== inputs.length) {
    const names = inputs.map((input) => input.name).join(', ');
    throw new OnnxError(
      `OnnxModule: the model '${name}' takes ${inputs.length} inputs (${names}), got ${given.length}.`,
    );
  }
  given.forEach((x, i) => {
    const { name, dtype, shape } = inputs[i];
    const sizes = shape?.map((size) => (typeof size === 'number' ? size : size || '?'));
    const expected = `${dtype ?? 'any dtype'}${sizes ? `[${sizes.join(',')}]` : ''}`;
    if (!isTensor(x))
      throw new TypeError(`OnnxModule: input '${name}' is ${expected}, got ${x === null ? 'null' : typeof x}.`);
    if (dtype !== undefined && coreDType(dtype) !== x.dtype) {
      throw new OnnxError(
        `OnnxModule: input '${name}' is ${expected}, got ${formatAval(x)}. Convert it with x.to('${coreDType(dtype)}').`,
      );
    }
    // The first axis is the batch: a file that was exported with one sample takes more where its graph does.
    const fits =
      shape === undefined ||
      (shape.length === x.ndim &&
        shape.every((size, axis) => axis === 0 || typeof size !== 'number' || size === x.shape[axis]));
    if (!fits) throw new OnnxError(`OnnxModule: input '${name}' is ${expected}, got ${formatAval(x)}.`);
  });
}

function batchOf({ inputs }: GraphPlan, given: readonly Tensor[]): Surroundings['batch'] {
  for (const [i, { shape }] of inputs.entries()) {
    const declared = shape?.[0];
    const actual = given[i].shape[0];
    if (typeof declared === 'number' && actual !== declared) return { declared, actual };
  }
  return undefined;
}

/** Runs nodes on values by name, which it adds to. */
function runNodes(
  root: OnnxModule<unknown>,
  nodes: readonly OnnxNode[],
  names: Map<string, Value>,
  device: Device,
  batch: Surroundings['batch'],
): void {
  const { opset, layers, counters } = root.$plan;
  const runBranch = (graph: OnnxGraph): Value[] => {
    const inner = new Map(names);
    for (const tensor of graph.initializers ?? []) inner.set(tensor.name ?? '', hostOf(tensor));
    runNodes(root, graph.nodes, inner, device, batch);
    return graph.outputs.map(({ name }) => inner.get(name)!);
  };
  const counter = (mean: string): Tensor | undefined => {
    const path = counters.get(mean);
    return path && (at(root, path) as Tensor);
  };
  const around: Surroundings = { opset, device, training: root.training, ...(batch && { batch }), counter, runBranch };
  for (const node of nodes) {
    const layer = layers.get(node);
    const inputs = node.inputs.map((name) => (name === '' ? undefined : names.get(name)));
    const results = layer
      ? runLayer(at(root, layer) as nn.Module, root.$plan, node, inputs, device)
      : runNode(OPERATORS[node.opType], new Call(node, inputs, around));
    node.outputs.forEach((name, i) => {
      const result = results[i];
      if (name === '') return;
      if (result === undefined) throw new OnnxError(`${describeNode(node)}: its output '${name}' is not supported.`);
      names.set(name, result);
    });
  }
}

/** A layer's arguments are the inputs that are no weights. */
function runLayer(
  layer: nn.Module,
  { cells }: GraphPlan,
  node: OnnxNode,
  inputs: readonly (Value | undefined)[],
  device: Device,
): readonly (Value | undefined)[] {
  const given = inputs.filter((value, i): value is Value => value !== undefined && !cells.has(node.inputs[i]));
  const result = layer(...given.map((value) => asTensor(value, device))) as Tensor | readonly Tensor[];
  return isTensor(result) ? [result] : result;
}
