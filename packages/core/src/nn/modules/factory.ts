/**
 * What layers share when they are made: where their parameters live, and checks of their arguments.
 */
import { allocate, checkDType, isFloat, type DType } from '../../dtype.js';
import { DTypeError, OutOfRangeError } from '../../errors.js';
import { describe } from '../../graph/record.js';
import { Tensor } from '../../graph/tensor.js';
import { Buffer, Parameter, type CellOptions } from '../../runtime/cell.js';
import { getDefaultDevice, type Device } from '../../runtime/device.js';
import { Storage } from '../../runtime/storage.js';
import type { Shape } from '../../shape.js';

/** Where a layer's parameters and buffers live. */
export interface FactoryOptions {
  /** Default 'float32'. */
  dtype?: 'float32' | 'float64';
  /** Default: the default device. */
  device?: Device;
}

/** A tensor of equal elements that takes no memory until it is used. */
function filled(value: number, shape: Shape, dtype: DType, device: Device): Tensor {
  const t = new Tensor({ shape, dtype }, device);
  const size = shape.reduce((a, b) => a * b, 1);
  t._storage = size === 0 ? Storage.ofHost(t, allocate(dtype, 0), 'data') : Storage.filled(t, value, 'data');
  return t;
}

/** A parameter of zeros, for an initializer to fill. */
export function emptyParameter(layer: string, shape: Shape, { dtype = 'float32', device }: FactoryOptions): Parameter {
  checkDType(layer, dtype);
  if (!isFloat(dtype))
    throw new DTypeError(`${layer}: dtype is 'float32' or 'float64' for parameters, got '${String(dtype)}'`);
  return new Parameter(filled(0, shape, dtype, device ?? getDefaultDevice()));
}

/** A buffer of equal elements. */
export function filledBuffer(
  value: number,
  shape: Shape,
  dtype: DType,
  device: Device | undefined,
  options: CellOptions & { savedDtype?: 'int64' } = {},
): Buffer {
  return new Buffer(filled(value, shape, dtype, device ?? getDefaultDevice()), options);
}

/** Throws unless `value` is a whole number of at least `least`. */
export function checkCount(layer: string, name: string, value: unknown, least: number): asserts value is number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least) return;
  const got = typeof value === 'number' ? String(value) : describe(value);
  throw new OutOfRangeError(
    `${layer}: ${name} is a whole number${least === -Infinity ? '' : ` of at least ${least}`}, got ${got}`,
  );
}

/** Throws unless `value` is a number in [low, high]. */
export function checkNumber(layer: string, name: string, value: unknown, low = -Infinity, high = Infinity): void {
  if (typeof value === 'number' && value >= low && value <= high) return;
  const range =
    low === -Infinity && high === Infinity ? '' : high === Infinity ? ` of at least ${low}` : ` from ${low} to ${high}`;
  throw new OutOfRangeError(
    `${layer}: ${name} is a number${range}, got ${typeof value === 'number' ? value : describe(value)}`,
  );
}
