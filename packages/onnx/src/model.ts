/**
 * An ONNX model as plain data: what the protobuf messages hold, with JavaScript's types and without their oddities.
 *
 * Source: the ONNX specification, `onnx.proto` (https://github.com/onnx/onnx/blob/main/docs/IR.md).
 */

/** The version of the file format that {@link encodeModel} writes: that of ONNX 1.12. */
export const IR_VERSION = 8;

/**
 * The version of ONNX's own operators that Fakkel writes, in exports and in what its ONNX Runtime backend runs. 17 is
 * the last one in which every reduction still takes its axes as an attribute, and what ONNX 1.12's checker knows.
 */
export const OPSET = 17;

/** Element types by the names that NumPy has for them; the numbers in the file are in `dtypes.ts`. */
export type OnnxDType =
  | 'float32'
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'string'
  | 'bool'
  | 'float16'
  | 'float64'
  | 'uint32'
  | 'uint64'
  | 'bfloat16';

/** A constant. `data` is the little-endian bytes of its elements in row-major order (bool: a byte each). */
export interface OnnxTensor {
  readonly name?: string;
  readonly dtype: OnnxDType;
  readonly shape: readonly number[];
  readonly data: Uint8Array;
  /** The elements where `dtype` is 'string'; `data` is empty then. */
  readonly strings?: readonly string[];
}

/**
 * What a node is told beside its inputs. An integer beyond ±(2⁵³ − 1), such as the INT64_MAX with which old files say
 * "to the end", is a bigint, and only such a one: nothing is rounded. Floats are rounded to float32, as the file has it.
 */
export type OnnxAttribute =
  | { readonly type: 'int'; readonly value: number | bigint }
  | { readonly type: 'ints'; readonly value: readonly (number | bigint)[] }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'floats'; readonly value: readonly number[] }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly type: 'tensor'; readonly value: OnnxTensor }
  | { readonly type: 'tensors'; readonly value: readonly OnnxTensor[] }
  | { readonly type: 'graph'; readonly value: OnnxGraph }
  | { readonly type: 'graphs'; readonly value: readonly OnnxGraph[] };

/** One application of an operator. An optional input or output that is left out is an empty name. */
export interface OnnxNode {
  readonly opType: string;
  /** Empty for ONNX's own operators; 'com.microsoft' for ONNX Runtime's. */
  readonly domain?: string;
  readonly name?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
}

/**
 * A named input, output or intermediate. A size may be a name (`batch`): equal names are equal sizes. An empty name is a
 * size of which nothing is known.
 */
export interface OnnxValue {
  readonly name: string;
  /** Undefined: not stated, which files may do in the graphs of attributes (`If`, `Loop`). */
  readonly dtype?: OnnxDType;
  /** Undefined: of any rank. */
  readonly shape?: readonly (number | string)[];
}

/** A graph: the model's own, or one that an attribute holds (the branches of `If`, the body of `Loop`). */
export interface OnnxGraph {
  readonly name: string;
  /** In an order in which each comes after what it reads. */
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers?: readonly OnnxTensor[];
  /** Shapes and types of intermediates, where they are known. */
  readonly values?: readonly OnnxValue[];
}

/** A whole file. */
export interface OnnxModel {
  readonly irVersion: number;
  /** Version of the operators by domain; '' is ONNX's own. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly producerName?: string;
  readonly producerVersion?: string;
  readonly domain?: string;
  /** The model's own version, which its author counts. */
  readonly modelVersion?: number;
  readonly docString?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly graph: OnnxGraph;
}
