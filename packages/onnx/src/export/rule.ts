/**
 * What rules of the export know beside those of every lowering: the module, and the network's state.
 */
import { type Attrs, type Aval, nn } from '@fakkel/core';
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

/** What a batch normalization moves in training mode, and how much the new statistics weigh. */
export interface Statistics {
  readonly runningMean: nn.Buffer | null;
  readonly runningVar: nn.Buffer | null;
  readonly momentum: number | null;
}

/** Those of a layer, or of an imported one, which says so itself; null for other modules. */
export function statisticsOf(module: nn.Module | null): Statistics | null {
  if (module instanceof nn.BatchNormNd) return module;
  return (module as { readonly $statistics?: Statistics | null } | null)?.$statistics ?? null;
}
