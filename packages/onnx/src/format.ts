import { elementCount } from './dtypes.js';
import type { OnnxAttribute, OnnxDType, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from './model.js';
import { tensorData } from './tensors.js';

/** Options of {@link formatModel}. */
export interface FormatOptions {
  /** Tensors of more elements are cut, with `...` for the rest. Default 8. */
  readonly elements?: number;
}

/** Names of element types in ONNX's text, where they are not ours. */
const TYPE_NAMES: Partial<Record<OnnxDType, string>> = { float32: 'float', float64: 'double' };

/**
 * A model as text, to read and to compare: ONNX's own textual syntax, which its parser reads unless tensors were cut.
 *
 * Source: https://github.com/onnx/onnx/blob/main/docs/Syntax.md
 *
 * @example
 * const graph: OnnxGraph = {
 *   name: 'g',
 *   nodes: [
 *     { opType: 'LeakyRelu', inputs: ['x'], outputs: ['y'], attributes: { alpha: { type: 'float', value: 0.5 } } },
 *   ],
 *   inputs: [{ name: 'x', dtype: 'float32', shape: ['n', 3] }],
 *   outputs: [{ name: 'y', dtype: 'float32', shape: ['n', 3] }],
 * };
 * console.log(formatModel({ irVersion: 8, opsets: { '': 17 }, graph }));
 * // <
 * //   ir_version: 8,
 * //   opset_import: ["" : 17]
 * // >
 * // g (float[n,3] x) => (float[n,3] y) {
 * //   y = LeakyRelu <alpha = 0.5> (x)
 * // }
 */
export function formatModel(model: OnnxModel, options: FormatOptions = {}): string {
  const opsets = Object.entries(model.opsets).map(([domain, version]) => `${quote(domain)} : ${version}`);
  const metadata = Object.entries(model.metadata ?? {}).map(([key, value]) => `${quote(key)} : ${quote(value)}`);
  const fields = [
    `ir_version: ${model.irVersion}`,
    `opset_import: [${opsets.join(', ')}]`,
    ...(model.producerName !== undefined ? [`producer_name: ${quote(model.producerName)}`] : []),
    ...(model.producerVersion !== undefined ? [`producer_version: ${quote(model.producerVersion)}`] : []),
    ...(model.domain !== undefined ? [`domain: ${quote(model.domain)}`] : []),
    ...(model.modelVersion !== undefined ? [`model_version: ${model.modelVersion}`] : []),
    ...(model.docString !== undefined ? [`doc_string: ${quote(model.docString)}`] : []),
    ...(metadata.length > 0 ? [`metadata_props: [${metadata.join(', ')}]`] : []),
  ];
  return `<\n  ${fields.join(',\n  ')}\n>\n${formatGraph(model.graph, '', options.elements ?? 8)}\n`;
}

function formatGraph(graph: OnnxGraph, indent: string, elements: number): string {
  const inner = `${indent}  `;
  const list = (values: readonly OnnxValue[]) => `(${values.map(formatValue).join(', ')})`;
  const known = [
    ...(graph.initializers ?? []).map((tensor) => formatTensor(tensor, elements)),
    ...(graph.values ?? []).filter(({ dtype }) => dtype !== undefined).map(formatValue),
  ];
  const constants =
    known.length > 0 ? `\n${indent}<\n${inner}${known.join(`,\n${inner}`)}\n${indent}>\n${indent}` : ' ';
  const nodes = graph.nodes.map((node) => `${inner}${formatNode(node, inner, elements)}\n`);
  return `${graph.name} ${list(graph.inputs)} => ${list(graph.outputs)}${constants}{\n${nodes.join('')}${indent}}`;
}

function formatNode(node: OnnxNode, indent: string, elements: number): string {
  const attributes = Object.entries(node.attributes ?? {}).map(
    ([name, attribute]) => `${name} = ${formatAttribute(attribute, indent, elements)}`,
  );
  const domain = node.domain ? `${node.domain}.` : '';
  const names = (list: readonly string[]) => list.map((name) => name || '""').join(', ');
  const told = attributes.length > 0 ? `<${attributes.join(', ')}> ` : '';
  return `${names(node.outputs)} = ${domain}${node.opType} ${told}(${names(node.inputs)})`;
}

function formatAttribute(attribute: OnnxAttribute, indent: string, elements: number): string {
  const list = (items: readonly string[]) => `[${items.join(', ')}]`;
  switch (attribute.type) {
    case 'int':
      return String(attribute.value);
    case 'ints':
      return list(attribute.value.map(String));
    case 'float':
      return formatFloat(attribute.value);
    case 'floats':
      return list(attribute.value.map(formatFloat));
    case 'string':
      return quote(attribute.value);
    case 'strings':
      return list(attribute.value.map(quote));
    case 'tensor':
      return formatTensor(attribute.value, elements);
    case 'tensors':
      return list(attribute.value.map((tensor) => formatTensor(tensor, elements)));
    case 'graph':
      return formatGraph(attribute.value, indent, elements);
    case 'graphs':
      return list(attribute.value.map((graph) => formatGraph(graph, indent, elements)));
    default:
      return attribute satisfies never;
  }
}

/** `float[n,3] x`; a scalar is `float x`, one of any rank `float[] x`. */
function formatValue({ name, dtype, shape }: OnnxValue): string {
  if (dtype === undefined) return name;
  const sizes = shape?.map((size) => (size === '' ? '?' : size)).join(',') ?? '';
  return `${TYPE_NAMES[dtype] ?? dtype}${shape?.length === 0 ? '' : `[${sizes}]`} ${name}`;
}

/** `float[2] w = {1, 2}`. */
function formatTensor(tensor: OnnxTensor, elements: number): string {
  const { name, dtype, shape } = tensor;
  const head = `${formatValue({ name: name ?? '', dtype, shape }).trimEnd()}${name ? ' =' : ''}`;
  const few = elementCount(shape) > elements ? elements : undefined;
  const items = dtype === 'string' ? (tensor.strings ?? []).slice(0, few).map(quote) : formatNumbers(tensor, few);
  if (few !== undefined) items.push('...');
  return `${head} {${items.join(', ')}}`;
}

function formatNumbers(tensor: OnnxTensor, few: number | undefined): string[] {
  const numbers = tensorData(tensor, { widen: true }).subarray(0, few);
  return numbers instanceof Float32Array
    ? Array.from(numbers, shortest)
    : Array.from<number | bigint, string>(numbers, String);
}

/** With a point, by which the parser knows it from an integer. */
function formatFloat(value: number): string {
  const text = shortest(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** The shortest decimals that are this float32: 0.1, not 0.10000000149011612. */
function shortest(value: number): string {
  for (let digits = 1; digits <= 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === Math.fround(value)) return String(shorter);
  }
  return String(value);
}

const quote = (text: string) => JSON.stringify(text);
