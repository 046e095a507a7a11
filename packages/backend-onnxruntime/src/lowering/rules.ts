/**
 * The table of all lowering rules, one family a file.
 */
import { activation, activationConditions } from './activation.js';
import {
  addInBlocks,
  catInBlocks,
  elementwiseInBlocks,
  narrowInBlocks,
  reluGradInBlocks,
  reluInBlocks,
  sumInBlocks,
} from './blockwise.js';
import { barrier } from './barrier.js';
import { convolution } from './convolution.js';
import { dropout } from './dropout.js';
import { elementwise } from './elementwise.js';
import { indexing } from './indexing.js';
import { linear } from './linear.js';
import { logic } from './logic.js';
import { losses } from './losses.js';
import { movement } from './movement.js';
import { normalization } from './normalization.js';
import { optimizers } from './optimizers.js';
import { pooling } from './pooling.js';
import { reduction, reductionConditions } from './reduction.js';
import { slicing } from './slicing.js';
import { sorting } from './sorting.js';
import type { Conditions, Rules } from './rule.js';

const families: Rules = {
  ...elementwise,
  ...logic,
  ...activation,
  ...reduction,
  ...movement,
  ...slicing,
  ...indexing,
  ...sorting,
  ...linear,
  ...convolution,
  ...pooling,
  ...normalization,
  ...losses,
  ...dropout,
  ...optimizers,
  ...barrier,
};

export const rules: Rules = {
  ...families,
  add: addInBlocks(families.add),
  sub: elementwiseInBlocks(families.sub),
  mul: elementwiseInBlocks(families.mul),
  relu: reluInBlocks(families.relu),
  reluGrad: reluGradInBlocks(families.reluGrad),
  sum: sumInBlocks(families.sum),
  cat: catInBlocks(families.cat),
  narrow: narrowInBlocks(families.narrow),
};

/** What a rule is not for; such a composite is decomposed. */
export const conditions: Conditions = { ...activationConditions, ...reductionConditions };
