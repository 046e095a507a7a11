import { BinaryWriter } from '@bufbuild/protobuf/wire';
import { describeNode } from './describe.js';
import { DTYPES, elementCount } from './dtypes.js';
import { OnnxError } from './errors.js';
import {
  AttributeProto_AttributeType as Type,
  GraphProto,
  ModelProto,
  NodeProto,
  TensorProto,
  type AttributeProto,
  type ValueInfoProto,
} from './generated/onnx-ml.js';
import type { OnnxAttribute, OnnxGraph, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from './model.js';

/** What a protobuf file may hold at most: lengths in it are 31 bits. */
const MOST_BYTES = 2 ** 31 - 1;

/** Tags of the fields that are written here and not by the generated code: `number << 3 | 2`. */
const MODEL_GRAPH = (7 << 3) | 2;
const GRAPH_NODE = (1 << 3) | 2;
const GRAPH_INITIALIZER = (5 << 3) | 2;
const TENSOR_RAW_DATA = (9 << 3) | 2;

const utf8 = new TextEncoder();

/**
 * The bytes of an ONNX file.
 *
 * The data of the model's initializers is copied once, into the result; tensors in attributes more often. What is
 * written is what ONNX's own checker accepts as far as the message format goes; {@link checkModel} says whether the
 * graph hangs together.
 *
 * @param model - the model; `irVersion` is written as it is.
 * @returns the file's bytes.
 * @throws OnnxError for a tensor whose data does not fit its shape, an attribute that its type cannot hold, and more
 * than 2 GiB, which protobuf cannot.
 * @example
 * const bytes = encodeModel({
 *   irVersion: IR_VERSION,
 *   opsets: { '': OPSET },
 *   graph: {
 *     name: 'scale',
 *     nodes: [{ opType: 'Mul', inputs: ['x', 'factor'], outputs: ['y'] }],
 *     inputs: [{ name: 'x', dtype: 'float32', shape: ['batch', 3] }],
 *     outputs: [{ name: 'y', dtype: 'float32', shape: ['batch', 3] }],
 *     initializers: [tensorFrom([2], 'float32', [], 'factor')],
 *   },
 * });
 * console.log(bytes.byteLength);
 */
export function encodeModel(model: OnnxModel): Uint8Array<ArrayBuffer> {
  const { graph } = model;
  const writer = new BinaryWriter();
  ModelProto.encode(modelMessage(model), writer);
  const modelHead = writer.finish();
  // One node's message at a time: thousands of them at once are work for the garbage collector.
  for (const node of graph.nodes) NodeProto.encode(nodeMessage(node), writer.uint32(GRAPH_NODE).fork()).join();
  GraphProto.encode(graphMessage({ ...graph, nodes: [], initializers: [] }), writer);
  const parts: Uint8Array[] = [writer.finish()];
  // A nested message begins with its length, so a writer moves all that is in it once it is known. Here the lengths are
  // known beforehand, and the large data goes straight to its place.
  for (const tensor of graph.initializers ?? []) {
    TensorProto.encode(tensorMessage(tensor, undefined, false), writer);
    if (tensor.dtype === 'string') {
      const message = writer.finish();
      parts.push(writer.uint32(GRAPH_INITIALIZER).bytes(message).finish());
      continue;
    }
    const size = tensor.data.byteLength;
    writer.uint32(TENSOR_RAW_DATA).uint32(Math.min(size, MOST_BYTES));
    const message = writer.finish();
    const length = message.byteLength + size;
    writer.uint32(GRAPH_INITIALIZER).uint32(Math.min(length, MOST_BYTES)).raw(message);
    parts.push(writer.finish(), tensor.data);
  }
  const graphLength = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const graphHead = writer.uint32(MODEL_GRAPH).uint32(Math.min(graphLength, MOST_BYTES)).finish();
  const total = modelHead.byteLength + graphHead.byteLength + graphLength;
  if (total > MOST_BYTES) {
    throw new OnnxError(
      `encodeModel: the model has ${total} bytes, more than the 2 GiB of a protobuf file. Store it as float16, or keep part of the weights out of it, as inputs of the graph.`,
    );
  }
  const bytes = new Uint8Array(total);
  let position = 0;
  for (const part of [modelHead, graphHead, ...parts]) {
    bytes.set(part, position);
    position += part.byteLength;
  }
  return bytes;
}

function modelMessage(model: OnnxModel): ModelProto {
  return {
    irVersion: integer(model.irVersion, 'irVersion'),
    opsetImport: Object.entries(model.opsets).map(([domain, version]) => ({
      domain,
      version: integer(version, `the opset version of '${domain}'`),
    })),
    producerName: model.producerName,
    producerVersion: model.producerVersion,
    domain: model.domain,
    modelVersion: model.modelVersion === undefined ? undefined : integer(model.modelVersion, 'modelVersion'),
    docString: model.docString,
    metadataProps: Object.entries(model.metadata ?? {}).map(([key, value]) => ({ key, value })),
  };
}

function graphMessage(graph: OnnxGraph): GraphProto {
  return {
    name: graph.name,
    node: graph.nodes.map(nodeMessage),
    input: graph.inputs.map(valueMessage),
    output: graph.outputs.map(valueMessage),
    valueInfo: graph.values?.map(valueMessage),
    initializer: graph.initializers?.map((tensor) => tensorMessage(tensor)),
  };
}

function nodeMessage(node: OnnxNode): NodeProto {
  return {
    opType: node.opType,
    domain: node.domain === '' ? undefined : node.domain,
    name: node.name,
    input: node.inputs as string[],
    output: node.outputs as string[],
    attribute:
      node.attributes &&
      Object.entries(node.attributes).map(([name, attribute]) => attributeMessage(node, name, attribute)),
  };
}

function attributeMessage(node: OnnxNode, name: string, attribute: OnnxAttribute): AttributeProto {
  const where = () => `attribute '${name}' of ${describeNode(node)}`;
  switch (attribute.type) {
    case 'int':
      return { name, type: Type.INT, i: integer(attribute.value, where) };
    case 'ints':
      return { name, type: Type.INTS, ints: attribute.value.map((value) => integer(value, where)) };
    case 'float':
      return { name, type: Type.FLOAT, f: float(attribute.value, where) };
    case 'floats':
      return { name, type: Type.FLOATS, floats: attribute.value.map((value) => float(value, where)) };
    case 'string':
      return { name, type: Type.STRING, s: utf8.encode(attribute.value) };
    case 'strings':
      return { name, type: Type.STRINGS, strings: attribute.value.map((value) => utf8.encode(value)) };
    case 'tensor':
      return { name, type: Type.TENSOR, t: tensorMessage(attribute.value, where) };
    case 'tensors':
      return { name, type: Type.TENSORS, tensors: attribute.value.map((value) => tensorMessage(value, where)) };
    case 'graph':
      return { name, type: Type.GRAPH, g: graphMessage(attribute.value) };
    case 'graphs':
      return { name, type: Type.GRAPHS, graphs: attribute.value.map((value) => graphMessage(value)) };
    default:
      attribute satisfies never;
      throw new OnnxError(`encodeModel: ${where()} has no type that ONNX knows.`);
  }
}

function tensorMessage(tensor: OnnxTensor, where?: () => string, withData = true): TensorProto {
  const describe = where ?? (() => `tensor '${tensor.name ?? ''}'`);
  const { itemSize, code } = DTYPES[tensor.dtype];
  const count = elementCount(tensor.shape);
  const message: TensorProto = {
    name: tensor.name,
    dataType: code,
    dims: tensor.shape.map((size) => integer(size, () => `the shape of ${describe()}`)),
  };
  if (tensor.dtype === 'string') {
    const strings = tensor.strings ?? [];
    if (strings.length !== count)
      throw misfit(tensor, describe, `${strings.length} strings`, `${count} in \`strings\``);
    message.stringData = strings.map((value) => utf8.encode(value));
    return message;
  }
  if (tensor.data.byteLength !== count * itemSize) {
    throw misfit(tensor, describe, `${tensor.data.byteLength} bytes of data`, `${count} × ${itemSize} bytes`);
  }
  if (withData) message.rawData = tensor.data;
  return message;
}

function misfit(tensor: OnnxTensor, describe: () => string, got: string, expected: string): OnnxError {
  return new OnnxError(
    `encodeModel: ${describe()} is ${tensor.dtype}[${tensor.shape.join(',')}] but has ${got}, expected ${expected}. tensorFrom(values, dtype, shape) makes the bytes from a typed array.`,
  );
}

function valueMessage(value: OnnxValue): ValueInfoProto {
  if (value.dtype === undefined && value.shape === undefined) return { name: value.name };
  return {
    name: value.name,
    type: {
      tensorType: {
        elemType: value.dtype && DTYPES[value.dtype].code,
        shape: value.shape && {
          dim: value.shape.map((size) => {
            if (typeof size === 'number')
              return { dimValue: integer(size, () => `the shape of value '${value.name}'`) };
            return size === '' ? {} : { dimParam: size };
          }),
        },
      },
    },
  };
}

function integer(value: number | bigint, where: string | (() => string)): bigint {
  const fits = typeof value === 'bigint' ? BigInt.asIntN(64, value) === value : Number.isSafeInteger(value);
  if (fits) return BigInt(value);
  throw new OnnxError(
    `encodeModel: ${typeof where === 'string' ? where : where()}: expected an integer, got ${value}. Beyond ±(2^53 - 1) write a bigint, which may have 64 bits.`,
  );
}

function float(value: number, where: () => string): number {
  if (Number.isFinite(value) && !Number.isFinite(Math.fround(value))) {
    throw new OnnxError(`encodeModel: ${where()}: ${value} is beyond float32, which ONNX's attributes are.`);
  }
  return Math.fround(value);
}
