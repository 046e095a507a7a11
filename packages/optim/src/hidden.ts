import { noGrad, scope } from '@fakkel/core';

/** Records without gradients, and so that nothing made here is visible: what it returns lives in cells. */
export function hidden<T>(fn: () => T): T {
  let result: T;
  // A scope makes what it returns visible: it is told nothing.
  noGrad(() => scope(() => void (result = fn())));
  return result!;
}
