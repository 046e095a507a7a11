/**
 * Gated units: x times a gate that opens as x grows, and the gated linear unit. Gradients at kinks are PyTorch's.
 */
import { ShapeError } from '../errors.js';
import { checkTensor } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { formatAval, normalizeDim } from '../shape.js';
import { checkOneOf, checkOptions } from './arguments.js';
import { checkFloat, elementwise, type UnaryFunction } from './common.js';
import { composed } from './compose.js';
import { where } from './logic.js';

/**
 * The sigmoid linear unit x · sigmoid(x), elementwise, as `F.silu`; also called swish.
 *
 * When to use: in deep networks, in place of relu, where its cost does not matter; see `nn.SiLU`.
 *
 * Source: Ramachandran, Zoph and Le, "Searching for activation functions", 2017.
 *
 * @example
 * await tensor([-1, 1]).silu().toArray(); // [-0.2689, 0.7311]
 */
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

const geluExact = elementwise('gelu', {
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

const [SLOPE, CUBIC] = [Math.sqrt(2 / Math.PI), 0.044715];

/** Φ nearly: (1 + tanh(√(2/π) · (x + 0.044715 x³))) / 2. */
const phiByTanh = (x: Tensor): Tensor => x.square().mul(CUBIC).add(1).mul(x).mul(SLOPE).tanh().add(1).mul(0.5);

const geluTanh = elementwise('geluTanh', {
  vjp: {
    reads: { inputs: [0] },
    backward({ gradient, inputs: [x] }) {
      const gate = phiByTanh(x);
      // d/dx (1 + tanh u)/2 = 2 · gate · (1 − gate) · u′
      const slope = x
        .square()
        .mul(3 * CUBIC)
        .add(1)
        .mul(2 * SLOPE);
      return [gradient.mul(gate.mul(gate.neg().add(1).mul(slope).mul(x).add(1)))];
    },
  },
  decompose: (x) => x.mul(phiByTanh(x)),
});

export interface GeluOptions {
  /** 'none': Φ by the error function. 'tanh': (1 + tanh(√(2/π) · (x + 0.044715 x³))) / 2 for it. Default 'none'. */
  approximate?: 'none' | 'tanh';
}

/**
 * The Gaussian error linear unit x · Φ(x), elementwise, with the normal distribution function Φ, as `F.gelu`.
 *
 * When to use: in transformers; see `nn.GELU`.
 *
 * Source: Hendrycks and Gimpel, "Gaussian error linear units", 2016.
 *
 * @param options `approximate`: 'none' (default), or 'tanh', which differs by up to 5e-4.
 * @throws OutOfRangeError for another approximation.
 * @example
 * await tensor([-1, 1]).gelu().toArray(); // [-0.1587, 0.8413]
 * await tensor([-1, 1]).gelu({ approximate: 'tanh' }).toArray(); // [-0.1588, 0.8412]
 */
export function gelu(x: Tensor, options: GeluOptions = {}): Tensor {
  checkOptions('gelu', options, ['approximate'] satisfies (keyof GeluOptions)[]);
  const { approximate = 'none' } = options;
  checkOneOf('gelu', 'approximate', approximate, ['none', 'tanh']);
  return approximate === 'tanh' ? geluTanh(x) : geluExact(x);
}

/** From here on tanh(softplus(x)) is 1 in double precision. */
const OPEN = 20;

/** tanh(ln(1 + eˣ)) = (e² + 2e) / (e² + 2e + 2) with e = eˣ: exact far below 0, where tanh(ln(1 + e)) would lose digits. */
function tanhSoftplus(x: Tensor): Tensor {
  const e = x.minimum(OPEN).exp();
  const n = e.mul(e.add(2));
  return n.div(n.add(2));
}

/**
 * x · tanh(softplus(x)), elementwise, as `F.mish`.
 *
 * When to use: in place of silu, which it resembles; see `nn.Mish`.
 *
 * Source: Misra, "Mish: a self regularized non-monotonic activation function", 2019.
 *
 * @example
 * await tensor([-1, 1]).mish().toArray(); // [-0.3034, 0.8651]
 */
export const mish: UnaryFunction = elementwise('mish', {
  vjp: {
    reads: { inputs: [0] },
    backward({ gradient, inputs: [x] }) {
      const gate = tanhSoftplus(x);
      return [gradient.mul(gate.add(x.mul(x.sigmoid()).mul(gate.square().neg().add(1))))];
    },
  },
  decompose: (x) => x.mul(tanhSoftplus(x)),
});

/**
 * x · relu6(x + 3) / 6, elementwise, as `F.hardswish`: {@link silu} without exponential. Its gradient is −1/2 at −3 and
 * 3/2 at 3.
 *
 * When to use: in networks for phones; see `nn.Hardswish`.
 *
 * Source: Howard et al., "Searching for MobileNetV3", 2019.
 *
 * @example
 * await tensor([-4, 1, 4]).hardswish().toArray(); // [0, 0.6667, 4]
 */
export const hardswish: UnaryFunction = elementwise('hardswish', {
  vjp: {
    reads: { inputs: [0] },
    backward: ({ gradient: g, inputs: [x] }) => [where(x.lt(-3), 0, where(x.le(3), g.mul(x.div(3).add(0.5)), g))],
  },
  decompose: (x) => x.mul(x.add(3).clamp(0, 6)).div(6),
});

/**
 * The gated linear unit a · sigmoid(b), where a and b are the first and the second half of x along an axis, as `F.glu`.
 *
 * When to use: in convolutional networks for sequences; see `nn.GLU`.
 *
 * Shape: half of x along `dim`.
 *
 * Source: Dauphin et al., "Language modeling with gated convolutional networks", 2016.
 *
 * @param dim The axis that is halved. Default −1.
 * @throws ShapeError if the axis has an odd size; OutOfRangeError if it is out of range.
 * @example
 * await tensor([3, 4, 0, 0]).glu().toArray(); // [1.5, 2]
 */
export function glu(x: Tensor, dim = -1): Tensor {
  checkTensor('glu', x);
  checkFloat('glu', [x]);
  const axis = normalizeDim('glu', dim, x.ndim);
  const size = x.shape[axis] ?? 1;
  if (size % 2 !== 0) {
    throw new ShapeError(
      `glu: expected an axis of even size, to halve it; axis ${dim} of ${formatAval(x)} has size ${size}`,
    );
  }
  const half = size / 2;
  return composed(() => x.narrow(axis, 0, half).mul(x.narrow(axis, half, half).sigmoid()));
}
