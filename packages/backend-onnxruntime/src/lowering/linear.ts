/**
 * Matrix products.
 */
import type { Rules } from './rule.js';

export const linear: Rules = {};
