/**
 * Every adapter, by the name that the golden cases use.
 */
import { activationAdapters } from './activation.js';
import type { Adapter } from './adapter.js';
import { criterionAdapters } from './criteria.js';
import { elementwiseAdapters } from './elementwise.js';
import { gradientToolAdapters } from './gradient-tools.js';
import { layerAdapters } from './layers.js';
import { linearAdapters } from './linear.js';
import { lossAdapters } from './loss.js';
import { creationAdapters, movementAdapters } from './movement.js';
import { normalizationAdapters } from './normalization.js';
import { optimizerAdapters } from './optimizer.js';
import { reductionAdapters } from './reduction.js';

export const ADAPTERS: Readonly<Record<string, Adapter>> = {
  ...elementwiseAdapters,
  ...activationAdapters,
  ...reductionAdapters,
  ...movementAdapters,
  ...creationAdapters,
  ...linearAdapters,
  ...layerAdapters,
  ...lossAdapters,
  ...criterionAdapters,
  ...normalizationAdapters,
  ...optimizerAdapters,
  ...gradientToolAdapters,
};
