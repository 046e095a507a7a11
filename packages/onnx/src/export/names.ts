/**
 * The names in the file: state dicts' for weights, `/layer1/0/conv1/Conv` for nodes and `…_output_0` for what they give.
 */
import { OnnxError } from '../errors.js';
import type { Value } from '../lowering/index.js';
import type { OnnxModel, OnnxNode, OnnxValue } from '../model.js';

/**
 * @param given Names by working name: of inputs, weights and outputs.
 */
export function named(model: OnnxModel, given: ReadonlyMap<Value, string>): OnnxModel {
  const names = new Map<Value, string>();
  const taken = new Set<string>();
  for (const [value, name] of given) {
    if (taken.has(name)) {
      throw new OnnxError(
        `exportOnnx: two inputs, outputs or weights would be called '${name}'; choose other inputNames and outputNames.`,
      );
    }
    taken.add(name);
    names.set(value, name);
  }
  const unique = (wanted: string): string => {
    let name = wanted;
    for (let n = 1; taken.has(name); n++) name = `${wanted}_${n}`;
    taken.add(name);
    return name;
  };
  const nodeNames = new Set<string>();
  const nodes = model.graph.nodes.map((node): OnnxNode => {
    let name = node.name!;
    for (let n = 1; nodeNames.has(name); n++) name = `${node.name!}_${n}`;
    nodeNames.add(name);
    node.outputs.forEach((output, i) => {
      if (output !== '' && !names.has(output)) names.set(output, unique(`${name}_output_${i}`));
    });
    // A constant is called after the first that reads it.
    node.inputs.forEach((input, i) => {
      if (input !== '' && !names.has(input)) names.set(input, unique(`${name}_input_${i}`));
    });
    return { ...node, name };
  });
  const order = new Map([...given.keys()].map((value, i) => [value, i]));
  const rank = (value: Value): number => order.get(value) ?? order.size;
  const of = (value: Value): string => (value === '' ? '' : names.get(value)!);
  const info = (value: OnnxValue): OnnxValue => {
    const name = of(value.name);
    return { ...value, name, shape: value.shape?.map((size, axis) => (size === '' ? `${name}_dim_${axis}` : size)) };
  };
  return {
    ...model,
    graph: {
      ...model.graph,
      nodes: nodes.map((node) => ({ ...node, inputs: node.inputs.map(of), outputs: node.outputs.map(of) })),
      // Weights in the order of the state dict, then what else there is.
      initializers: [...(model.graph.initializers ?? [])]
        .sort((a, b) => rank(a.name!) - rank(b.name!))
        .map((tensor) => ({ ...tensor, name: of(tensor.name!) })),
      inputs: model.graph.inputs.map(info),
      outputs: model.graph.outputs.map(info),
    },
  };
}
