/**
 * What an operator sees of the node that it runs: inputs, attributes, the version of the operator set, the mode.
 */
import { type Device, isTensor, type Tensor } from '@fakkel/core';
import { describeNode } from '../describe.js';
import { OnnxError } from '../errors.js';
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../model.js';
import type { Host } from './host.js';
import { asTensor, axesOf, axisOf, type Value } from './values.js';

/** Runs a node: one value for each output, or the only one. */
export type Operator = (call: Call) => Value | readonly (Value | undefined)[];

/** Operators of ONNX's own domain by name. */
export type OperatorTable = Readonly<Record<string, Operator>>;

/** What a graph is run with. */
export interface Surroundings {
  readonly opset: number;
  readonly device: Device;
  /** Whether dropout drops and batch normalization uses the batch's statistics. */
  readonly training: boolean;
  /** The batch size that the file was exported with, where it is fixed, and the one at hand. */
  readonly batch?: { readonly declared: number; readonly actual: number };
  /** The counter of batches beside a running mean of that name. */
  counter(mean: string): Tensor | undefined;
  /** Runs a graph that an attribute holds, which may read names of the graph around it. */
  runBranch(graph: OnnxGraph): Value[];
}

/** Attributes are float32 in the file: 0.1 as JavaScript has it, rather than 0.10000000149011612. */
export function decimal(value: number): number {
  const short = Number(value.toPrecision(7));
  return Math.fround(short) === value ? short : value;
}

/** What attributes hold, by type. */
interface AttributeValues {
  int: number | bigint;
  ints: readonly (number | bigint)[];
  float: number;
  floats: readonly number[];
  string: string;
  tensor: OnnxTensor;
  graph: OnnxGraph;
}

/** One run of a node. */
export class Call {
  constructor(
    readonly node: OnnxNode,
    readonly inputs: readonly (Value | undefined)[],
    readonly around: Surroundings,
  ) {}

  get opset(): number {
    return this.around.opset;
  }

  get training(): boolean {
    return this.around.training;
  }

  /** Whether somebody may read this output. */
  wants(output: number): boolean {
    return (this.node.outputs[output] ?? '') !== '';
  }

  // --- inputs ---

  has(i: number): boolean {
    return this.inputs[i] !== undefined;
  }

  value(i: number): Value {
    const value = this.inputs[i];
    if (value === undefined) throw new OnnxError(`input ${i} is missing.`);
    return value;
  }

  /** All inputs; none may be left out. */
  values(): Value[] {
    return this.inputs.map((_, i) => this.value(i));
  }

  tensor(i: number): Tensor {
    return asTensor(this.value(i), this.around.device);
  }

  optional(i: number): Tensor | null {
    return this.has(i) ? this.tensor(i) : null;
  }

  /** An input that must be known while the graph is recorded, such as a shape. */
  host(i: number, what: string): Host {
    const value = this.value(i);
    if (isTensor(value)) {
      throw new OnnxError(
        `its ${what} ('${this.node.inputs[i]}') is computed from the contents of tensors, which are not known while the ` +
          `graph is recorded; supported are constants and what is computed from shapes.`,
      );
    }
    return value;
  }

  /** The numbers of such an input. */
  list(i: number, what: string): number[] {
    return Array.from(this.host(i, what).data);
  }

  /** The one number of such an input. */
  number(i: number, what: string): number {
    const { data } = this.host(i, what);
    if (data.length !== 1) throw new OnnxError(`its ${what} has ${data.length} elements, expected one.`);
    return data[0];
  }

  // --- attributes ---

  private attribute<T extends keyof AttributeValues>(name: string, type: T): AttributeValues[T] | undefined {
    const attribute = this.node.attributes?.[name];
    if (attribute === undefined) return undefined;
    if (attribute.type !== type) {
      throw new OnnxError(`attribute '${name}' is of type ${attribute.type}, expected ${type}.`);
    }
    return attribute.value as AttributeValues[T];
  }

  int(name: string): number | undefined;
  int(name: string, otherwise: number): number;
  int(name: string, otherwise?: number): number | undefined {
    const value = this.attribute(name, 'int');
    return value === undefined ? otherwise : Number(value);
  }

  flag(name: string, otherwise = false): boolean {
    return this.int(name, Number(otherwise)) !== 0;
  }

  ints(name: string): number[] | undefined {
    return this.attribute(name, 'ints')?.map(Number);
  }

  float(name: string): number | undefined;
  float(name: string, otherwise: number): number;
  float(name: string, otherwise?: number): number | undefined {
    const value = this.attribute(name, 'float');
    return value === undefined ? otherwise : decimal(value);
  }

  floats(name: string): readonly number[] | undefined {
    return this.attribute(name, 'floats')?.map(decimal);
  }

  string(name: string, otherwise: string): string {
    return this.attribute(name, 'string') ?? otherwise;
  }

  constant(name: string): OnnxTensor | undefined {
    return this.attribute(name, 'tensor');
  }

  graph(name: string): OnnxGraph {
    const graph = this.attribute(name, 'graph');
    if (graph === undefined) throw new OnnxError(`attribute '${name}' is missing.`);
    return graph;
  }

  /** What older versions of an operator have as an attribute and newer ones as an input; undefined where it is left out. */
  either(name: string, input: number): number[] | undefined {
    return this.ints(name) ?? (this.has(input) ? this.list(input, name) : undefined);
  }

  /** The same for axes, counted from the front. */
  axes(input: number, rank: number): number[] | undefined {
    const axes = this.either('axes', input);
    return axes && axesOf(axes, rank);
  }

  /** Attribute `axis`, counted from the front. */
  axis(otherwise: number, rank: number): number {
    return axisOf(this.int('axis', otherwise), rank);
  }
}

/** Runs one node; what goes wrong says where. */
export function runNode(operator: Operator, call: Call): readonly (Value | undefined)[] {
  try {
    const result = operator(call);
    return Array.isArray(result) ? (result as readonly (Value | undefined)[]) : [result as Value];
  } catch (error) {
    if (error instanceof OnnxError && error.cause !== undefined) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new OnnxError(`${describeNode(call.node)}: ${message}`, { cause: error });
  }
}
