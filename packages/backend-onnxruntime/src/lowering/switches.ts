/**
 * Scalars that switch a term off when they are zero.
 */
import type { Program } from '@fakkel/core';

/** By op, the inputs whose term goes away at zero. */
const SWITCHES: Readonly<Record<string, readonly number[]>> = {
  sgdUpdate: [3, 4, 5], // momentum, dampening, weight decay
  adamUpdate: [8], // weight decay
  crossEntropy: [4], // label smoothing
  crossEntropyGrad: [5],
};

/** The scalar inputs of a program for which it pays to have a form without their terms. */
export function zeroSwitches(program: Program): number[] {
  const found = new Set<number>();
  for (const { op, inputs } of program.nodes) {
    for (const at of SWITCHES[op] ?? []) {
      const input = inputs[at];
      if (program.inputs[input]?.role === 'scalar') found.add(input);
    }
  }
  return [...found].sort((a, b) => a - b);
}
