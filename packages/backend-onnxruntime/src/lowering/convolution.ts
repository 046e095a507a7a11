/**
 * Convolution and its gradients.
 */
import type { Rules } from './rule.js';

export const convolution: Rules = {};
