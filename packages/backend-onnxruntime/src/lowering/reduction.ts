/**
 * Reductions, argmax, cumulative sums, means and variances.
 */
import type { Rules } from './rule.js';

export const reduction: Rules = {};
