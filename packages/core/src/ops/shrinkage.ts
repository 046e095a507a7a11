/**
 * Shrinkage: functions that make small values smaller still, or 0. Gradients at kinks are PyTorch's.
 */
import { OutOfRangeError } from '../errors.js';
import type { Tensor } from '../graph/tensor.js';
import { elementwise, withNumbers, type UnaryFunction } from './common.js';
import { where } from './logic.js';

const hardshrinkOp = withNumbers('hardshrink', {
  decompose: (x, lambda) => where(x.abs().le(lambda), 0, x),
  backward: (g, x, lambda) => where(x.abs().le(lambda), 0, g),
});

/**
 * x where |x| > λ, else 0, elementwise, as `F.hardshrink`. Its gradient at ±λ is 0. NaN stays NaN.
 *
 * When to use: for sparse codes; see `nn.Hardshrink`.
 *
 * @param lambda λ. Default 0.5.
 * @example
 * await tensor([-1, 0.25, 2]).hardshrink().toArray(); // [-1, 0, 2]
 */
export function hardshrink(x: Tensor, lambda = 0.5): Tensor {
  return hardshrinkOp(x, lambda);
}

const softshrinkOp = withNumbers('softshrink', {
  decompose: (x, lambda) => x.sub(x.maximum(lambda.neg()).minimum(lambda)),
  backward: (g, x, lambda) => where(x.abs().le(lambda), 0, g),
});

/**
 * x moved towards 0 by λ, and 0 where |x| ≤ λ, elementwise, as `F.softshrink`. Its gradient at ±λ is 0. NaN stays NaN,
 * as in PyTorch from 2.6 on; before, it became 0.
 *
 * When to use: for sparse codes, being the proximal step of an L1 penalty; see `nn.Softshrink`.
 *
 * @param lambda λ ≥ 0. Default 0.5.
 * @throws OutOfRangeError if lambda < 0.
 * @example
 * await tensor([-1, 0.25, 2]).softshrink().toArray(); // [-0.5, 0, 1.5]
 */
export function softshrink(x: Tensor, lambda = 0.5): Tensor {
  if (lambda < 0) throw new OutOfRangeError(`softshrink: lambda is at least 0, got ${lambda}`);
  return softshrinkOp(x, lambda);
}

/**
 * x − tanh(x), elementwise, as `F.tanhshrink`.
 *
 * When to use: rarely; for a smooth shrinkage. See `nn.Tanhshrink`.
 *
 * @example
 * await tensor([0, 1]).tanhshrink().toArray(); // [0, 0.2384]
 */
export const tanhshrink: UnaryFunction = elementwise('tanhshrink', {
  vjp: {
    reads: { inputs: [0] },
    backward: ({ gradient, inputs: [x] }) => [gradient.mul(x.tanh().square())],
  },
  decompose: (x) => x.sub(x.tanh()),
});
