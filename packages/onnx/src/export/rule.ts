/**
 * What rules of the export know beside those of every lowering: the module, and the network's state.
 */
import type { Attrs, Aval, nn } from '@fakkel/core';
import type { Call, Lowering, Rule, Value } from '../lowering/index.js';

export interface ExportLowering extends Lowering {
  /** The module that the op was recorded in. */
  readonly module: nn.Module | null;
  /** A parameter or buffer as a value of the graph; undefined for one that is not the network's. */
  readonly state: (cell: nn.Parameter | nn.Buffer) => Value | undefined;
  /** What is known of a value of the program. */
  readonly avalOf: (value: Value) => Aval | undefined;
}

/** A rule that reads attributes and what the export knows. */
export function exportRule<A extends Attrs>(
  lower: (lowering: ExportLowering, call: Call<A>) => readonly Value[],
): Rule {
  return lower as unknown as Rule;
}
