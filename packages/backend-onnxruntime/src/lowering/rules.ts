/**
 * The table of all lowering rules, one family a file.
 */
import { elementwise } from './elementwise.js';
import type { Conditions, Rules } from './rule.js';

export const rules: Rules = { ...elementwise };

export const conditions: Conditions = {};
