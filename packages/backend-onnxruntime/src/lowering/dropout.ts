/**
 * Dropout.
 */
import type { Rules } from './rule.js';

export const dropout: Rules = {};
