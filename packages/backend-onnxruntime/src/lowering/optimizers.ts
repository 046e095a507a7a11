/**
 * The updates of optimizers.
 */
import type { Rules } from './rule.js';

export const optimizers: Rules = {};
