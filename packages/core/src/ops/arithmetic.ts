/**
 * Arithmetic of tensors and numbers: operands broadcast, are promoted as PyTorch promotes them, and numbers enter
 * programs as inputs.
 */
import { isFloat, type DType } from '../dtype.js';
import { DTypeError } from '../errors.js';
import { checkTensor, describe, operands, record1, type TensorLike } from '../graph/record.js';
import { isTensor, type Tensor } from '../graph/tensor.js';
import { formatAval } from '../shape.js';
import { binary, castTo, checkFloat, resultType, unbroadcast, type BinaryFunction, type NoAttrs } from './common.js';
import { composed } from './compose.js';
import { zeroGradient, zerosOf } from './constants.js';
import { defineOp, type VjpContext, type VjpRule } from './def.js';
import { where } from './logic.js';

type Context = VjpContext<NoAttrs>;

/** A rule of two inputs that broadcast: the gradient of each, in the shape of the output. */
function partials(
  reads: VjpRule<NoAttrs>['reads'],
  partialA: (context: Context) => Tensor,
  partialB: (context: Context) => Tensor,
): VjpRule<NoAttrs> {
  return {
    reads,
    backward: (context) => {
      const { inputs, needs } = context;
      return [
        needs[0] ? unbroadcast(partialA(context), inputs[0].shape) : null,
        needs[1] ? unbroadcast(partialB(context), inputs[1].shape) : null,
      ];
    },
  };
}

const plus = binary('add', {
  keepsBool: true,
  vjp: partials(
    {},
    ({ gradient }) => gradient,
    ({ gradient }) => gradient,
  ),
});

const minus = binary('sub', {
  vjp: partials(
    {},
    ({ gradient }) => gradient,
    ({ gradient }) => gradient.neg(),
  ),
});

/** `alpha` of {@link add} and {@link sub}. */
export interface AlphaOptions {
  /** Factor of the second operand. Default 1. */
  readonly alpha?: TensorLike;
}

/**
 * a + alpha · b, elementwise.
 *
 * Shape: the broadcast of both.
 *
 * @throws ShapeError if the shapes do not broadcast.
 * @example
 * await tensor([1, 2]).add(tensor([[10], [20]])).toArray(); // [[11, 12], [21, 22]]
 * await tensor([1, 2]).add(tensor([1, 1]), { alpha: 10 }).toArray(); // [11, 12]
 */
export function add(a: TensorLike, b: TensorLike, { alpha }: AlphaOptions = {}): Tensor {
  return alpha === undefined ? plus(a, b) : composed(() => plus(a, mul(b, alpha)));
}

/**
 * a − alpha · b, elementwise.
 *
 * Shape: the broadcast of both.
 *
 * @throws ShapeError if the shapes do not broadcast; DTypeError for two bool tensors.
 * @example
 * await tensor([1, 2]).sub(1).toArray(); // [0, 1]
 * await sub(1, tensor([1, 2])).toArray(); // [0, -1]
 */
export function sub(a: TensorLike, b: TensorLike, { alpha }: AlphaOptions = {}): Tensor {
  if (isTensor(a) && isTensor(b) && a.dtype === 'bool' && b.dtype === 'bool') {
    throw new DTypeError(
      `sub: expected numbers, got ${formatAval(a)} and ${formatAval(b)}. Use logicalXor, or convert with x.to('int32').`,
    );
  }
  return alpha === undefined ? minus(a, b) : composed(() => minus(a, mul(b, alpha)));
}

/**
 * a · b, elementwise.
 *
 * Shape: the broadcast of both.
 *
 * @throws ShapeError if the shapes do not broadcast.
 * @example
 * await tensor([1, 2]).mul(3).toArray(); // [3, 6]
 */
export const mul: BinaryFunction = binary('mul', {
  keepsBool: true,
  vjp: partials(
    { inputs: 'all' },
    ({ gradient, inputs: [, b] }) => gradient.mul(b),
    ({ gradient, inputs: [a] }) => gradient.mul(a),
  ),
});

/**
 * a / b, elementwise. Integers become float32 first.
 *
 * Shape: the broadcast of both.
 *
 * @throws ShapeError if the shapes do not broadcast.
 * @example
 * await tensor([1, 2]).div(4).toArray(); // [0.25, 0.5]
 */
export const div: BinaryFunction = binary('div', {
  computesIn: 'float',
  vjp: partials(
    { inputs: [1], outputs: [0] },
    ({ gradient, inputs: [, b] }) => gradient.div(b),
    ({ gradient, inputs: [, b], output }) => gradient.mul(output).div(b).neg(),
  ),
});

/** The gradient of the operand that won; both get half where they tie. */
const shared = (context: Context, winner: Tensor, other: Tensor, loses: 'lt' | 'gt'): Tensor => {
  const { gradient } = context;
  return where(winner[loses](other), 0, where(winner.eq(other), gradient.div(2), gradient));
};

/**
 * The larger of a and b, elementwise; NaN where either is. Where they are equal, each gets half of the gradient.
 *
 * Shape: the broadcast of both.
 *
 * @throws ShapeError if the shapes do not broadcast.
 * @example
 * await tensor([1, 5]).maximum(tensor([4, 2])).toArray(); // [4, 5]
 */
export const maximum: BinaryFunction = binary('maximum', {
  keepsBool: true,
  vjp: partials(
    { inputs: 'all' },
    (context) => shared(context, context.inputs[0], context.inputs[1], 'lt'),
    (context) => shared(context, context.inputs[1], context.inputs[0], 'lt'),
  ),
});

/**
 * The smaller of a and b, elementwise; NaN where either is. Where they are equal, each gets half of the gradient.
 *
 * Shape: the broadcast of both.
 *
 * @throws ShapeError if the shapes do not broadcast.
 * @example
 * await tensor([1, 5]).minimum(tensor([4, 2])).toArray(); // [1, 2]
 */
export const minimum: BinaryFunction = binary('minimum', {
  keepsBool: true,
  vjp: partials(
    { inputs: 'all' },
    (context) => shared(context, context.inputs[0], context.inputs[1], 'gt'),
    (context) => shared(context, context.inputs[1], context.inputs[0], 'gt'),
  ),
});

/**
 * a − b · ⌊a / b⌋, elementwise: the remainder with the sign of the divisor, as Python's `%`.
 *
 * Shape: the broadcast of both.
 *
 * @throws ShapeError if the shapes do not broadcast.
 * @example
 * await tensor([5, -5]).remainder(3).toArray(); // [2, 1]
 */
export const remainder: BinaryFunction = binary('remainder', {
  vjp: partials(
    { inputs: 'all' },
    ({ gradient }) => gradient,
    ({ gradient, inputs: [a, b] }) => gradient.mul(a.floorDivide(b)).neg(),
  ),
});

/**
 * ⌊a / b⌋, elementwise. Its gradient is 0.
 *
 * Shape: the broadcast of both.
 *
 * @throws ShapeError if the shapes do not broadcast.
 * @example
 * await tensor([5, -5]).floorDivide(3).toArray(); // [1, -2]
 */
export const floorDivide: BinaryFunction = binary('floorDivide', { vjp: zeroGradient });

const power = binary('pow', {
  vjp: partials(
    { inputs: 'all', outputs: [0] },
    // Where the exponent is 0 the product is 0 · base⁰: no 0 · ∞ at base 0.
    ({ gradient, inputs: [base, exponent] }) =>
      gradient.mul(exponent.mul(base.pow(where(exponent.eq(0), 1, exponent).sub(1)))),
    ({ gradient, inputs: [base, exponent], output }) => {
      const flat = base.eq(0).logicalAnd(exponent.ge(0));
      return gradient.mul(where(flat, 0, output.mul(where(flat, 1, base).log())));
    },
  ),
});

const powScalar = defineOp<{ exponent: number }>({
  name: 'powScalar',
  jacobian: 'elementwise',
  infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  vjp: {
    reads: { inputs: [0] },
    backward: ({ inputs: [x], attrs: { exponent }, gradient }) => [
      exponent === 0 ? zerosOf(x) : gradient.mul(x.pow(exponent - 1).mul(exponent)),
    ],
  },
});

/**
 * base^exponent, elementwise; 0⁰ is 1. A number as exponent is part of the program: pass a tensor where it changes
 * from step to step.
 *
 * Shape: the broadcast of both.
 *
 * @throws ShapeError if the shapes do not broadcast; DTypeError for integers to a negative number.
 * @example
 * await tensor([2, 3]).pow(2).toArray(); // [4, 9]
 * await pow(2, tensor([1, 2, 3])).toArray(); // [2, 4, 8]
 */
export function pow(base: TensorLike, exponent: TensorLike): Tensor {
  if (!isTensor(base) || typeof exponent !== 'number' || !Number.isFinite(exponent)) return power(base, exponent);
  if (isFloat(base.dtype)) return asRoot(base, exponent) ?? record1(powScalar, [base], { exponent });
  if (!Number.isInteger(exponent)) return composed(() => record1(powScalar, [base.to('float32')], { exponent }));
  if (exponent < 0) {
    throw new DTypeError(
      `pow: integers to a negative power are no integers, got ${formatAval(base)} and ${exponent}. Convert with x.to('float32').`,
    );
  }
  return record1(powScalar, [castTo(base, 'int32')], { exponent });
}

/** The exponents that have an op of their own, as in PyTorch: faster, and NaN for the root of −∞. */
function asRoot(base: Tensor, exponent: number): Tensor | null {
  switch (exponent) {
    case 2:
      return base.square();
    case 0.5:
      return base.sqrt();
    case -1:
      return base.reciprocal();
    case -0.5:
      return base.rsqrt();
    default:
      return null;
  }
}

const clampOp = defineOp<{ hasLow: boolean; hasHigh: boolean }>({
  name: 'clamp',
  jacobian: 'elementwise',
  infer: ([x]) => [{ shape: x.shape, dtype: x.dtype }],
  vjp: {
    reads: { inputs: 'all' },
    backward({ inputs: [x, low, high], attrs: { hasLow, hasHigh }, gradient, needs }) {
      const reaches = hasLow ? x.ge(low) : null;
      const stays = hasHigh ? x.le(high) : null;
      const inside = reaches && stays ? reaches.logicalAnd(stays) : (reaches ?? stays)!;
      const total = (mask: Tensor): Tensor => where(mask, gradient, 0).sum();
      // With crossed bounds the upper one is the result.
      const lowWins = (): Tensor => (hasHigh ? x.lt(low).logicalAnd(low.lt(high)) : x.lt(low));
      const highWins = (): Tensor => (hasLow ? x.gt(high).logicalOr(low.ge(high)) : x.gt(high));
      return [
        needs[0] ? where(inside, gradient, 0) : null,
        needs[1] ? total(lowWins()) : null,
        needs[2] ? total(highWins()) : null,
      ];
    },
  },
  decompose([x, low, high], { hasLow, hasHigh }) {
    const raised = hasLow ? x.maximum(low) : x;
    return [hasHigh ? raised.minimum(high) : raised];
  },
});

/**
 * min(max(x, low), high), elementwise. Either bound may be null. The gradient passes at the bounds themselves.
 *
 * @param low A number or a tensor that broadcasts with x.
 * @param high The same; where low > high the result is high.
 * @throws TypeError without any bound.
 * @example
 * await tensor([-2, 0.5, 3]).clamp(0, 1).toArray(); // [0, 0.5, 1]
 */
export function clamp(x: Tensor, low: TensorLike | null = null, high: TensorLike | null = null): Tensor {
  checkTensor('clamp', x);
  if (low !== null && typeof low === 'object' && !isTensor(low)) {
    throw new TypeError(
      `clamp: bounds come by position, got ${describe(low)}. Write x.clamp(0, 1); with one bound x.clamp(0) or x.clamp(null, 1).`,
    );
  }
  if (low === null && high === null) throw new TypeError('clamp: expected at least one of low and high');
  if (x.dtype === 'bool') {
    throw new DTypeError(`clamp: expected a tensor of numbers, got ${formatAval(x)}. Convert it with x.to('int32').`);
  }
  const [, bottom, top] = operands('clamp', [x, low ?? 0, high ?? 0]);
  if (bottom.ndim > 0 || top.ndim > 0) return composed(() => clampTo(x, low && bottom, high && top));
  let dtype: DType = x.dtype;
  if (low !== null) dtype = resultType({ shape: x.shape, dtype }, bottom);
  if (high !== null) dtype = resultType({ shape: x.shape, dtype }, top);
  const attrs = { hasLow: low !== null, hasHigh: high !== null };
  return record1(clampOp, [castTo(x, dtype), castTo(bottom, dtype), castTo(top, dtype)], attrs);
}

/** Bounds that are tensors: by `where`, so that the gradient passes at the bounds. */
function clampTo(x: Tensor, low: Tensor | 0 | false | null, high: Tensor | 0 | false | null): Tensor {
  const raised = isTensor(low) ? where(x.lt(low), low, x) : x;
  return isTensor(high) ? where(raised.gt(high), high, raised) : raised;
}

/**
 * max(x, low), elementwise; the gradient passes at the bound.
 *
 * @example
 * await tensor([-2, 3]).clampMin(0).toArray(); // [0, 3]
 */
export function clampMin(x: Tensor, low: TensorLike): Tensor {
  return clamp(x, low, null);
}

/**
 * min(x, high), elementwise; the gradient passes at the bound.
 *
 * @example
 * await tensor([-2, 3]).clampMax(0).toArray(); // [-2, 0]
 */
export function clampMax(x: Tensor, high: TensorLike): Tensor {
  return clamp(x, null, high);
}

/**
 * x + weight · (end − x), elementwise: from x to `end` as the weight goes from 0 to 1.
 *
 * Shape: the broadcast of all three.
 *
 * @throws DTypeError unless x is a float tensor.
 * @example
 * await tensor([0, 10]).lerp(tensor([10, 20]), 0.5).toArray(); // [5, 15]
 */
export function lerp(x: Tensor, end: TensorLike, weight: TensorLike): Tensor {
  checkTensor('lerp', x);
  checkFloat('lerp', [x]);
  if (weight === undefined) throw new TypeError(`lerp: expected a weight, got ${describe(weight)}`);
  return composed(() => x.add(sub(end, x).mul(weight)));
}
