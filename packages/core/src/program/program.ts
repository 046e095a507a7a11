/**
 * A program: what a backend compiles. Plain data (structured-cloneable), so it may go to a worker.
 *
 * Values are numbered: inputs first, then constants, then the outputs of the nodes in order.
 */
import type { TypedArray } from '../dtype.js';
import type { Aval } from '../shape.js';

/** JSON-like attributes: sizes, axes, exponents, modes. Everything else is an input. */
export type AttrValue = number | string | boolean | null | readonly AttrValue[];
export type Attrs = { readonly [name: string]: AttrValue };

/** What an input is to the program: a cell's version, data, a number operand, a random key. */
export type InputRole = 'state' | 'data' | 'scalar' | 'random';

export interface ProgramInput {
  readonly aval: Aval;
  readonly role: InputRole;
}

/** At most 64 elements; larger constants are inputs. */
export interface ProgramConstant {
  readonly aval: Aval;
  readonly data: TypedArray;
}

export interface ProgramNode {
  readonly op: string;
  readonly attrs: Attrs;
  /** Value numbers. */
  readonly inputs: readonly number[];
  /** Value numbers, one for each output of the op. */
  readonly outputs: readonly number[];
  readonly avals: readonly Aval[];
  /** Values that no later node reads and that are no output of the program: free them after this node. */
  readonly lastUses: readonly number[];
}

export interface ProgramOutput {
  readonly value: number;
  /** The input whose cell moves to this value, if it is one: that input may come donated. */
  readonly replaces?: number;
}

export interface Program {
  readonly inputs: readonly ProgramInput[];
  readonly constants: readonly ProgramConstant[];
  readonly nodes: readonly ProgramNode[];
  /** No value twice, none of them an input or a constant. */
  readonly outputs: readonly ProgramOutput[];
}

export const MAX_CONSTANT_ELEMENTS = 64;

/** The abstract value of every numbered value. */
export function valueAvals(program: Program): Aval[] {
  const avals: Aval[] = [...program.inputs.map((i) => i.aval), ...program.constants.map((c) => c.aval)];
  for (const node of program.nodes) node.outputs.forEach((id, i) => (avals[id] = node.avals[i]!));
  return avals;
}
