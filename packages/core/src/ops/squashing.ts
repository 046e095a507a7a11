/**
 * Functions that squash the line into an interval: the logistic function, its relatives and its piecewise linear
 * stand-ins. (`tanh` is with the functions of mathematics, in `elementwise.ts`.) Gradients at kinks are PyTorch's.
 */
import { checkTensor } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { checkFloat, elementwise, withNumbers, type UnaryFunction } from './common.js';
import { composed } from './compose.js';
import { literal } from './constants.js';
import { where } from './logic.js';

/**
 * The logistic function 1 / (1 + e⁻ˣ), elementwise, as `F.sigmoid`: between 0 and 1.
 *
 * When to use: for outputs that are probabilities; as a hidden activation it kills gradients. See `nn.Sigmoid`.
 *
 * @example
 * await tensor([0]).sigmoid().toArray(); // [0.5]
 */
export const sigmoid: UnaryFunction = elementwise('sigmoid', {
  vjp: {
    reads: { outputs: [0] },
    backward: ({ gradient, output: y }) => [gradient.mul(y.mul(y.neg().add(1)))],
  },
  decompose: (x) => literal(1, x).div(x.neg().exp().add(1)),
});

/**
 * ln sigmoid(x), elementwise, without overflow, as `F.logsigmoid`: below 0.
 *
 * When to use: for the logarithm of a probability in a loss; see `nn.LogSigmoid`.
 *
 * @example
 * await tensor([0, -1000]).logsigmoid().toArray(); // [-0.6931, -1000]
 */
export const logsigmoid: UnaryFunction = elementwise('logsigmoid', {
  vjp: {
    reads: { inputs: [0] },
    backward: ({ gradient, inputs: [x] }) => [gradient.mul(x.neg().sigmoid())],
  },
  decompose: (x) => where(x.lt(0), x, 0).sub(x.abs().neg().exp().log1p()),
});

/**
 * min(max(x / 6 + 1/2, 0), 1), elementwise, as `F.hardsigmoid`: {@link sigmoid} in three straight pieces. Its gradient
 * at ±3 is 0.
 *
 * When to use: as a gate on hardware where an exponential is dear; see `nn.Hardsigmoid`.
 *
 * @example
 * await tensor([-4, 0, 3]).hardsigmoid().toArray(); // [0, 0.5, 1]
 */
export const hardsigmoid: UnaryFunction = elementwise('hardsigmoid', {
  vjp: {
    reads: { inputs: [0] },
    backward: ({ gradient: g, inputs: [x] }) => [where(x.gt(-3).logicalAnd(x.lt(3)), g.div(6), 0)],
  },
  decompose: (x) => x.add(3).clamp(0, 6).div(6),
});

/**
 * g(x) = amplitude · tanh(slope · x), elementwise. With LeCun's constants, A = 1.7159 and S = 2/3, g(±1) = ±1.
 *
 * When to use: to rebuild networks of the 1990s, such as LeNet-5; see `nn.ScaledTanh`.
 *
 * Source: LeCun et al., "Gradient-based learning applied to document recognition", 1998, appendix A.
 *
 * @param amplitude A. Default 1.7159.
 * @param slope S. Default 2/3.
 * @example
 * await tensor([-1, 0, 1]).scaledTanh().toArray(); // [-1, 0, 1], to four digits
 */
export function scaledTanh(x: Tensor, amplitude = 1.7159, slope = 2 / 3): Tensor {
  checkTensor('scaledTanh', x);
  checkFloat('scaledTanh', [x]);
  return composed(() => x.mul(slope).tanh().mul(amplitude));
}

const hardtanhOp = withNumbers('hardtanh', {
  decompose: (x, low, high) => where(x.lt(low), low, where(x.gt(high), high, x)),
  backward: (g, x, low, high) => where(x.gt(low).logicalAnd(x.lt(high)), g, 0),
});

/**
 * x limited to a range, elementwise, as `F.hardtanh`. Unlike that of `clamp`, its gradient at the bounds is 0.
 *
 * When to use: in place of tanh where that is dear; see `nn.Hardtanh`.
 *
 * @param minVal Default −1.
 * @param maxVal Default 1.
 * @example
 * await tensor([-2, 0.5, 3]).hardtanh().toArray(); // [-1, 0.5, 1]
 */
export function hardtanh(x: Tensor, minVal = -1, maxVal = 1): Tensor {
  return hardtanhOp(x, minVal, maxVal);
}

/**
 * x / (1 + |x|), elementwise, as `F.softsign`: between −1 and 1.
 *
 * When to use: in place of tanh, where units should saturate more slowly; see `nn.Softsign`.
 *
 * Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
 *
 * @example
 * await tensor([-1, 3]).softsign().toArray(); // [-0.5, 0.75]
 */
export const softsign: UnaryFunction = elementwise('softsign', {
  vjp: {
    reads: { inputs: [0] },
    backward: ({ gradient, inputs: [x] }) => [gradient.div(x.abs().add(1).square())],
  },
  decompose: (x) => x.div(x.abs().add(1)),
});
