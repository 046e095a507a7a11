import { describeNode } from './describe.js';
import { DTYPES, elementCount } from './dtypes.js';
import { OnnxError } from './errors.js';
import type { OnnxGraph, OnnxModel, OnnxNode, OnnxTensor } from './model.js';

/** What a graph sees: the opsets of the model, and the names of the graphs around it. */
interface Scope {
  readonly opsets: OnnxModel['opsets'];
  /** Which thing has a name: `input`, `initializer` or the node that makes it. */
  readonly names: Map<string, string>;
  readonly outer?: Scope;
}

/**
 * Whether a model hangs together: every name is given once and before it is read (outputs of the graph included), every
 * node's domain has an imported opset, and the data of every tensor has the length that its shape asks for.
 *
 * It does not know the operators: types, shapes and attributes are for ONNX's own checker, or the engine that runs the
 * model, to check. This one is for tests and for finding mistakes in graphs that code writes.
 *
 * @throws OnnxError for the first thing that is wrong.
 * @example
 * const graph: OnnxGraph = {
 *   name: 'g',
 *   nodes: [{ opType: 'Relu', inputs: ['x'], outputs: ['y'] }],
 *   inputs: [{ name: 'x', dtype: 'float32', shape: [3] }],
 *   outputs: [{ name: 'y', dtype: 'float32', shape: [3] }],
 * };
 * checkModel({ irVersion: IR_VERSION, opsets: { '': OPSET }, graph });
 */
export function checkModel(model: OnnxModel): void {
  if (!Number.isSafeInteger(model.irVersion) || model.irVersion < 3) {
    fail(`irVersion is ${model.irVersion}, expected 3 or more: IR_VERSION is what this package writes`);
  }
  for (const [domain, version] of Object.entries(model.opsets)) {
    if (!Number.isSafeInteger(version) || version < 1) {
      fail(`the opset version of domain '${domain}' is ${version}, expected 1 or more`);
    }
  }
  for (const [role, values] of Object.entries({ input: model.graph.inputs, output: model.graph.outputs })) {
    const untyped = values.find(({ dtype }) => dtype === undefined);
    if (untyped) fail(`${role} '${untyped.name}' has no dtype, which inputs and outputs of a model need`);
  }
  checkGraph(model.graph, { opsets: model.opsets, names: new Map() });
}

function checkGraph(graph: OnnxGraph, scope: Scope): void {
  if (graph.name === '') fail('a graph has an empty name; any other will do');
  for (const { name } of graph.inputs) declare(name, `an input of graph '${graph.name}'`, scope);
  const initialized = new Set<string>();
  for (const tensor of graph.initializers ?? []) {
    const { name = '' } = tensor;
    if (initialized.has(name)) fail(`two initializers are called '${name}'`);
    initialized.add(name);
    // An initializer with the name of an input is that input's default.
    if (!graph.inputs.some((input) => input.name === name)) {
      declare(name, `an initializer of graph '${graph.name}'`, scope);
    }
    checkTensor(tensor, `initializer '${name}'`);
  }
  graph.nodes.forEach((node, index) => checkNode(graph, node, index, scope));
  for (const { name } of graph.outputs) {
    if (find(name, scope) === undefined) {
      fail(`output '${name}' of graph '${graph.name}' is made by no node and is no input or initializer`);
    }
  }
}

function checkNode(graph: OnnxGraph, node: OnnxNode, index: number, scope: Scope): void {
  const who = describeNode(node);
  if (node.opType === '') fail(`${who} has no opType`);
  const domain = node.domain ?? '';
  if (!Object.hasOwn(scope.opsets, domain)) {
    const version = domain === '' ? 'OPSET' : '1';
    fail(`${who} is of domain '${domain}', whose opset is not imported; add opsets: { '${domain}': ${version} }`);
  }
  for (const name of node.inputs) {
    if (name === '' || find(name, scope) !== undefined) continue;
    const maker = graph.nodes.slice(index).find(({ outputs }) => outputs.includes(name));
    if (maker === undefined) {
      fail(`${who} reads '${name}', which no node makes and which is no input or initializer`);
    } else if (maker === node) {
      fail(`${who} reads '${name}', its own output`);
    } else {
      fail(`${who} reads '${name}' before ${describeNode(maker)} has made it; put nodes after what they read`);
    }
  }
  for (const [name, attribute] of Object.entries(node.attributes ?? {})) {
    const where = `attribute '${name}' of ${who}`;
    if (attribute.type === 'tensor') checkTensor(attribute.value, where);
    if (attribute.type === 'tensors') for (const tensor of attribute.value) checkTensor(tensor, where);
    const graphs = attribute.type === 'graph' ? [attribute.value] : attribute.type === 'graphs' ? attribute.value : [];
    for (const inner of graphs) checkGraph(inner, { opsets: scope.opsets, names: new Map(), outer: scope });
  }
  for (const name of node.outputs) if (name !== '') declare(name, `an output of ${who}`, scope);
}

function checkTensor(tensor: OnnxTensor, where: string): void {
  const { dtype, shape, data, strings = [] } = tensor;
  const type = `${dtype}[${shape.join(',')}]`;
  if (!shape.every((size) => Number.isSafeInteger(size) && size >= 0)) {
    fail(`${where} is ${type}, but sizes are whole numbers from 0 up`);
  }
  const count = elementCount(shape);
  if (dtype === 'string') {
    if (strings.length !== count) fail(`${where} is ${type} and so has ${count} strings, got ${strings.length}`);
  } else if (data.byteLength !== count * DTYPES[dtype].itemSize) {
    fail(`${where} is ${type} and so has ${count * DTYPES[dtype].itemSize} bytes, got ${data.byteLength}`);
  }
}

/** Names are unique in a graph and the graphs around it: static single assignment. */
function declare(name: string, as: string, scope: Scope): void {
  if (name === '') fail(`${as} has an empty name`);
  const before = find(name, scope);
  if (before !== undefined) {
    fail(`'${name}' is ${as}, and already ${before}; every name is given once (static single assignment)`);
  }
  scope.names.set(name, as);
}

function find(name: string, scope: Scope | undefined): string | undefined {
  for (let at = scope; at !== undefined; at = at.outer) {
    const found = at.names.get(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function fail(message: string): never {
  throw new OnnxError(`checkModel: ${message}.`);
}
