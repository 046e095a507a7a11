/**
 * Whether CUDA runs every node of a graph as it is meant: ONNX Runtime's table of kernels says for which element types
 * there is one, and what the table leaves out is below, from the sources of the provider.
 */
import { ELEMENT_TYPE } from '@fakkel/onnx/lowering';
import type { OnnxGraph, OnnxModel, OnnxNode } from '@fakkel/onnx';
import { readFileSync } from 'node:fs';

interface Kernel {
  /** `T T1 -> T`: constraints of inputs and outputs, by name or as `tensor(type)`; the last input may repeat. */
  readonly signatures: readonly string[];
  /** The types of each constraint. */
  readonly types: Readonly<Record<string, string>>;
}

interface Table {
  readonly commit: string;
  readonly opsets: Readonly<Record<string, number>>;
  readonly domains: Readonly<Record<string, Readonly<Record<string, Kernel>>>>;
}

/** `tools/cuda-operators.mjs` makes it. */
export const table = JSON.parse(readFileSync(new URL('cuda-operators.json', import.meta.url), 'utf8')) as Table;

/** The table's names of the element types. */
const NAMES: Readonly<Record<string, string>> = { float32: 'float', float64: 'double' };
const nameOf = (dtype: string): string => NAMES[dtype] ?? dtype;
const TYPE_BY_NUMBER = new Map(
  Object.entries(ELEMENT_TYPE).map(([dtype, number]) => [number as number, nameOf(dtype)]),
);

/**
 * Inputs that a kernel reads on the host (`InputMemoryType(OrtMemTypeCPUInput, …)`). Computed on the GPU, they would
 * stop the host until the GPU is there. The condition of `If` is one, too, and is meant to be.
 */
const HOST_INPUTS: Readonly<Record<string, readonly number[]>> = {
  ConstantOfShape: [0],
  CumSum: [1],
  Expand: [1],
  Pad: [1, 2],
  Range: [0, 1, 2],
  ReduceSum: [1],
  Reshape: [1],
  Slice: [1, 2, 3, 4],
  Split: [1],
  Squeeze: [1],
  Tile: [1],
  TopK: [1],
  Unsqueeze: [1],
};

/** Why a node does not run on CUDA as it should, beside its types. */
function refusal({ opType, attributes = {} }: OnnxNode, type: string | undefined): string | undefined {
  const pads = (attributes['pads']?.value ?? []) as readonly number[];
  const isEven = pads.every((n, i) => n === pads[(i + pads.length / 2) % pads.length]);
  if (opType === 'ConvTranspose' && !isEven) return `pads ${pads.join()} differ before and after: it goes to the CPU`;
  if (/^(Max|Average)Pool$/.test(opType) && !isEven) return `of pads ${pads.join()}, cuDNN takes those before for both`;
  if (/^Reduce/.test(opType) && type !== 'float' && type !== 'double') return `${type} goes through float32`;
  if (/^Arg(Max|Min)$/.test(opType)) return 'cuDNN says nothing about ties';
  return undefined;
}

/** What is wrong with a model for CUDA; nothing, if all is well. */
export function cudaProblems({ graph }: OnnxModel): string[] {
  const problems: string[] = [];
  walk(graph, new Map(), new Set(), problems);
  return problems;
}

function walk(graph: OnnxGraph, types: Map<string, string>, onHost: Set<string>, problems: string[]): void {
  const known = [...graph.inputs, ...(graph.initializers ?? [])];
  for (const { name, dtype } of known) {
    types.set(name!, nameOf(dtype!));
    onHost.add(name!);
  }
  for (const node of graph.nodes) {
    const problem = check(node, types, onHost);
    if (problem !== undefined) problems.push(`${node.name}: ${problem}`);
    for (const { type, value } of Object.values(node.attributes ?? {}) as { type: string; value: unknown }[]) {
      if (type === 'graph') walk(value as OnnxGraph, new Map(types), new Set(onHost), problems);
    }
  }
}

/** What is wrong with a node; its outputs' types join `types`. */
function check(node: OnnxNode, types: Map<string, string>, onHost: ReadonlySet<string>): string | undefined {
  const { opType, domain = '' } = node;
  const kernel = table.domains[domain === '' ? 'ai.onnx' : domain]?.[opType];
  if (!kernel) return `CUDA has no ${domain}:${opType}, or tools/cuda-operators.mjs does not list it`;
  const inputs = node.inputs.map((name) => (name === '' ? undefined : types.get(name)));
  const said = saidTypes(node);
  const outputs = kernel.signatures
    .map((signature) => fit(signature, kernel, inputs, said))
    .find((fitting) => fitting && (fitting.length >= node.outputs.length || opType === 'If'));
  if (!outputs) return `CUDA has no ${opType} of ${inputs.join(', ')}`;
  node.outputs.forEach((name, i) => types.set(name, outputs[Math.min(i, outputs.length - 1)]));
  if (opType === 'If') branchTypes(node).forEach((type, i) => types.set(node.outputs[i], type));
  const computed = (HOST_INPUTS[opType] ?? []).find((i) => node.inputs[i] && !onHost.has(node.inputs[i]));
  if (computed !== undefined) return `input ${computed} is read on the host, but computed on the GPU`;
  return refusal(node, inputs[0]);
}

/** The type of an output that attributes say. */
function saidTypes({ opType, attributes = {} }: OnnxNode): string | undefined {
  if (opType === 'Cast') return TYPE_BY_NUMBER.get(attributes['to'].value as number);
  if (opType !== 'ConstantOfShape') return undefined;
  const value = attributes['value'] as { value: { dtype: string } } | undefined;
  return value ? nameOf(value.value.dtype) : 'float';
}

const branchTypes = (node: OnnxNode): string[] =>
  (node.attributes!['then_branch'].value as OnnxGraph).outputs.map(({ dtype }) => nameOf(dtype!));

/** The types of the outputs, if the signature takes such inputs. */
function fit(
  signature: string,
  kernel: Kernel,
  inputs: readonly (string | undefined)[],
  said: string | undefined,
): string[] | undefined {
  const [left, right] = signature.split(' -> ').map((side) => side.split(' '));
  const bound = new Map<string, string>();
  for (const [i, type] of inputs.entries()) {
    const constraint = left[Math.min(i, left.length - 1)];
    if (type === undefined) continue;
    const allowed = /^tensor\((\w+)\)$/.exec(constraint)?.[1] ?? kernel.types[constraint];
    if (!allowed?.split(' ').includes(type)) return undefined;
    if ((bound.get(constraint) ?? type) !== type) return undefined;
    bound.set(constraint, type);
  }
  return right.map((constraint) => {
    const literal = /^tensor\((\w+)\)$/.exec(constraint)?.[1];
    return literal ?? bound.get(constraint) ?? said ?? kernel.types[constraint].split(' ')[0];
  });
}
