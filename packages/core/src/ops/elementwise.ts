/**
 * Elementwise functions of one tensor.
 */
import type { Tensor } from '../graph/tensor.js';
import { elementwise, type NoAttrs, type UnaryFunction } from './common.js';
import { literal, zeroGradient } from './constants.js';
import type { VjpContext, VjpRule } from './def.js';

type Context = VjpContext<NoAttrs>;

/** A rule of one input: the gradient of the input from x, the output and the gradient of the output. */
function rule(reads: 'input' | 'output' | 'neither', partial: (context: Context) => Tensor): VjpRule<NoAttrs> {
  return {
    reads: reads === 'input' ? { inputs: [0] } : reads === 'output' ? { outputs: [0] } : {},
    backward: (context) => [partial(context)],
  };
}

/**
 * −x, elementwise.
 *
 * @example
 * await tensor([1, -2]).neg().toArray(); // [-1, 2]
 */
export const neg: UnaryFunction = elementwise('neg', {
  takes: 'number',
  vjp: rule('neither', ({ gradient }) => gradient.neg()),
});

/**
 * |x|, elementwise. Its gradient at 0 is 0.
 *
 * @example
 * await tensor([1, -2]).abs().toArray(); // [1, 2]
 */
export const abs: UnaryFunction = elementwise('abs', {
  takes: 'number',
  vjp: rule('input', ({ inputs: [x], gradient }) => gradient.mul(x.sign())),
});

/**
 * −1, 0 or 1, elementwise; NaN stays NaN. Its gradient is 0.
 *
 * @example
 * await tensor([3, 0, -2]).sign().toArray(); // [1, 0, -1]
 */
export const sign: UnaryFunction = elementwise('sign', { takes: 'number', vjp: zeroGradient });

/**
 * eˣ, elementwise.
 *
 * @example
 * await tensor([0, 1]).exp().toArray(); // [1, 2.7182817459106445]
 */
export const exp: UnaryFunction = elementwise('exp', {
  vjp: rule('output', ({ output, gradient }) => gradient.mul(output)),
});

/**
 * eˣ − 1, elementwise; exact near 0.
 *
 * @example
 * await tensor([0]).expm1().toArray(); // [0]
 */
export const expm1: UnaryFunction = elementwise('expm1', {
  vjp: rule('output', ({ output, gradient }) => gradient.mul(output.add(1))),
});

/**
 * The natural logarithm, elementwise: −∞ at 0, NaN below.
 *
 * @example
 * await tensor([1, 0]).log().toArray(); // [0, -Infinity]
 */
export const log: UnaryFunction = elementwise('log', {
  vjp: rule('input', ({ inputs: [x], gradient }) => gradient.div(x)),
});

/**
 * ln(1 + x), elementwise; exact near 0.
 *
 * @example
 * await tensor([0]).log1p().toArray(); // [0]
 */
export const log1p: UnaryFunction = elementwise('log1p', {
  vjp: rule('input', ({ inputs: [x], gradient }) => gradient.div(x.add(1))),
});

/**
 * √x, elementwise: NaN below 0. Its gradient at 0 is ∞.
 *
 * @example
 * await tensor([4, 9]).sqrt().toArray(); // [2, 3]
 */
export const sqrt: UnaryFunction = elementwise('sqrt', {
  vjp: rule('output', ({ output, gradient }) => gradient.div(output.mul(2))),
});

/**
 * 1 / √x, elementwise.
 *
 * @example
 * await tensor([4, 16]).rsqrt().toArray(); // [0.5, 0.25]
 */
export const rsqrt: UnaryFunction = elementwise('rsqrt', {
  vjp: rule('output', ({ output, gradient }) => gradient.mul(output.pow(3)).mul(-0.5)),
  decompose: (x) => literal(1, x).div(x.sqrt()),
});

/**
 * 1 / x, elementwise.
 *
 * @example
 * await tensor([4, -2]).reciprocal().toArray(); // [0.25, -0.5]
 */
export const reciprocal: UnaryFunction = elementwise('reciprocal', {
  vjp: rule('output', ({ output, gradient }) => gradient.mul(output.square()).neg()),
  decompose: (x) => literal(1, x).div(x),
});

/**
 * x², elementwise.
 *
 * @example
 * await tensor([3, -2]).square().toArray(); // [9, 4]
 */
export const square: UnaryFunction = elementwise('square', {
  takes: 'number',
  vjp: rule('input', ({ inputs: [x], gradient }) => gradient.mul(x.mul(2))),
  decompose: (x) => x.mul(x),
});

/**
 * The sine, elementwise; x in radians.
 *
 * @example
 * await tensor([0]).sin().toArray(); // [0]
 */
export const sin: UnaryFunction = elementwise('sin', {
  vjp: rule('input', ({ inputs: [x], gradient }) => gradient.mul(x.cos())),
});

/**
 * The cosine, elementwise; x in radians.
 *
 * @example
 * await tensor([0]).cos().toArray(); // [1]
 */
export const cos: UnaryFunction = elementwise('cos', {
  vjp: rule('input', ({ inputs: [x], gradient }) => gradient.mul(x.sin()).neg()),
});

/**
 * The hyperbolic tangent, elementwise.
 *
 * @example
 * await tensor([0, 100]).tanh().toArray(); // [0, 1]
 */
export const tanh: UnaryFunction = elementwise('tanh', {
  vjp: rule('output', ({ output, gradient }) => gradient.mul(output.square().neg().add(1))),
});

/**
 * The error function 2/√π ∫₀ˣ exp(−t²) dt, elementwise.
 *
 * @example
 * await tensor([0]).erf().toArray(); // [0]
 */
export const erf: UnaryFunction = elementwise('erf', {
  vjp: rule('input', ({ inputs: [x], gradient }) =>
    gradient.mul(
      x
        .square()
        .neg()
        .exp()
        .mul(2 / Math.sqrt(Math.PI)),
    ),
  ),
});

/**
 * The largest whole number ≤ x, elementwise. Its gradient is 0.
 *
 * @example
 * await tensor([1.5, -1.5]).floor().toArray(); // [1, -2]
 */
export const floor: UnaryFunction = elementwise('floor', { vjp: zeroGradient });

/**
 * The smallest whole number ≥ x, elementwise. Its gradient is 0.
 *
 * @example
 * await tensor([1.5, -2.5]).ceil().toArray(); // [2, -2]
 */
export const ceil: UnaryFunction = elementwise('ceil', { vjp: zeroGradient });

/**
 * The nearest whole number, elementwise; halves go to the even one. Its gradient is 0.
 *
 * @example
 * await tensor([0.5, 1.5, 2.6]).round().toArray(); // [0, 2, 3]
 */
export const round: UnaryFunction = elementwise('round', { vjp: zeroGradient });

/**
 * x without its fraction, elementwise. Its gradient is 0.
 *
 * @example
 * await tensor([1.5, -2.5]).trunc().toArray(); // [1, -2]
 */
export const trunc: UnaryFunction = elementwise('trunc', { vjp: zeroGradient });
