/**
 * Rectifiers that bend smoothly or saturate: the exponential linear units, and softplus. Their gradients at 0 are
 * PyTorch's.
 */
import { OutOfRangeError } from '../errors.js';
import type { Tensor } from '../graph/tensor.js';
import { elementwise, withNumbers, type UnaryFunction } from './common.js';
import { where } from './logic.js';

// Where x is positive the exponential is not used and must not overflow: not even times 0, in derivatives.
const negativePart = (x: Tensor): Tensor => where(x.gt(0), 0, x);

const eluOp = withNumbers('elu', {
  decompose: (x, alpha) => where(x.gt(0), x, negativePart(x).expm1().mul(alpha)),
  backward: (g, x, alpha) => where(x.gt(0), g, g.mul(negativePart(x).exp().mul(alpha))),
});

/**
 * x where it is positive, else α · (eˣ − 1), elementwise, as `F.elu`. Its gradient at 0 is α.
 *
 * When to use: as part of the hyperparameter grid, after the basic experiments with relu; see `nn.ELU`.
 *
 * Source: Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear units",
 * 2015.
 *
 * @param alpha The limit to the left is −α. Default 1.
 * @example
 * await tensor([-1, 2]).elu().toArray(); // [-0.6321, 2]
 */
export function elu(x: Tensor, alpha = 1): Tensor {
  return eluOp(x, alpha);
}

/** The constants for which mean 0 and variance 1 reproduce themselves from layer to layer: the paper's equation 14. */
const SELU_ALPHA = 1.6732632423543772;
const SELU_SCALE = 1.0507009873554805;

/**
 * λ · elu(x, α) with λ = 1.0507 and α = 1.6733, elementwise, as `F.selu`. Its gradient at 0 is λα.
 *
 * When to use: deep fully connected networks without normalization layers; see `nn.SELU`.
 *
 * Source: Klambauer et al., "Self-normalizing neural networks", 2017.
 *
 * @example
 * await tensor([-1, 1]).selu().toArray(); // [-1.1113, 1.0507]
 */
export const selu: UnaryFunction = elementwise('selu', {
  vjp: {
    reads: { inputs: [0] },
    backward: ({ gradient: g, inputs: [x] }) => [
      where(
        x.gt(0),
        g.mul(SELU_SCALE),
        g.mul(
          negativePart(x)
            .exp()
            .mul(SELU_SCALE * SELU_ALPHA),
        ),
      ),
    ],
  },
  decompose: (x) =>
    where(
      x.gt(0),
      x.mul(SELU_SCALE),
      negativePart(x)
        .expm1()
        .mul(SELU_SCALE * SELU_ALPHA),
    ),
});

const celuOp = withNumbers('celu', {
  decompose: (x, alpha) => where(x.gt(0), x, negativePart(x).div(alpha).expm1().mul(alpha)),
  backward: (g, x, alpha) => where(x.gt(0), g, g.mul(negativePart(x).div(alpha).exp())),
});

/**
 * x where it is positive, else α · (e^(x/α) − 1), elementwise, as `F.celu`: an elu whose slope is continuous for every
 * α, and 1 at 0.
 *
 * When to use: in place of elu where α is tuned; see `nn.CELU`.
 *
 * Source: Barron, "Continuously differentiable exponential linear units", 2017.
 *
 * @param alpha The limit to the left is −α. Default 1.
 * @throws OutOfRangeError if alpha is 0.
 * @example
 * await tensor([-1, 2]).celu(0.5).toArray(); // [-0.4323, 2]
 */
export function celu(x: Tensor, alpha = 1): Tensor {
  if (alpha === 0) throw new OutOfRangeError('celu: alpha must not be 0. For α → 0 celu is relu: use that.');
  return celuOp(x, alpha);
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
 * When to use: for outputs that must be positive, such as a variance; see `nn.Softplus`.
 *
 * @param beta Sharpness. Default 1.
 * @param threshold Where β·x is above it the result is x. Default 20.
 * @example
 * await tensor([0, 30]).softplus().toArray(); // [0.6931, 30]
 */
export function softplus(x: Tensor, beta = 1, threshold = 20): Tensor {
  return softplusOp(x, beta, threshold);
}
