/**
 * Building an ONNX graph: values are names, and a call of `node` adds one and gives its output's.
 */
import type { Aval } from '@fakkel/core';
import {
  IR_VERSION,
  type OnnxAttribute,
  type OnnxDType,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  OPSET,
} from '../model.js';
import { live } from './passes.js';

/** The name of a value in the graph. */
export type Value = string;

/** An input that is left out. */
export const NONE: Value = '';

export const int = (value: number): OnnxAttribute => ({ type: 'int', value });
export const ints = (value: readonly number[]): OnnxAttribute => ({ type: 'ints', value });
export const float = (value: number): OnnxAttribute => ({ type: 'float', value });
export const string = (value: string): OnnxAttribute => ({ type: 'string', value });

/** ONNX's numbers of the element types, as `Cast` takes them. */
export const ELEMENT_TYPE = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float64: 11, uint32: 12 } as const;
export type ElementType = keyof typeof ELEMENT_TYPE;

export interface NodeOptions {
  /** Default: ONNX's own operators. */
  readonly domain?: string;
  /** How many outputs there are. Default 1. */
  readonly outputs?: number;
  /** What the error says if this node meets an index outside its axis; '#' stands for the index. */
  readonly outOfRange?: string;
  /** It draws random numbers: another of the same inputs is another node. */
  readonly draws?: boolean;
}

type Data = Float32Array | Float64Array | Int32Array | BigInt64Array | Uint8Array | Uint32Array;

export class GraphBuilder {
  private nodes: OnnxNode[] = [];
  private readonly initializers: OnnxTensor[] = [];
  private readonly initializerNames = new Set<Value>();
  private readonly domains = new Set<string>();
  private readonly constants = new Map<string, Value>();
  private made = new Map<string, readonly Value[]>();
  /** Of each small constant its elements; of each `Expand` what it expands. */
  private readonly contents = new Map<Value, readonly number[]>();
  private readonly expanded = new Map<Value, Value>();
  private readonly producers = new Map<Value, OnnxNode>();
  private names = 0;
  /** The op of the program that is being lowered: names of nodes begin with it, and so errors can. */
  scope = '';
  /** Which floats the op computes with: what `scalar` makes. */
  float: 'float32' | 'float64' = 'float32';

  /** A name that no value has. */
  name(prefix = 't'): Value {
    return `${prefix}${this.names++}`;
  }

  /** One node; its first output. Equal nodes are made once, unless they draw random numbers. */
  node(
    opType: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    options: NodeOptions = {},
  ): Value {
    return this.nodeOutputs(opType, inputs, attributes, options)[0];
  }

  /** One node; all its outputs. */
  nodeOutputs(
    opType: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
    { domain = '', outputs: count = 1, outOfRange, draws = false }: NodeOptions = {},
  ): readonly Value[] {
    const key = JSON.stringify([domain, opType, inputs, attributes, count]);
    const known = draws ? undefined : this.made.get(key);
    if (known) return known;
    const outputs = Array.from({ length: count }, () => this.name());
    const name = this.nodeName(opType, outputs[0], outOfRange);
    const made: OnnxNode = { opType, domain, name, inputs, outputs, attributes };
    this.nodes.push(made);
    for (const output of outputs) this.producers.set(output, made);
    if (opType === 'Expand') this.expanded.set(outputs[0], inputs[0]);
    if (domain !== '') this.domains.add(domain);
    if (!draws) this.made.set(key, outputs);
    return outputs;
  }

  /** `gather/index # is out of range …/GatherElements_t7`. */
  protected nodeName(opType: string, output: Value, outOfRange: string | undefined): string {
    return [this.scope, outOfRange, `${opType}_${output}`].filter(Boolean).join('/');
  }

  /** A constant in the graph; `data` is not copied and may be large. */
  initializer(name: Value, dtype: OnnxDType, shape: readonly number[], data: Data): Value {
    this.initializerNames.add(name);
    this.initializers.push({
      name,
      dtype,
      shape,
      data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    });
    return name;
  }

  /** The node that computes a value; undefined for what is fed or constant. */
  producer(value: Value): OnnxNode | undefined {
    return this.producers.get(value);
  }

  /** Whether a value is a constant of the graph: what a frozen program's weights are. */
  isConstant(value: Value): boolean {
    return this.initializerNames.has(value);
  }

  /** A small constant: equal ones are one. */
  constant(dtype: ElementType, shape: readonly number[], values: readonly number[]): Value {
    // -0 and NaN keep their bits in the key through Object.is-aware text.
    const key = `${dtype}[${shape.join()}]${values.map((v) => (Object.is(v, -0) ? '-0' : String(v))).join()}`;
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const name = this.initializer(this.name('c'), dtype, shape, dataOf(dtype, values));
    this.constants.set(key, name);
    this.contents.set(name, values);
    return name;
  }

  /** The elements of a small constant; undefined for what is computed or fed. */
  valuesOf(value: Value): readonly number[] | undefined {
    return this.contents.get(value);
  }

  /** The element of a value whose elements are all equal and known. */
  fillOf(value: Value): number | undefined {
    const values = this.contents.get(this.expanded.get(value) ?? value);
    return values?.every((v) => Object.is(v, values[0])) ? values[0] : undefined;
  }

  /** A constant of rank 0. */
  scalar(value: number, dtype: ElementType = this.float): Value {
    return this.constant(dtype, [], [value]);
  }

  /** An int64 vector: what ONNX takes as a shape, as axes and as bounds. */
  vector(values: readonly number[]): Value {
    return this.constant('int64', [values.length], values);
  }

  cast(x: Value, to: ElementType): Value {
    return this.node('Cast', [x], { to: int(ELEMENT_TYPE[to]) });
  }

  reshape(x: Value, shape: readonly number[]): Value {
    return this.node('Reshape', [x, this.vector(shape)]);
  }

  transpose(x: Value, perm: readonly number[]): Value {
    return perm.every((axis, i) => axis === i) ? x : this.node('Transpose', [x], { perm: ints(perm) });
  }

  /** x[start…end) along axes; ends are clipped by ONNX. */
  slice(
    x: Value,
    axes: readonly number[],
    starts: readonly number[],
    ends: readonly number[],
    steps?: readonly number[],
  ) {
    const optional = steps ? [this.vector(steps)] : [];
    return this.node('Slice', [x, this.vector(starts), this.vector(ends), this.vector(axes), ...optional]);
  }

  /**
   * `If`: the values that `then` or `otherwise` gives. What they add is computed only if it is needed; constants are
   * the whole graph's, and a branch may read what was there before it.
   */
  choose(
    condition: Value,
    avals: readonly Aval[],
    then: () => readonly Value[],
    otherwise: () => readonly Value[],
  ): readonly Value[] {
    const attributes = {
      then_branch: this.branch(then, avals),
      else_branch: this.branch(otherwise, avals),
    };
    return this.nodeOutputs('If', [condition], attributes, { outputs: avals.length });
  }

  private branch(build: () => readonly Value[], avals: readonly Aval[]): OnnxAttribute {
    const { nodes, made } = this;
    this.nodes = [];
    this.made = new Map(made);
    // An output of a branch is made in it.
    const outputs = build().map((value) => this.node('Identity', [value]));
    const graph: OnnxGraph = {
      name: this.name('branch'),
      nodes: this.nodes,
      inputs: [],
      outputs: outputs.map((name, i) => ({ name, dtype: avals[i].dtype, shape: avals[i].shape })),
    };
    this.nodes = nodes;
    this.made = made;
    return { type: 'graph', value: graph };
  }

  /** The model, with the given inputs and outputs; an output has a name of its own. */
  finish(inputs: readonly Named[], outputs: readonly Named[]): OnnxModel {
    // A graph's output can't be its input, a constant, or another output.
    const taken = new Set([...inputs.map((input) => input.value), ...this.initializerNames]);
    const named = outputs.map(({ value, aval }) => {
      if (taken.has(value)) {
        const copy = this.name('o');
        this.nodes.push({
          opType: 'Identity',
          name: `Identity_${this.nodes.length}`,
          inputs: [value],
          outputs: [copy],
        });
        return { value: copy, aval };
      }
      taken.add(value);
      return { value, aval };
    });
    const info = ({ value, aval }: Named) => ({ name: value, dtype: aval.dtype, shape: aval.shape });
    const graph: OnnxGraph = {
      name: 'fakkel',
      nodes: live(
        this.nodes,
        named.map(({ value }) => value),
      ),
      inputs: inputs.map(info),
      outputs: named.map(info),
      initializers: this.initializers,
    };
    const opsets: Record<string, number> = { '': OPSET };
    for (const domain of this.domains) opsets[domain] = 1;
    return { irVersion: IR_VERSION, opsets, producerName: 'fakkel', graph };
  }
}

export interface Named {
  readonly value: Value;
  readonly aval: Aval;
}

function dataOf(dtype: ElementType, values: readonly number[]): Data {
  switch (dtype) {
    case 'float32':
      return Float32Array.from(values);
    case 'int32':
      return Int32Array.from(values);
    case 'int64':
      return BigInt64Array.from(values, (v) => BigInt(v));
    case 'uint32':
      return Uint32Array.from(values);
    case 'uint8':
    case 'bool':
      return Uint8Array.from(values);
    case 'float64':
      return Float64Array.from(values);
    default:
      return dtype satisfies never;
  }
}
