/**
 * Single random numbers, drawn as torchvision's transforms draw them: from one element tensors of float32 and int64.
 */
import { OutOfRangeError, type Generator } from '@fakkel/core';

/** `torch.rand(1)`. */
export function rand(generator: Generator): number {
  return uniform(generator, 0, 1);
}

/** `torch.rand(1) < p`, compared in float32. */
export function happens(generator: Generator, p: number): boolean {
  return rand(generator) < Math.fround(p);
}

/** `torch.empty(1).uniform_(low, high)`. */
export function uniform(generator: Generator, low: number, high: number): number {
  const out = new Float32Array(1);
  generator.uniform(out, low, high);
  return out[0];
}

/** `torch.randint(low, high, (1,))`: a whole number from `low` to `high` − 1. */
export function randint(generator: Generator, low: number, high: number): number {
  const out = new Float64Array(1);
  generator.randint(out, low, high);
  return out[0];
}

/** What a random number lies between. */
export type Range = readonly [low: number, high: number];

/** `value` as a range within bounds. */
export function checkRange(op: string, name: string, value: Range, low = -Infinity, high = Infinity): Range {
  const isRange = Array.isArray(value) && value.length === 2 && value.every((v) => typeof v === 'number');
  if (isRange && value[0] >= low && value[0] <= value[1] && value[1] <= high) return [value[0], value[1]];
  const from = low === Number.MIN_VALUE ? ' above 0' : low > -Infinity ? ` from ${low}` : '';
  const bounds = high < Infinity ? `${from} to ${high}` : low >= 0 && from === ' from 0' ? `${from} up` : from;
  throw new OutOfRangeError(`${op}: ${name}: expected [low, high]${bounds}, got ${JSON.stringify(value)}`);
}
