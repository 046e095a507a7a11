/**
 * Sizes, axes and counts as arguments.
 */
import { describe } from '../graph/record.js';
import type { Shape } from '../shape.js';

/** Sizes one by one, or in one array. */
export type Sizes = number[] | [Shape];

/** The numbers among the arguments of `x.reshape(2, 3)` and `x.reshape([2, 3])`. */
export function listOf(op: string, args: Sizes): number[] {
  const list: readonly unknown[] = Array.isArray(args[0]) ? (args[0] as number[]) : args;
  for (const n of list) if (typeof n !== 'number') throw new TypeError(`${op}: expected numbers, got ${describe(n)}`);
  return [...list] as number[];
}
