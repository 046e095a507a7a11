/**
 * Comparisons, logic on bool tensors, and choosing by them. None but the chosen values has a gradient.
 */
import { isFloat, type DType } from '../dtype.js';
import { DTypeError } from '../errors.js';
import { checkTensor, operands, record1, type TensorLike } from '../graph/record.js';
import { isTensor, type Tensor } from '../graph/tensor.js';
import { broadcastShapes, formatAval } from '../shape.js';
import {
  binary,
  castTo,
  checkSameDType,
  elementwise,
  NO_ATTRS,
  resultType,
  unbroadcast,
  type BinaryFunction,
  type NoAttrs,
} from './common.js';
import { composed } from './compose.js';
import { literal } from './constants.js';
import { defineOp, NON_DIFFERENTIABLE } from './def.js';

const comparison = (name: string): BinaryFunction =>
  binary(name, { computesIn: 'any', result: 'bool', vjp: NON_DIFFERENTIABLE });

/**
 * Whether a = b, elementwise, as bool. NaN equals nothing.
 *
 * Shape: the broadcast of both.
 *
 * @throws ShapeError if the shapes do not broadcast.
 * @example
 * await tensor([1, 2]).eq(2).toArray(); // [false, true]
 */
export const eq: BinaryFunction = comparison('eq');

/**
 * Whether a ≠ b, elementwise, as bool.
 *
 * @throws ShapeError if the shapes do not broadcast.
 * @example
 * await tensor([1, 2]).ne(2).toArray(); // [true, false]
 */
export const ne: BinaryFunction = comparison('ne');

/**
 * Whether a < b, elementwise, as bool.
 *
 * @throws ShapeError if the shapes do not broadcast.
 * @example
 * await tensor([1, 2]).lt(2).toArray(); // [true, false]
 */
export const lt: BinaryFunction = comparison('lt');

/**
 * Whether a ≤ b, elementwise, as bool.
 *
 * @throws ShapeError if the shapes do not broadcast.
 * @example
 * await tensor([1, 2, 3]).le(2).toArray(); // [true, true, false]
 */
export const le: BinaryFunction = comparison('le');

/**
 * Whether a > b, elementwise, as bool.
 *
 * @throws ShapeError if the shapes do not broadcast.
 * @example
 * await tensor([1, 2, 3]).gt(2).toArray(); // [false, false, true]
 */
export const gt: BinaryFunction = comparison('gt');

/**
 * Whether a ≥ b, elementwise, as bool.
 *
 * @throws ShapeError if the shapes do not broadcast.
 * @example
 * await tensor([1, 2, 3]).ge(2).toArray(); // [false, true, true]
 */
export const ge: BinaryFunction = comparison('ge');

const not = elementwise('logicalNot', { takes: 'bool', vjp: NON_DIFFERENTIABLE });

/**
 * Not x, elementwise: whether x is zero or false.
 *
 * @example
 * await tensor([0, 2]).logicalNot().toArray(); // [true, false]
 */
export function logicalNot(x: Tensor): Tensor {
  checkTensor('logicalNot', x);
  return x.dtype === 'bool' ? not(x) : x.eq(literal(0, x));
}

const logical = (name: string): BinaryFunction =>
  binary(name, { computesIn: 'bool', result: 'bool', vjp: NON_DIFFERENTIABLE });

/**
 * a and b, elementwise; numbers count as true where they are not zero.
 *
 * @throws ShapeError if the shapes do not broadcast.
 * @example
 * await tensor([true, true]).logicalAnd(tensor([true, false])).toArray(); // [true, false]
 */
export const logicalAnd: BinaryFunction = logical('logicalAnd');

/**
 * a or b, elementwise; numbers count as true where they are not zero.
 *
 * @throws ShapeError if the shapes do not broadcast.
 * @example
 * await tensor([true, false]).logicalOr(tensor([false, false])).toArray(); // [true, false]
 */
export const logicalOr: BinaryFunction = logical('logicalOr');

/**
 * Either a or b, elementwise; numbers count as true where they are not zero.
 *
 * @throws ShapeError if the shapes do not broadcast.
 * @example
 * await tensor([true, true]).logicalXor(tensor([true, false])).toArray(); // [false, true]
 */
export const logicalXor: BinaryFunction = logical('logicalXor');

/**
 * Whether x is NaN, elementwise.
 *
 * @example
 * await tensor([1, NaN, Infinity]).isnan().toArray(); // [false, true, false]
 */
export function isnan(x: Tensor): Tensor {
  checkTensor('isnan', x);
  return x.ne(x);
}

/**
 * Whether x is ∞ or −∞, elementwise.
 *
 * @example
 * await tensor([1, NaN, -Infinity]).isinf().toArray(); // [false, false, true]
 */
export function isinf(x: Tensor): Tensor {
  checkTensor('isinf', x);
  return isFloat(x.dtype) ? composed(() => x.abs().eq(literal(Infinity, x))) : x.ne(x);
}

const finite = elementwise('isfinite', { result: 'bool', vjp: NON_DIFFERENTIABLE });

/**
 * Whether x is neither NaN nor infinite, elementwise.
 *
 * @example
 * await tensor([1, NaN, Infinity]).isfinite().toArray(); // [true, false, false]
 */
export function isfinite(x: Tensor): Tensor {
  checkTensor('isfinite', x);
  return isFloat(x.dtype) ? finite(x) : x.eq(x);
}

const whereOp = defineOp<NoAttrs>({
  name: 'where',
  jacobian: 'elementwise',
  infer(inputs) {
    const [condition, a, b] = inputs;
    if (condition.dtype !== 'bool') {
      throw new DTypeError(
        `where: expected a bool condition, got ${formatAval(condition)}. Compare first, as in where(x.gt(0), a, b).`,
      );
    }
    return [{ shape: broadcastShapes('where', inputs), dtype: checkSameDType('where', [a, b]) }];
  },
  vjp: {
    reads: { inputs: [0] },
    backward: ({ inputs: [condition, a, b], gradient, needs }) => [
      null,
      needs[1] ? unbroadcast(where(condition, gradient, 0), a.shape) : null,
      needs[2] ? unbroadcast(where(condition, 0, gradient), b.shape) : null,
    ],
  },
});

/**
 * a where the condition holds, else b, elementwise.
 *
 * Shape: the broadcast of all three.
 *
 * @throws DTypeError unless the condition is bool; ShapeError if the shapes do not broadcast.
 * @example
 * const x = tensor([-1, 2]);
 * await where(x.gt(0), x, 0).toArray(); // [0, 2]
 */
export function where(condition: Tensor, a: TensorLike, b: TensorLike): Tensor {
  checkTensor('where', condition);
  const [x, y] = isTensor(a) || isTensor(b) ? operands('where', [a, b]) : scalarsBeside(condition, a, b);
  const dtype = resultType(x, y);
  return record1(whereOp, [condition, castTo(x, dtype), castTo(y, dtype)], NO_ATTRS);
}

/** Two numbers: float32 unless both are booleans, on the condition's device. */
function scalarsBeside(condition: Tensor, a: TensorLike, b: TensorLike): Tensor[] {
  const dtype: DType = typeof a === 'boolean' && typeof b === 'boolean' ? 'bool' : 'float32';
  const like = literal(0, { dtype, device: condition.device });
  return operands('where', [like, a, b]).slice(1);
}

/**
 * x with `value` where the mask holds.
 *
 * Shape: the broadcast of x and mask.
 *
 * @param value A number or a tensor without axes.
 * @throws DTypeError unless the mask is bool, or if `value` does not fit the dtype of x.
 * @example
 * await tensor([1, 2, 3]).maskedFill(tensor([true, false, true]), 0).toArray(); // [0, 2, 0]
 */
export function maskedFill(x: Tensor, mask: Tensor, value: TensorLike): Tensor {
  checkTensor('maskedFill', x);
  checkTensor('maskedFill', mask);
  if (mask.dtype !== 'bool') {
    throw new DTypeError(`maskedFill: expected a bool mask, got ${formatAval(mask)}. Compare first, as in x.gt(0).`);
  }
  const [, fill] = operands('maskedFill', [x, value]);
  if (fill.ndim > 0) {
    throw new DTypeError(
      `maskedFill: expected a number or a tensor without axes, got ${formatAval(fill)}. Use where(mask, value, x).`,
    );
  }
  if (isFloat(fill.dtype) && !isFloat(x.dtype)) {
    const what = isTensor(value) ? formatAval(value) : String(value);
    throw new DTypeError(`maskedFill: ${what} does not fit ${formatAval(x)}. Convert it with x.to('float32').`);
  }
  return record1(whereOp, [mask, castTo(fill, x.dtype), x], NO_ATTRS);
}

/**
 * Whether any element is true (not zero), over all axes or the given ones; false where there are none.
 *
 * @throws OutOfRangeError if an axis is out of range.
 * @example
 * await tensor([[0, 1], [0, 0]]).any(1).toArray(); // [true, false]
 */
export function any(x: Tensor, dims?: number | readonly number[] | null, keepdim = false): Tensor {
  checkTensor('any', x);
  return composed(() => castTo(x, 'bool').sum(dims, keepdim).to('bool'));
}

/**
 * Whether all elements are true (not zero), over all axes or the given ones; true where there are none.
 *
 * @throws OutOfRangeError if an axis is out of range.
 * @example
 * await tensor([[1, 1], [0, 1]]).all(1).toArray(); // [true, false]
 */
export function all(x: Tensor, dims?: number | readonly number[] | null, keepdim = false): Tensor {
  checkTensor('all', x);
  return composed(() => logicalNot(logicalNot(x).sum(dims, keepdim)));
}
