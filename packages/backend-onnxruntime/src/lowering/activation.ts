/**
 * Activations, softmax, and their gradients.
 */
import type { Rules } from './rule.js';

export const activation: Rules = {};
