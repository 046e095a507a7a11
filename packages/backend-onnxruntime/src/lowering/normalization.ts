/**
 * Batch normalization, training and inference, and its gradient.
 */
import type { Rules } from './rule.js';

export const normalization: Rules = {};
