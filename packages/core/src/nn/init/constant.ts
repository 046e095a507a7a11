/**
 * Initialization with one value.
 */
import { Tensor } from '../../graph/tensor.js';
import type { Cell } from '../../runtime/cell.js';
import { Storage } from '../../runtime/storage.js';
import { checkCell } from './cells.js';

/**
 * Fills with one value.
 *
 * When to use: for biases, which may all be 0.01, say; never for weights.
 *
 * @example
 * nn.init.constant_(new nn.Parameter(zeros([3])), 0.3);
 */
export function constant_<C extends Cell>(cell: C, value: number): C {
  checkCell('init.constant_', cell);
  const filled = new Tensor({ shape: cell.shape, dtype: cell.dtype }, cell.device);
  filled._storage = Storage.filled(filled, value, 'data');
  cell.assign(filled);
  return cell;
}

/**
 * Fills with 0.
 *
 * When to use: for biases, once random weights have broken the symmetry.
 *
 * @example
 * nn.init.zeros_(new nn.Linear(3, 5).bias!);
 */
export function zeros_<C extends Cell>(cell: C): C {
  return constant_(cell, 0);
}

/**
 * Fills with 1.
 *
 * When to use: for the scales of normalization layers, where it is the default.
 *
 * @example
 * nn.init.ones_(new nn.BatchNorm2d(5).weight!);
 */
export function ones_<C extends Cell>(cell: C): C {
  return constant_(cell, 1);
}
