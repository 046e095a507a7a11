/**
 * Programs written by hand, for tests below core's functions.
 */
import type { Aval, Attrs, DType, InputRole, Program, ProgramConstant, ProgramNode } from '@fakkel/core';

export const aval = (shape: readonly number[], dtype: DType = 'float32'): Aval => ({ shape, dtype });

interface NodeSpec {
  readonly op: string;
  readonly inputs: readonly number[];
  readonly outputs: readonly Aval[];
  readonly attrs?: Attrs;
}

interface ProgramSpec {
  readonly inputs: readonly (Aval & { readonly role?: InputRole })[];
  readonly constants?: readonly ProgramConstant[];
  /** Values are numbered: inputs, constants, then the nodes' outputs in order. */
  readonly nodes: readonly NodeSpec[];
  readonly outputs: readonly { readonly value: number; readonly replaces?: number }[];
}

/** Numbers the values of a program and finds their last uses. */
export function program({ inputs, constants = [], nodes, outputs }: ProgramSpec): Program {
  const given = inputs.length + constants.length;
  let next = given;
  const numbered = nodes.map((node) => ({ ...node, ids: node.outputs.map(() => next++) }));
  const kept = new Set(outputs.map(({ value }) => value));
  const lastUse = new Map<number, number>();
  numbered.forEach(({ inputs: read, ids }, i) => {
    for (const id of [...read, ...ids]) if (id >= given && !kept.has(id)) lastUse.set(id, i);
  });
  return {
    inputs: inputs.map(({ shape, dtype, role = 'data' }) => ({ aval: { shape, dtype }, role })),
    constants,
    nodes: numbered.map(({ op, inputs: read, ids, outputs: avals, attrs = {} }, i): ProgramNode => ({
      op,
      attrs,
      inputs: read,
      outputs: ids,
      avals,
      lastUses: [...lastUse].filter(([, last]) => last === i).map(([id]) => id),
    })),
    outputs,
  };
}
