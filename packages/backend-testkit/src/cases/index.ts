/**
 * Every adapter, by the name that the golden cases use.
 */
import type { Adapter } from './adapter.js';
import { elementwiseAdapters } from './elementwise.js';
import { linearAdapters } from './linear.js';
import { lossAdapters } from './loss.js';
import { creationAdapters, movementAdapters } from './movement.js';
import { reductionAdapters } from './reduction.js';

export const ADAPTERS: Readonly<Record<string, Adapter>> = {
  ...elementwiseAdapters,
  ...reductionAdapters,
  ...movementAdapters,
  ...creationAdapters,
  ...linearAdapters,
  ...lossAdapters,
};
