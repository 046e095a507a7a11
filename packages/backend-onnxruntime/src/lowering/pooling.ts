/**
 * Pooling and its gradients.
 */
import type { Rules } from './rule.js';

export const pooling: Rules = {};
