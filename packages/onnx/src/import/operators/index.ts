/**
 * The operators that import knows, by name. One family a file.
 */
import type { OperatorTable } from '../call.js';
import { activation } from './activation.js';
import { convolution } from './convolution.js';
import { elementwise } from './elementwise.js';
import { indexing } from './indexing.js';
import { movement } from './movement.js';
import { normalization } from './normalization.js';
import { pooling } from './pooling.js';
import { reductions } from './reduction.js';
import { resizing } from './resize.js';

export const OPERATORS: OperatorTable = {
  ...elementwise,
  ...activation,
  ...convolution,
  ...pooling,
  ...normalization,
  ...reductions,
  ...movement,
  ...indexing,
  ...resizing,
};
