/**
 * Gathering, scattering, sorting.
 */
import type { Rules } from './rule.js';

export const indexing: Rules = {};
