/**
 * Reshaping, permuting, slicing, padding, joining.
 */
import type { Rules } from './rule.js';

export const movement: Rules = {};
