import { BinaryReader } from '@bufbuild/protobuf/wire';
import { decodeTensor, decodeText, type ReadExternal } from './decode-tensor.js';
import { dtypeOfCode, nameOfCode } from './dtypes.js';
import { describeNode } from './describe.js';
import { OnnxError } from './errors.js';
import {
  AttributeProto_AttributeType as Type,
  ModelProto,
  type AttributeProto,
  type GraphProto,
  type NodeProto,
  type TensorShapeProto,
  type ValueInfoProto,
} from './generated/onnx-ml.js';
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxValue } from './model.js';

/** Options of {@link decodeModel}. */
export interface DecodeOptions {
  /** Reads the files that a large model keeps its weights in. Default: such a model is an error. */
  readonly external?: ReadExternal;
}

/**
 * The model in an ONNX file.
 *
 * Data of tensors is not copied where the file has it as it is in memory (`raw_data`): it is a view of `bytes`, which
 * must not change after. What is not kept: doc strings of parts, quantization annotations, denotations, training
 * information, types of intermediates that are no tensors, and fields of later versions of the format.
 *
 * @param bytes - the file.
 * @param options - how data outside the file is read.
 * @throws OnnxError for bytes that are no ONNX file or a damaged one, and for what is not supported, by name: sparse
 * tensors, types as attributes, model-local functions, inputs and outputs that are no tensors, complex numbers and those
 * of 8 or fewer bits, strings that are not UTF-8.
 * @example
 * const graph: OnnxGraph = {
 *   name: 'twice',
 *   nodes: [{ opType: 'Add', inputs: ['x', 'x'], outputs: ['y'] }],
 *   inputs: [{ name: 'x', dtype: 'float32', shape: ['batch', 3] }],
 *   outputs: [{ name: 'y', dtype: 'float32', shape: ['batch', 3] }],
 * };
 * const bytes = encodeModel({ irVersion: IR_VERSION, opsets: { '': OPSET }, graph });
 * console.log(decodeModel(bytes).graph.nodes[0].opType); // Add
 */
export function decodeModel(bytes: Uint8Array, options: DecodeOptions = {}): OnnxModel {
  try {
    return modelFrom(ModelProto.decode(new BinaryReader(bytes)), bytes, options.external);
  } catch (error) {
    if (error instanceof OnnxError) throw error;
    throw notOnnx(bytes, `${error instanceof Error ? error.message : String(error)}`, error);
  }
}

function notOnnx(bytes: Uint8Array, reason: string, cause?: unknown): OnnxError {
  const beginning = new TextDecoder('latin1').decode(bytes.subarray(0, 24)).trimStart();
  let remedy = 'It may have been cut short: compare its size with the original.';
  if (beginning.startsWith('version https://git-lfs')) remedy = 'It is a pointer of Git LFS: run `git lfs pull`.';
  else if (beginning.startsWith('<')) remedy = 'It begins like a web page: the download has answered with an error.';
  else if (beginning.startsWith('PK'))
    remedy = 'It is a zip archive (a PyTorch checkpoint, perhaps): unpack or export it.';
  return new OnnxError(`decodeModel: these ${bytes.byteLength} bytes are not an ONNX file (${reason}). ${remedy}`, {
    cause,
  });
}

function modelFrom(message: ModelProto, bytes: Uint8Array, external: ReadExternal | undefined): OnnxModel {
  if (message.graph === undefined) throw notOnnx(bytes, 'there is no graph in it');
  if (message.functions?.length) {
    const names = message.functions.map(({ domain, name }) => `${domain ?? ''}.${name ?? ''}`).join(', ');
    throw new OnnxError(
      `decodeModel: the model has functions of its own (${names}), which is not supported. Export it without them, or inline them with onnx.inliner.`,
    );
  }
  return {
    irVersion: Number(message.irVersion ?? 0n),
    opsets: Object.fromEntries(
      (message.opsetImport ?? []).map(({ domain, version }) => [domainOf(domain), Number(version ?? 0n)]),
    ),
    ...(message.producerName && { producerName: message.producerName }),
    ...(message.producerVersion && { producerVersion: message.producerVersion }),
    ...(message.domain && { domain: message.domain }),
    ...(message.modelVersion && { modelVersion: Number(message.modelVersion) }),
    ...(message.docString && { docString: message.docString }),
    ...(message.metadataProps?.length && {
      metadata: Object.fromEntries(message.metadataProps.map(({ key = '', value = '' }) => [key, value])),
    }),
    graph: graphFrom(message.graph, external),
  };
}

function graphFrom(message: GraphProto, external: ReadExternal | undefined): OnnxGraph {
  const graph = message.name ?? '';
  const sparse = message.sparseInitializer?.[0];
  if (sparse) {
    throw new OnnxError(
      `decodeModel: initializer '${sparse.values?.name ?? ''}' of graph '${graph}' is a sparse tensor, which is not supported. Export it dense.`,
    );
  }
  const initializers = message.initializer?.map((tensor) =>
    decodeTensor(tensor, `initializer '${tensor.name ?? ''}'`, external),
  );
  const values = message.valueInfo?.filter(isTensor).map((value) => valueFrom(value, 'intermediate'));
  return {
    name: graph,
    nodes: (message.node ?? []).map((node) => nodeFrom(node, external)),
    inputs: (message.input ?? []).map((value) => valueFrom(value, 'input')),
    outputs: (message.output ?? []).map((value) => valueFrom(value, 'output')),
    ...(initializers?.length && { initializers }),
    ...(values?.length && { values }),
  };
}

function nodeFrom(message: NodeProto, external: ReadExternal | undefined): OnnxNode {
  const domain = domainOf(message.domain);
  const node = {
    opType: message.opType ?? '',
    ...(domain && { domain }),
    ...(message.name && { name: message.name }),
    inputs: message.input ?? [],
    outputs: message.output ?? [],
  };
  if (!message.attribute?.length) return node;
  return {
    ...node,
    attributes: Object.fromEntries(
      message.attribute.map((attribute) => {
        const name = attribute.name ?? '';
        return [name, attributeFrom(attribute, `attribute '${name}' of ${describeNode(node)}`, external)];
      }),
    ),
  };
}

function attributeFrom(message: AttributeProto, where: string, external: ReadExternal | undefined): OnnxAttribute {
  const unsupported = (what: string) => new OnnxError(`decodeModel: ${where} ${what}, which is not supported.`);
  const type = message.type || guessType(message);
  switch (type) {
    case Type.FLOAT:
      return { type: 'float', value: message.f ?? 0 };
    case Type.INT:
      return { type: 'int', value: integerFrom(message.i ?? 0n) };
    case Type.STRING:
      return { type: 'string', value: message.s ? decodeText(message.s, where) : '' };
    case Type.TENSOR:
      return { type: 'tensor', value: decodeTensor(message.t ?? {}, where, external) };
    case Type.GRAPH:
      return { type: 'graph', value: graphFrom(message.g ?? {}, external) };
    case Type.FLOATS:
      return { type: 'floats', value: message.floats ?? [] };
    case Type.INTS:
      return { type: 'ints', value: (message.ints ?? []).map(integerFrom) };
    case Type.STRINGS:
      return { type: 'strings', value: (message.strings ?? []).map((bytes) => decodeText(bytes, where)) };
    case Type.TENSORS:
      return { type: 'tensors', value: (message.tensors ?? []).map((tensor) => decodeTensor(tensor, where, external)) };
    case Type.GRAPHS:
      return { type: 'graphs', value: (message.graphs ?? []).map((graph) => graphFrom(graph, external)) };
    case Type.SPARSE_TENSOR:
    case Type.SPARSE_TENSORS:
      throw unsupported('is a sparse tensor');
    case Type.TYPE_PROTO:
    case Type.TYPE_PROTOS:
      throw unsupported('is a type');
    default:
      throw unsupported(message.refAttrName ? 'refers to an attribute of a function' : `has type number ${type}`);
  }
}

/** Files of the format's first version do not say which field of an attribute counts. */
function guessType(message: AttributeProto): Type {
  if (message.f !== undefined) return Type.FLOAT;
  if (message.i !== undefined) return Type.INT;
  if (message.s !== undefined) return Type.STRING;
  if (message.t !== undefined) return Type.TENSOR;
  if (message.g !== undefined) return Type.GRAPH;
  if (message.floats?.length) return Type.FLOATS;
  if (message.ints?.length) return Type.INTS;
  if (message.strings?.length) return Type.STRINGS;
  if (message.tensors?.length) return Type.TENSORS;
  if (message.graphs?.length) return Type.GRAPHS;
  return Type.UNDEFINED;
}

const isTensor = ({ type }: ValueInfoProto) => type === undefined || type.tensorType !== undefined;

function valueFrom(message: ValueInfoProto, role: string): OnnxValue {
  const name = message.name ?? '';
  if (!isTensor(message)) {
    throw new OnnxError(
      `decodeModel: ${role} '${name}' is no tensor (a sequence, map or optional, perhaps), which is not supported.`,
    );
  }
  const { elemType = 0, shape } = message.type?.tensorType ?? {};
  const dtype = dtypeOfCode(elemType);
  if (dtype === undefined && elemType !== 0) {
    throw new OnnxError(`decodeModel: ${role} '${name}' has element type ${nameOfCode(elemType)}, which is not read.`);
  }
  return { name, ...(dtype && { dtype }), ...(shape && { shape: shapeFrom(shape) }) };
}

/** Sizes below zero are how some exporters say that they don't know. */
function shapeFrom({ dim = [] }: TensorShapeProto): (number | string)[] {
  return dim.map(({ dimValue, dimParam }) =>
    dimValue !== undefined && dimValue >= 0n ? Number(dimValue) : (dimParam ?? ''),
  );
}

function integerFrom(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** ONNX's own domain has two names. */
function domainOf(domain: string | undefined): string {
  return domain === undefined || domain === 'ai.onnx' ? '' : domain;
}
