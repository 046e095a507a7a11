/**
 * Arguments of functions: sizes given once or for each axis, options by name.
 */
import { FakkelError, OutOfRangeError } from '../errors.js';
import { describe, scalarInput } from '../graph/record.js';
import { isTensor, type Tensor } from '../graph/tensor.js';

/** One number for all spatial axes, or one for each. */
export type PerAxis = number | readonly number[];

/** A size for each of `axes` axes, checked to be whole and at least `least`. */
export function perAxis(op: string, name: string, value: PerAxis, axes: number, least: number): number[] {
  const list = typeof value === 'number' ? new Array<number>(axes).fill(value) : value;
  if (!Array.isArray(list) || list.length !== axes || !list.every((n) => Number.isInteger(n) && n >= least)) {
    const many = axes === 1 ? '' : `, or ${axes} of them in an array`;
    throw new OutOfRangeError(`${op}: ${name} is a whole number of at least ${least}${many}; got ${format(value)}`);
  }
  return [...(list as number[])];
}

function format(value: unknown): string {
  return Array.isArray(value) ? `[${value.join(', ')}]` : typeof value === 'number' ? String(value) : describe(value);
}

/**
 * Throws unless `options` is an object with known names: in JavaScript `maxPool2d(x, 3, 2)` would otherwise ignore
 * the stride, where PyTorch takes it.
 */
export function checkOptions(op: string, options: object, names: readonly string[]): void {
  if (options === null || typeof options !== 'object' || Array.isArray(options) || isTensor(options)) {
    throw new FakkelError(`${op}: options come as one object, { ${names.join(', ')} }; got ${format(options)}`);
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) throw new FakkelError(`${op}: unknown option '${name}'. Known: ${names.join(', ')}`);
  }
}

/** Throws unless `value` is one of `choices`. */
export function checkOneOf(op: string, name: string, value: unknown, choices: readonly string[]): void {
  if (choices.includes(value as string)) return;
  const got = typeof value === 'string' ? `'${value}'` : describe(value);
  const known = choices.map((choice) => `'${choice}'`);
  throw new OutOfRangeError(`${op}: ${name} is ${known.slice(0, -1).join(', ')} or ${known.at(-1)}, got ${got}`);
}

export type Reduction = 'mean' | 'sum' | 'none';

/** Throws unless `reduction` is one. */
export function checkReduction(op: string, reduction: string): asserts reduction is Reduction {
  if (reduction !== 'mean' && reduction !== 'sum' && reduction !== 'none') {
    throw new FakkelError(`${op}: reduction is 'mean', 'sum' or 'none', got '${reduction}'`);
  }
}

/** A number that a user gives: an input of the program. A tensor, such as a schedule's value, stays what it is. */
export function numberInput(value: number | Tensor, like: Tensor): Tensor {
  return isTensor(value) ? value : scalarInput(value, like.dtype, like.device);
}
