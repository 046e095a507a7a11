/**
 * Cross-entropy and its gradient.
 */
import type { Rules } from './rule.js';

export const losses: Rules = {};
