/**
 * Functions that are made of several recorded operations.
 */
import { hide, modes } from '../graph/modes.js';
import { isTensor } from '../graph/tensor.js';

/**
 * Runs a composition: what it makes on the way can't be named, so only the tensors that it returns (also nested in
 * arrays and objects) are visible.
 */
export function composed<T>(fn: () => T): T {
  const result = hide(fn);
  if (modes.hidden === 0) reveal(result);
  return result;
}

function reveal(value: unknown): void {
  if (isTensor(value)) value.device._runtime.markVisible(value);
  else if (typeof value === 'object' && value !== null) Object.values(value).forEach(reveal);
}
