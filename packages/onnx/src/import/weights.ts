/**
 * Which constants of a file are weights. ONNX does not say: the weight of a convolution, √2 and the mean of the pixels
 * are all initializers, or `Constant` nodes. What reads them tells.
 */
import { elementCount } from '../dtypes.js';
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../model.js';
import { tensorData } from '../tensors.js';
import { isFloating } from './host.js';

/** A constant of the file, as `trainable` of `importOnnx` is asked about it. */
export interface OnnxWeight {
  /** Its name in the file, and in the module's state dict. */
  readonly name: string;
  readonly shape: readonly number[];
  /** Whether the rule of `importOnnx` takes it for a weight. */
  readonly isWeight: boolean;
  /** The nodes that read it, and as which of their inputs. */
  readonly readers: readonly { readonly node: OnnxNode; readonly input: number }[];
}

type Readers = ReadonlyMap<string, readonly { readonly node: OnnxNode; readonly input: number }[]>;

/** Inputs that are weights whatever their size. */
const WEIGHTS: Readonly<Record<string, readonly number[]>> = {
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [0, 1, 2],
  MatMul: [0, 1],
  BatchNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  LayerNormalization: [1, 2],
  GroupNormalization: [1, 2],
  PRelu: [1],
};

/** What only moves its first input, or says it again. */
const THROUGH = new Set([
  ...['Identity', 'Transpose', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten'],
  ...['Cast', 'Expand', 'Tile', 'Slice', 'Split', 'Gather', 'Pad'],
]);

const ARITHMETIC = new Set(['Add', 'Sub', 'Mul', 'Div', 'Sum', 'Mean', 'Max', 'Min', 'Einsum', 'Concat']);
const PRODUCTS = new Set(['MatMul', 'Gemm', 'Conv', 'ConvTranspose', 'Einsum']);

/** Inputs that must be known while the graph is recorded, and numbers that say how an operator works. */
const SETTINGS: Readonly<Record<string, readonly number[]>> = {
  Reshape: [1],
  Expand: [1],
  Tile: [1],
  Slice: [1, 2, 3, 4],
  Squeeze: [1],
  Unsqueeze: [1],
  ConstantOfShape: [0],
  Range: [0, 1, 2],
  Resize: [1, 2, 3],
  Upsample: [1],
  Pad: [1, 2, 3],
  Split: [1],
  TopK: [1],
  OneHot: [1, 2],
  Clip: [1, 2],
  CumSum: [1],
  Dropout: [1, 2],
  Trilu: [1],
  Pow: [1],
  NonZero: [0],
  If: [0],
};

/** Who reads each name, in the graphs that attributes hold, too. */
export function readersOf(nodes: readonly OnnxNode[]): Map<string, { node: OnnxNode; input: number }[]> {
  const readers = new Map<string, { node: OnnxNode; input: number }[]>();
  const visit = (node: OnnxNode): void => {
    node.inputs.forEach((name, input) => {
      if (name === '') return;
      const list = readers.get(name);
      if (list) list.push({ node, input });
      else readers.set(name, [{ node, input }]);
    });
    for (const graph of graphsOf(node)) graph.nodes.forEach(visit);
  };
  nodes.forEach(visit);
  return readers;
}

/** The graphs that a node's attributes hold. */
export function graphsOf(node: OnnxNode): OnnxGraph[] {
  return Object.values(node.attributes ?? {}).flatMap((attribute) => {
    if (attribute.type === 'graph') return [attribute.value];
    return attribute.type === 'graphs' ? attribute.value : [];
  });
}

function remember(fn: (name: string) => boolean): (name: string) => boolean {
  const known = new Map<string, boolean>();
  return (name) => {
    let answer = known.get(name);
    // A graph has no cycles; the answer of a malformed one does not matter, but it must come.
    if (answer === undefined) {
      known.set(name, false);
      known.set(name, (answer = fn(name)));
    }
    return answer;
  };
}

/** Whether all elements are equal, and there are several. */
function isUniform(tensor: OnnxTensor): boolean {
  const data = tensorData(tensor);
  return data.length > 1 && data.every((value: unknown) => value === data[0]);
}

/** What `exportOnnx` calls a constant that is not in the state dict: after the node that reads it. */
export const isExportedConstant = (name: string): boolean => /^\/.*_input_\d+(_\d+)?$/.test(name);

/**
 * The float constants that may be weights, with what the rule says.
 *
 * @param isConstant Whether the file says by a name that it is none.
 */
export function findWeights(
  nodes: readonly OnnxNode[],
  constants: ReadonlyMap<string, OnnxTensor>,
  inputs: ReadonlySet<string>,
  literals: ReadonlySet<string>,
  isConstant: (name: string) => boolean,
): OnnxWeight[] {
  const readers: Readers = readersOf(nodes);
  const makers = new Map(nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const readersOfName = (name: string): readonly { node: OnnxNode; input: number }[] => readers.get(name) ?? [];

  /** Whether a name is a setting of an operator, or shape arithmetic makes one of it. */
  const isSetting = remember((name) =>
    readersOfName(name).some(({ node, input }) => {
      if (SETTINGS[node.opType]?.includes(input)) return true;
      if (node.opType.startsWith('Reduce') && input === 1) return true;
      const passes = (THROUGH.has(node.opType) && input === 0) || ARITHMETIC.has(node.opType);
      return (passes || node.opType === 'Floor' || node.opType === 'Ceil') && node.outputs.some(isSetting);
    }),
  );

  /** Whether a name is the graph's input, prepared at most: moved, or scaled by constants. */
  const isRaw = remember((name) => {
    if (inputs.has(name)) return true;
    const maker = makers.get(name);
    if (!maker || constants.has(name)) return false;
    if (THROUGH.has(maker.opType)) return isRaw(maker.inputs[0]);
    if (!ARITHMETIC.has(maker.opType)) return false;
    const computed = maker.inputs.filter((input) => !constants.has(input));
    return computed.length > 0 && computed.every(isRaw);
  });

  const isWeight = (name: string, shape: readonly number[]): boolean =>
    readersOfName(name).some(({ node, input }) => {
      const { opType } = node;
      if (WEIGHTS[opType]?.includes(input)) return true;
      if (opType === 'Gather' && input === 0 && shape.length > 1) return true;
      if (THROUGH.has(opType) && input === 0) return node.outputs.some((output) => isWeight(output, shape));
      if (!ARITHMETIC.has(opType)) return false;
      const others = node.inputs.filter((other) => other !== name);
      // The bias of a layer with one output is one number, and so is many a constant of a formula.
      if (elementCount(shape) === 1) {
        const isBias = others.some((other) => PRODUCTS.has(makers.get(other)?.opType ?? ''));
        return shape.length > 0 && opType === 'Add' && isBias;
      }
      return !others.every((other) => isRaw(other) || constants.has(other)) || opType === 'Concat';
    });

  return [...constants].flatMap(([name, tensor]): OnnxWeight[] => {
    const { shape } = tensor;
    if (!isFloating(tensor.dtype) || isSetting(name)) return [];
    const says = !isConstant(name) && isWeight(name, shape) && !(literals.has(name) && isUniform(tensor));
    return [{ name, shape, isWeight: says, readers: readersOfName(name) }];
  });
}
