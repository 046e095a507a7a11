/**
 * What a lowering rule is: it adds the ONNX nodes of one op of a program.
 */
import type { Attrs, Aval, OpSignature, Unsupported } from '@fakkel/core';
import type { GraphBuilder, Value } from './graph.js';

/** Where the graph will run: rules choose forms by what ONNX Runtime's provider lacks there. 'any': nobody knows. */
export interface Target {
  readonly provider: 'cpu' | 'wasm' | 'cuda' | 'webgpu' | 'any';
  /**
   * Channels in a block of ONNX Runtime's blocked layout (NCHWc): 16 with AVX-512, 8 with AVX2 and NEON, 1 where the
   * provider has no blocked convolution.
   */
  readonly blockSize: number;
}

/** Whether the graph runs on a GPU: there bounds that are computed make the host wait for it. */
export const isGpu = ({ provider }: Target): boolean => provider === 'webgpu' || provider === 'cuda';

/** One op of a program, ready to be lowered. */
export interface Call<A extends Attrs = Attrs> {
  readonly op: string;
  readonly attrs: A;
  readonly inputs: readonly Value[];
  readonly inputAvals: readonly Aval[];
  readonly outputAvals: readonly Aval[];
  /** Whether an output is read at all: optional outputs that nobody reads cost nothing. */
  readonly isRead: (output: number) => boolean;
  /** Whether this op alone reads an input. */
  readonly isOnlyReader: (input: number) => boolean;
  /** Whether an input is known to be zero, always: a weight decay of a program that was compiled without. */
  readonly isZero: (input: number) => boolean;
}

export interface Lowering {
  readonly graph: GraphBuilder;
  readonly target: Target;
  /** Uniform numbers from a key, which has to be an input of the program: the host draws and feeds them. */
  readonly random: (key: Value, aval: Aval) => Value;
  /**
   * Where it is there, a rule may write the form for the usual case alone: if the condition (a bool) does not hold, the
   * outputs of the run are thrown away and it is repeated with a graph that assumes nothing.
   */
  readonly assume?: (condition: Value) => void;
}

/** Adds the nodes and gives the values of the outputs. */
export type Rule = (lowering: Lowering, call: Call) => readonly Value[];

/** A rule that reads attributes: `A` is what its op has. */
export function rule<A extends Attrs>(lower: (lowering: Lowering, call: Call<A>) => readonly Value[]): Rule {
  return lower as unknown as Rule;
}

/** Rules by op; a table a family. */
export type Rules = Readonly<Record<string, Rule>>;

/** Where a rule is not for every signature: true, or why not. */
export type Condition = (signature: OpSignature, target: Target) => true | Unsupported;
export type Conditions = Readonly<Record<string, Condition>>;
