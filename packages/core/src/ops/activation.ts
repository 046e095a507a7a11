/**
 * Activation functions. Their gradients at kinks are PyTorch's.
 */
import { checkTensor, record1, scalarInput } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { normalizeDim, type Aval } from '../shape.js';
import { checkFloat, elementwise, NO_ATTRS, type NoAttrs, type UnaryFunction } from './common.js';
import { composed } from './compose.js';
import { literal } from './constants.js';
import { defineOp, type Op } from './def.js';
import { where } from './logic.js';

const sameAval = ([x]: readonly Aval[]): Aval[] => [{ shape: x.shape, dtype: x.dtype }];

/** The gradient of relu from its output y. */
const reluGrad: Op<NoAttrs> = defineOp<NoAttrs>({
  name: 'reluGrad',
  infer: sameAval,
  vjp: {
    reads: { inputs: [1] },
    backward: ({ gradient, inputs: [, y] }) => [record1(reluGrad, [gradient, y], NO_ATTRS)],
  },
  decompose: ([g, y]) => [where(y.gt(0), g, 0)],
});

/**
 * max(x, 0), elementwise. Its gradient at 0 is 0.
 *
 * @example
 * await tensor([-1, 2]).relu().toArray(); // [0, 2]
 */
export const relu: UnaryFunction = elementwise('relu', {
  vjp: {
    reads: { outputs: [0] },
    backward: ({ gradient, output }) => [record1(reluGrad, [gradient, output], NO_ATTRS)],
  },
  decompose: (x) => where(x.le(0), 0, x),
});

/**
 * The logistic function 1 / (1 + e⁻ˣ), elementwise.
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

/** The sigmoid linear unit x · sigmoid(x), elementwise, as `F.silu`; also called swish. */
export const silu: UnaryFunction = elementwise('silu', {
  vjp: {
    reads: { inputs: [0] },
    backward({ gradient, inputs: [x] }) {
      const s = x.sigmoid();
      return [gradient.mul(s.mul(x.mul(s.neg().add(1)).add(1)))];
    },
  },
  decompose: (x) => x.mul(x.sigmoid()),
});

/** The normal distribution function Φ. */
const phi = (x: Tensor): Tensor => x.mul(Math.SQRT1_2).erf().add(1).mul(0.5);

/**
 * The Gaussian error linear unit x · Φ(x), elementwise, with the exact normal distribution function Φ, as `F.gelu`.
 *
 * Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016.
 */
export const gelu: UnaryFunction = elementwise('gelu', {
  vjp: {
    reads: { inputs: [0] },
    backward({ gradient, inputs: [x] }) {
      const density = x
        .square()
        .mul(-0.5)
        .exp()
        .mul(1 / Math.sqrt(2 * Math.PI));
      return [gradient.mul(phi(x).add(x.mul(density)))];
    },
  },
  decompose: (x) => x.mul(phi(x)),
});

/** ln sigmoid(x), elementwise, without overflow, as `F.logsigmoid`. */
export const logsigmoid: UnaryFunction = elementwise('logsigmoid', {
  vjp: {
    reads: { inputs: [0] },
    backward: ({ gradient, inputs: [x] }) => [gradient.mul(x.neg().sigmoid())],
  },
  decompose: (x) => where(x.lt(0), x, 0).sub(x.abs().neg().exp().log1p()),
});

/** An elementwise function with numbers that enter the program as inputs. */
function withNumbers(
  name: string,
  definition: {
    decompose: (x: Tensor, ...numbers: Tensor[]) => Tensor;
    /** The gradient of x. */
    backward: (gradient: Tensor, x: Tensor, ...numbers: Tensor[]) => Tensor;
  },
): (x: Tensor, ...numbers: number[]) => Tensor {
  const op = defineOp<NoAttrs>({
    name,
    infer([x]) {
      checkFloat(name, [x]);
      return [{ shape: x.shape, dtype: x.dtype }];
    },
    vjp: {
      reads: { inputs: 'all' },
      backward: ({ gradient, inputs: [x, ...numbers] }) => [definition.backward(gradient, x, ...numbers)],
    },
    decompose: ([x, ...numbers]) => [definition.decompose(x, ...numbers)],
  });
  return (x, ...numbers) => {
    checkTensor(name, x);
    checkFloat(name, [x]);
    return record1(op, [x, ...numbers.map((n) => scalarInput(n, x.dtype, x.device))], NO_ATTRS);
  };
}

const leaky = withNumbers('leakyRelu', {
  decompose: (x, slope) => where(x.gt(0), x, x.mul(slope)),
  backward: (g, x, slope) => where(x.gt(0), g, g.mul(slope)),
});

/**
 * x where it is positive, else slope · x, elementwise, as `F.leaky_relu`. Its gradient at 0 is the slope.
 *
 * @example
 * await tensor([-2, 3]).leakyRelu(0.5).toArray(); // [-1, 3]
 */
export function leakyRelu(x: Tensor, negativeSlope = 0.01): Tensor {
  return leaky(x, negativeSlope);
}

// Where x is positive the exponential is not used and must not overflow: not even times 0, in derivatives.
const eluOp = withNumbers('elu', {
  decompose: (x, alpha) => where(x.gt(0), x, where(x.gt(0), 0, x).expm1().mul(alpha)),
  backward: (g, x, alpha) => where(x.gt(0), g, g.mul(where(x.gt(0), 0, x).exp().mul(alpha))),
});

/**
 * x where it is positive, else α · (eˣ − 1), elementwise, as `F.elu`.
 *
 * Source: Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear units",
 * 2015.
 */
export function elu(x: Tensor, alpha = 1): Tensor {
  return eluOp(x, alpha);
}

const softplusOp = withNumbers('softplus', {
  decompose(x, beta, threshold) {
    const scaled = x.mul(beta);
    const linear = scaled.gt(threshold);
    return where(linear, x, where(linear, 0, scaled).exp().log1p().div(beta));
  },
  backward: (g, x, beta, threshold) => where(x.mul(beta).gt(threshold), g, g.mul(x.mul(beta).sigmoid())),
});

/**
 * ln(1 + e^(β·x)) / β, elementwise, as `F.softplus`: a smooth relu.
 *
 * @param beta Sharpness. Default 1.
 * @param threshold Where β·x is above it the result is x. Default 20.
 */
export function softplus(x: Tensor, beta = 1, threshold = 20): Tensor {
  return softplusOp(x, beta, threshold);
}

const hardtanhOp = withNumbers('hardtanh', {
  decompose: (x, low, high) => where(x.lt(low), low, where(x.gt(high), high, x)),
  backward: (g, x, low, high) => where(x.gt(low).logicalAnd(x.lt(high)), g, 0),
});

/**
 * x limited to a range, elementwise, as `F.hardtanh`. Unlike that of `clamp`, its gradient at the bounds is 0.
 *
 * @example
 * await tensor([-2, 0.5, 3]).hardtanh().toArray(); // [-1, 0.5, 1]
 */
export function hardtanh(x: Tensor, minVal = -1, maxVal = 1): Tensor {
  return hardtanhOp(x, minVal, maxVal);
}

/** min(max(x, 0), 6), elementwise, as `F.relu6`. */
export function relu6(x: Tensor): Tensor {
  return hardtanhOp(x, 0, 6);
}

type DimAttrs = { readonly dim: number };

// Both gradients are linear in g; with s = Σ over dim:
// softmaxGrad(g, y) = y·(g − s(g·y)), logSoftmaxGrad(g, y) = g − e^y·s(g).
const softmaxGrad: Op<DimAttrs> = defineOp<DimAttrs>({
  name: 'softmaxGrad',
  infer: sameAval,
  vjp: {
    reads: { inputs: [0, 1] },
    backward: ({ gradient: v, inputs: [g, y], attrs, needs }) => [
      needs[0] ? record1(softmaxGrad, [v, y], attrs) : null,
      needs[1] ? v.mul(g.sub(g.mul(y).sum(attrs.dim, true))).sub(g.mul(v.mul(y).sum(attrs.dim, true))) : null,
    ],
  },
  decompose: ([g, y], { dim }) => [y.mul(g.sub(g.mul(y).sum(dim, true)))],
});

const softmaxOp = defineOp<DimAttrs>({
  name: 'softmax',
  infer: sameAval,
  vjp: {
    reads: { outputs: [0] },
    backward: ({ gradient, output, attrs }) => [record1(softmaxGrad, [gradient, output], attrs)],
  },
  decompose([x], { dim }) {
    const e = x.sub(x.amax(dim, true)).exp();
    return [e.div(e.sum(dim, true))];
  },
});

const logSoftmaxGrad = defineOp<DimAttrs>({
  name: 'logSoftmaxGrad',
  infer: sameAval,
  vjp: {
    reads: { inputs: [0, 1] },
    backward: ({ gradient: v, inputs: [g, y], attrs: { dim }, needs }) => [
      needs[0] ? v.sub(v.mul(y.exp()).sum(dim, true)) : null,
      needs[1] ? v.mul(y.exp()).mul(g.sum(dim, true)).neg() : null,
    ],
  },
  decompose: ([g, y], { dim }) => [g.sub(y.exp().mul(g.sum(dim, true)))],
});

const logSoftmaxOp = defineOp<DimAttrs>({
  name: 'logSoftmax',
  infer: sameAval,
  vjp: {
    reads: { outputs: [0] },
    backward: ({ gradient, output, attrs }) => [record1(logSoftmaxGrad, [gradient, output], attrs)],
  },
  decompose([x], { dim }) {
    const shifted = x.sub(x.amax(dim, true));
    return [shifted.sub(shifted.exp().sum(dim, true).log())];
  },
});

function alongDim(op: typeof softmaxOp, x: Tensor, dim: number): Tensor {
  checkTensor(op.name, x);
  checkFloat(op.name, [x]);
  const attrs = { dim: normalizeDim(op.name, dim, x.ndim) };
  return x.ndim > 0 ? record1(op, [x], attrs) : composed(() => record1(op, [x.reshape([1])], attrs).reshape([]));
}

/**
 * eˣ / Σ eˣ along an axis, as `F.softmax`: positive, with sum 1.
 *
 * @param dim The axis along which the sum is 1; negative counts from the end.
 * @throws OutOfRangeError if the axis is out of range.
 * @example
 * await tensor([[0, 0], [5, 5]]).softmax(1).toArray(); // [[0.5, 0.5], [0.5, 0.5]]
 */
export function softmax(x: Tensor, dim: number): Tensor {
  return alongDim(softmaxOp, x, dim);
}

/**
 * x − ln Σ eˣ along an axis, as `F.log_softmax`: the logarithm of {@link softmax}, without overflow.
 *
 * @param dim The axis of the sum; negative counts from the end.
 * @throws OutOfRangeError if the axis is out of range.
 */
export function logSoftmax(x: Tensor, dim: number): Tensor {
  return alongDim(logSoftmaxOp, x, dim);
}
