/**
 * From a file to a module with trainable weights.
 */
import { Buffer, type Device, fromArray, type nn, Parameter, type Tensor, type TypedArray, zeros } from '@fakkel/core';
import { decodeModel, type DecodeOptions } from '../decode.js';
import { describeNode } from '../describe.js';
import { OnnxError } from '../errors.js';
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from '../model.js';
import { tensorData } from '../tensors.js';
import { type Host, hostOf } from './host.js';
import { fieldOfName, type GraphPlan, type LayerPlan, OnnxLayer, OnnxModule } from './module.js';
import { OPERATORS } from './operators/index.js';
import { findWeights, graphsOf, isExportedConstant, type OnnxWeight, readersOf } from './weights.js';

/** Versions of ONNX's operators that import knows. */
const OPSETS = { least: 7, most: 23 } as const;

/** Options of {@link importOnnx}. */
export interface ImportOptions extends DecodeOptions {
  /**
   * Which weights train. `true`: those that the rule finds; `false`: none, all are frozen; a function: those for which it
   * says so, also constants that the rule does not take for weights. Frozen weights are parameters without gradients,
   * `requiresGrad_()` thaws them. Default true.
   */
  readonly trainable?: boolean | ((weight: OnnxWeight) => boolean);
  /**
   * What the module returns, in this order: any names of the graph. Nodes that only others need are left out, so the
   * name of an inner value gives a feature extractor. Default: the file's outputs.
   */
  readonly outputs?: readonly string[];
  /**
   * What an `Identity` of an initializer means: one weight in two places (true), or two weights that have equal values
   * (false). PyTorch's exporter merges equal initializers so, such as the fresh statistics of all batch normalizations,
   * and then names the output as the weight was named. Default false.
   */
  readonly tied?: boolean;
  /** Where the weights are. Default: the default device. */
  readonly device?: Device;
}

const OPTIONS = ['external', 'trainable', 'outputs', 'tied', 'device'] satisfies (keyof ImportOptions)[];

/**
 * An ONNX model as a module whose weights train: its forward pass runs the graph with core's operations, on every
 * backend, and gradients flow.
 *
 * **Weights** are parameters under their names in the file; names with dots make a tree, so that a file of PyTorch's
 * exporter has the keys of the PyTorch model's state dict. What is a weight follows from its readers, for ONNX has one kind
 * of constant only. A float constant (an initializer or a `Constant` node) is a weight if it is, directly or moved
 * (`Transpose`, `Reshape`, `Identity`, `Slice` …),
 * - a weight or bias input of a layer (`Conv`, `ConvTranspose`, `Gemm`, `MatMul`, `PRelu`, a normalization), or the
 *   table of a `Gather`;
 * - or an operand of arithmetic (`Add`, `Sub`, `Mul`, `Div`, `Concat` …) with more than one element, or the bias of one
 *   element that is added to a product.
 *
 * It is none, but a constant, if it has one element otherwise (√2, 0.5), scales or shifts the graph's input before any
 * layer (mean and deviation of pixels), or is a setting (scales of a `Resize`, bounds of a `Clip`). `trainable` says
 * otherwise where this guesses wrong. A `Constant` node whose elements are all equal is none either: exporters write
 * the scale of a normalization without one so. Files of {@link exportOnnx} say by their names what is a weight.
 *
 * **Modes.** The module comes in evaluation mode and then computes what ONNX Runtime computes. In training mode,
 * `Dropout` drops, and `BatchNormalization` uses the batch's statistics and moves its mean and variance, which are
 * buffers, as PyTorch does (momentum is 1 − ONNX's, the running variance unbiased), whatever mode the file says. An
 * inference file of PyTorch's exporter has neither: it folds batch normalization into convolutions. For fine-tuning export
 * with `training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False`.
 *
 * **Shapes** that the graph computes (`Shape`, `Gather`, `Concat`, `Reshape` …) are computed on the host at each call. So
 * are conditions of `If`. A batch size that the file fixes is not insisted on.
 *
 * Numbers of half precision are computed in float32, and integers are int32.
 *
 * @param source Bytes of a file, or a model. Operators of versions 7 to 23.
 * @returns A module that takes the graph's inputs in their order and returns its output, or an array of several:
 *   `importOnnx<Tensor[]>(bytes)`.
 * @throws OnnxError for what is no ONNX file; for operators that are not known, all of them at once; for quantized models.
 * @example
 * const graph: OnnxGraph = {
 *   name: 'classifier',
 *   nodes: [{ opType: 'Gemm', inputs: ['x', 'fc.weight', 'fc.bias'], outputs: ['logits'] }],
 *   inputs: [{ name: 'x', dtype: 'float32', shape: ['batch', 2] }],
 *   outputs: [{ name: 'logits', dtype: 'float32', shape: ['batch', 3] }],
 *   initializers: [
 *     tensorFrom([1, 2, 3, 4, 5, 6], 'float32', [2, 3], 'fc.weight'),
 *     tensorFrom([0, 0, 1], 'float32', [3], 'fc.bias'),
 *   ],
 * };
 * const bytes = encodeModel({ irVersion: IR_VERSION, opsets: { '': OPSET }, graph });
 * const model = importOnnx(bytes).train();
 * await model(tensor([[1, 1]])).toArray(); // [[5, 7, 10]]
 * [...model.stateDict().keys()]; // ['fc.weight', 'fc.bias']
 * model(tensor([[1, 1]])).sum().backward();
 * await model.getParameter('fc.bias').grad!.toArray(); // [1, 1, 1]
 */
export function importOnnx<Output = Tensor>(
  source: Uint8Array | OnnxModel,
  options: ImportOptions = {},
): OnnxModule<Output> {
  checkOptions(options);
  const model =
    source instanceof Uint8Array ? decodeModel(source, options.external ? { external: options.external } : {}) : source;
  const { graph } = model;
  const opset = opsetOf(model);
  const outputs = outputsOf(graph, options.outputs);
  const live = liveNodes(graph.nodes, outputs);
  checkOperators(live, opset);

  const constants = new Map((graph.initializers ?? []).map((tensor) => [tensor.name ?? '', tensor]));
  const inputs = graph.inputs.filter(({ name }) => !constants.has(name));
  const literals = new Set<string>();
  const nodes = ownStatistics(withoutConstants(live, { constants, literals, tied: options.tied ?? false }), constants);
  const names = new Set(nodes.flatMap((node) => [node, ...branchNodes(node)].flatMap((each) => each.inputs)));
  const used = new Map([...constants].filter(([name]) => names.has(name) || outputs.some((out) => out.name === name)));
  const plan = planOf(graph, opset, trimmed(nodes, outputs), inputs, outputs);
  const module = new OnnxModule<Output>(plan);
  const isConstant = model.producerName === 'fakkel' ? isExportedConstant : () => false;
  placeWeights(module, plan, { used, constants, literals, isConstant }, options);
  for (const [name, tensor] of used) if (!plan.cells.has(name)) plan.constants.set(name, hostOf(tensor));
  placeLayers(module, plan);
  return module.eval();
}

/** The plan of a module while it is made. */
interface Draft extends GraphPlan {
  readonly constants: Map<string, Host>;
  readonly cells: Map<string, readonly string[]>;
  readonly layers: Map<OnnxNode, readonly string[]>;
  readonly counters: Map<string, readonly string[]>;
}

function planOf(
  { name }: OnnxGraph,
  opset: number,
  nodes: readonly OnnxNode[],
  inputs: readonly OnnxValue[],
  outputs: readonly OnnxValue[],
): Draft {
  const empty = { constants: new Map(), cells: new Map(), layers: new Map(), counters: new Map() };
  return { name, opset, nodes, inputs, outputs, ...empty };
}

function checkOptions(options: ImportOptions): void {
  for (const name of Object.keys(options)) {
    if (!(OPTIONS as string[]).includes(name)) {
      throw new OnnxError(`importOnnx: unknown option '${name}'. Known: ${OPTIONS.join(', ')}.`);
    }
  }
}

function opsetOf({ opsets }: OnnxModel): number {
  const opset = opsets[''] ?? opsets['ai.onnx'];
  if (opset === undefined) throw new OnnxError(`importOnnx: the model imports no version of ONNX's own operators.`);
  if (opset < OPSETS.least || opset > OPSETS.most) {
    throw new OnnxError(
      `importOnnx: the model has operators of version ${opset}, supported are ${OPSETS.least} to ${OPSETS.most}. ` +
        `Convert it with Python's onnx.version_converter.convert_version(model, 17).`,
    );
  }
  return opset;
}

function outputsOf(graph: OnnxGraph, wanted: readonly string[] | undefined): OnnxValue[] {
  const declared = new Map(
    [...(graph.values ?? []), ...graph.inputs, ...graph.outputs].map((value) => [value.name, value]),
  );
  if (wanted === undefined) return [...graph.outputs];
  const made = graph.nodes.flatMap(({ outputs }) => outputs).filter((name) => name !== '');
  const known = new Set([...made, ...graph.inputs.map(({ name }) => name)]);
  return wanted.map((name) => {
    if (known.has(name)) return declared.get(name) ?? { name };
    throw new OnnxError(
      `importOnnx: outputs: no node makes '${name}'. The last that are made: ${made.slice(-10).join(', ')}.`,
    );
  });
}

/** Nodes of the graphs that a node's attributes hold. */
const branchNodes = (node: OnnxNode): OnnxNode[] =>
  graphsOf(node).flatMap((graph) => graph.nodes.flatMap((inner) => [inner, ...branchNodes(inner)]));

/** Every name that a node needs, in its branches, too. */
const needsOf = (node: OnnxNode): string[] => [
  ...node.inputs,
  ...branchNodes(node).flatMap((inner) => inner.inputs),
  ...graphsOf(node).flatMap((graph) => graph.outputs.map(({ name }) => name)),
];

/** The nodes that the outputs need, in order. */
function liveNodes(nodes: readonly OnnxNode[], outputs: readonly OnnxValue[]): OnnxNode[] {
  const needed = new Set(outputs.map(({ name }) => name));
  const live = nodes.toReversed().filter((node) => {
    if (!node.outputs.some((name) => name !== '' && needed.has(name))) return false;
    for (const name of needsOf(node)) needed.add(name);
    return true;
  });
  return live.reverse();
}

const QUANTIZED =
  /^(QLinear|QuantizeLinear|DequantizeLinear|DynamicQuantize|ConvInteger|MatMulInteger|QGemm|QAttention)/;

/** Throws unless all operators are known; names every one that is not. */
function checkOperators(nodes: readonly OnnxNode[], opset: number): void {
  const unknown = new Map<string, { readonly node: OnnxNode; count: number }>();
  for (const node of nodes.flatMap((outer) => [outer, ...branchNodes(outer)])) {
    const domain = node.domain === 'ai.onnx' ? '' : (node.domain ?? '');
    if (domain === '' && Object.hasOwn(OPERATORS, node.opType)) continue;
    const name = domain === '' ? node.opType : `${domain}.${node.opType}`;
    const seen = unknown.get(name);
    if (seen) seen.count++;
    else unknown.set(name, { node, count: 1 });
  }
  if (unknown.size === 0) return;
  const isQuantized = [...unknown.values()].some(({ node }) => QUANTIZED.test(node.opType));
  const list = [...unknown].map(([name, { node, count }]) => {
    return `  ${name}: ${describeNode(node)}${count > 1 ? ` and ${count - 1} more` : ''}`;
  });
  throw new OnnxError(
    [
      `importOnnx: the model has operators that are not supported (version ${opset}):`,
      ...list,
      isQuantized
        ? 'It is quantized: its integer weights do not train. Import the float model that it was made of.'
        : 'Cut the graph before them with { outputs: [...] }, or export the model without them.',
    ].join('\n'),
  );
}

/**
 * `Constant` nodes become initializers, and so does an `Identity` of one unless it is tied: PyTorch's exporter merges
 * equal initializers, and an `Identity` has the name of the one that went.
 */
function withoutConstants(
  nodes: readonly OnnxNode[],
  { constants, literals, tied }: { constants: Map<string, OnnxTensor>; literals: Set<string>; tied: boolean },
): OnnxNode[] {
  return nodes.filter(({ opType, attributes, inputs, outputs: [output] }) => {
    if (opType === 'Constant' && attributes?.value?.type === 'tensor') {
      constants.set(output, { ...attributes.value.value, name: output });
      literals.add(output);
      return false;
    }
    const same = opType === 'Identity' && !tied ? constants.get(inputs[0]) : undefined;
    if (!same) return true;
    constants.set(output, { ...same, name: output });
    if (literals.has(inputs[0])) literals.add(output);
    return false;
  });
}

/** Statistics move with their own layer, so a constant that several read becomes one for each. */
function ownStatistics(nodes: readonly OnnxNode[], constants: Map<string, OnnxTensor>): OnnxNode[] {
  const readers = readersOf(nodes);
  const taken = new Set<string>();
  return nodes.map((node) => {
    if (node.opType !== 'BatchNormalization') return node;
    const inputs = node.inputs.map((name, i) => {
      const tensor = constants.get(name);
      if (!tensor || i < 3) return name;
      const isOwn = readers.get(name)!.every((reader) => reader.node.opType === node.opType && reader.input >= 3);
      if (isOwn && !taken.has(name)) {
        taken.add(name);
        return name;
      }
      const own = `${node.outputs[0]}.${i === 3 ? 'running_mean' : 'running_var'}`;
      constants.set(own, { ...tensor, name: own });
      return own;
    });
    return { ...node, inputs };
  });
}

/** Outputs that nobody reads lose their names, so that operators need not make them. */
function trimmed(nodes: readonly OnnxNode[], outputs: readonly OnnxValue[]): OnnxNode[] {
  const read = new Set([...nodes.flatMap(needsOf), ...outputs.map(({ name }) => name)]);
  return nodes.map((node) => {
    // Their number says into how many parts `Split` cuts.
    return { ...node, outputs: node.outputs.map((name) => (read.has(name) ? name : '')) };
  });
}

interface Constants {
  /** All of the file. */
  readonly constants: ReadonlyMap<string, OnnxTensor>;
  /** Those that nodes read. */
  readonly used: ReadonlyMap<string, OnnxTensor>;
  /** Those that were `Constant` nodes. */
  readonly literals: ReadonlySet<string>;
  /** Whether the file says by a name that it is no weight. */
  readonly isConstant: (name: string) => boolean;
}

/** The parameters and buffers of a module, in a tree by their names. */
function placeWeights(
  module: nn.Module,
  plan: Draft,
  { used, constants, literals, isConstant }: Constants,
  options: ImportOptions,
): void {
  const { trainable = true, device } = options;
  const on = device ? { device } : {};
  const statistics = new Set(
    plan.nodes.filter(({ opType }) => opType === 'BatchNormalization').flatMap(({ inputs }) => inputs.slice(3)),
  );
  const inputs = new Set(plan.inputs.map(({ name }) => name));
  const weights = findWeights(plan.nodes, used, inputs, literals, isConstant);
  const found = new Map(weights.map((weight) => [weight.name, weight]));
  const cells = new Map<string, Parameter | Buffer>();
  for (const [name, tensor] of used) {
    const weight = found.get(name);
    if (!weight) continue;
    const make = (): Tensor => fromArray(tensorData(tensor, { widen: true }) as TypedArray, tensor.shape, on);
    if (statistics.has(name)) {
      cells.set(name, new Buffer(make(), { name }));
      if (!name.endsWith('.running_mean')) continue;
      const tracked = `${name.slice(0, -'.running_mean'.length)}.num_batches_tracked`;
      const count = constants.get(tracked);
      const initial = count ? hostOf(count).on(make().device) : zeros([], { dtype: 'int32', ...on });
      cells.set(tracked, new Buffer(initial, { name: tracked, savedDtype: 'int64' }));
      continue;
    }
    const trains = typeof trainable === 'function' ? trainable(weight) : trainable && weight.isWeight;
    if (trains || weight.isWeight) cells.set(name, new Parameter(make(), { name, requiresGrad: trains }));
  }
  for (const [name, cell] of cells) {
    const path = pathOf(name, cells);
    put(module, path, cell);
    plan.cells.set(name, path);
    if (name.endsWith('.num_batches_tracked')) {
      plan.counters.set(name.replace(/num_batches_tracked$/, 'running_mean'), path);
    }
  }
}

/** Fields from the root; a name that makes no tree (`a..b`, or `a.b` beside a weight `a`) is one field. */
function pathOf(name: string, cells: ReadonlyMap<string, unknown>): string[] {
  const parts = name.split('.');
  const isTree = parts.every((part, i) => part !== '' && (i === 0 || !cells.has(parts.slice(0, i).join('.'))));
  return (isTree ? parts : [name]).map(fieldOfName);
}

function put(root: nn.Module, path: readonly string[], cell: Parameter | Buffer): void {
  let fields = root as unknown as Record<string, unknown>;
  for (const field of path.slice(0, -1)) fields = (fields[field] ??= new OnnxLayer()) as Record<string, unknown>;
  fields[path.at(-1)!] = cell;
}

/** Layers whose weights one node reads, all of them, run it. */
function placeLayers(root: nn.Module, plan: Draft): void {
  const folderOf = (path: readonly string[]): string => JSON.stringify(path.slice(0, -1));
  const readers = new Map<string, Set<OnnxNode>>();
  for (const [name, list] of readersOf(plan.nodes)) {
    const path = plan.cells.get(name);
    if (!path) continue;
    const nodes = readers.get(folderOf(path)) ?? new Set();
    for (const { node } of list) nodes.add(node);
    readers.set(folderOf(path), nodes);
  }
  const topLevel = new Set(plan.nodes);
  for (const [folder, [node, ...others]] of readers) {
    const path = JSON.parse(folder) as string[];
    if (path.length === 0 || others.length > 0 || !topLevel.has(node) || node.opType in MOVES) continue;
    const inputs = node.inputs.map((name): LayerPlan['inputs'][number] => {
      if (name === '') return null;
      const cell = plan.cells.get(name);
      return cell ? (folderOf(cell) === folder ? cell.at(-1)! : null) : true;
    });
    const isWhole = inputs.every((input, i) => input !== null || node.inputs[i] === '');
    if (!isWhole || node.inputs.some((name) => plan.constants.has(name))) continue;
    const layer = path.reduce((at, field) => (at as unknown as Record<string, nn.Module>)[field], root) as OnnxLayer;
    const counter = plan.counters.get(node.inputs[3] ?? '')?.at(-1) ?? null;
    layer.$plan = { node, opset: plan.opset, inputs, counter };
    plan.layers.set(node, path);
  }
}

/** Operators that only move a weight: not what a layer is. */
const MOVES: Readonly<Record<string, true>> = {
  Transpose: true,
  Reshape: true,
  Identity: true,
  Cast: true,
  Slice: true,
};
