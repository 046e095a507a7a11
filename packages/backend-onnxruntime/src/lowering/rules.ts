/**
 * The table of all lowering rules, one family a file.
 */
import {
  type Conditions,
  elementwise,
  indexing,
  logic,
  losses,
  movement,
  reduction,
  reductionConditions,
  type Rules,
  slicing,
  sorting,
} from '@fakkel/onnx/lowering';
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
import { linear } from './linear.js';
import { normalization } from './normalization.js';
import { optimizers } from './optimizers.js';
import { pooling } from './pooling.js';

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
