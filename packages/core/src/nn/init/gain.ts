/**
 * Gains: by how much weights must be larger than 1 / √fan, so that signals keep their scale through an activation.
 */
import { OutOfRangeError } from '../../errors.js';
import { erf } from '../../random/erf.js';

/** What follows the weights, by its name in `nn.functional`; `calculateGain` knows how each changes the scale. */
export type Nonlinearity =
  | 'linear'
  | 'conv1d'
  | 'conv2d'
  | 'conv3d'
  | 'convTranspose1d'
  | 'convTranspose2d'
  | 'convTranspose3d'
  | 'sigmoid'
  | 'tanh'
  | 'relu'
  | 'leakyRelu'
  | 'selu'
  | 'relu6'
  | 'prelu'
  | 'rrelu'
  | 'elu'
  | 'celu'
  | 'softplus'
  | 'logsigmoid'
  | 'hardsigmoid'
  | 'hardtanh'
  | 'scaledTanh'
  | 'softsign'
  | 'gelu'
  | 'silu'
  | 'mish'
  | 'hardswish'
  | 'glu'
  | 'hardshrink'
  | 'softshrink'
  | 'tanhshrink'
  | 'maxout';

/** PyTorch's, by rule of thumb (tanh) or by experiment (selu) where they differ from the formula. */
const PYTORCH = {
  linear: 1,
  conv1d: 1,
  conv2d: 1,
  conv3d: 1,
  convTranspose1d: 1,
  convTranspose2d: 1,
  convTranspose3d: 1,
  sigmoid: 1,
  tanh: 5 / 3,
  relu: Math.SQRT2,
  selu: 3 / 4,
} as const;

/** 1 / √E[f(z)²], z ~ N(0, 1), of activations with their default arguments. The test integrates them anew. */
const MOMENT = {
  relu6: 1.414213565,
  celu: 1.245198301,
  softplus: 1.041866836,
  logsigmoid: 1.041866836,
  hardsigmoid: 1.897840425,
  hardtanh: 1.39203614,
  scaledTanh: 1.154369454,
  softsign: 2.337533363,
  gelu: 1.533530441,
  silu: 1.67653247,
  mish: 1.486847581,
  hardswish: 1.736657213,
  // a · sigmoid(b): E[a²] = 1, so this is the formula's gain of sigmoid.
  glu: 1.846228545,
  hardshrink: 1.015796355,
  softshrink: 1.544360528,
  tanhshrink: 2.33836753,
} as const;

/** E[(e^z − 1)²] over z < 0, which elu multiplies by α². */
const ELU_MOMENT = 0.1449454175;

/** Of half the signal a slope a is left: 1 / √(½ + ½ a²). */
const rectifierGain = (squaredSlope: number): number => Math.sqrt(2 / (1 + squaredSlope));

/**
 * E[max(z₁, …, z_k)²] of independent normal numbers: ∫ z² k φ(z) Φ(z)^(k−1) dz. For functions as smooth as this one a
 * plain sum over a grid is exact to rounding.
 */
function maxoutMoment(pieces: number): number {
  const step = 1 / 16;
  let sum = 0;
  for (let z = -12; z <= 12; z += step) {
    const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
    sum += z * z * pieces * density * ((1 + erf(z * Math.SQRT1_2)) / 2) ** (pieces - 1) * step;
  }
  return sum;
}

/**
 * The recommended gain for a nonlinearity f: weights of standard deviation gain / √fanIn keep the scale of signals.
 *
 * PyTorch's values, where it has one: linear and convolutions 1, sigmoid 1, tanh 5/3, relu √2, leakyRelu
 * √(2 / (1 + slope²)), selu 3/4. The others are 1 / √E[f(z)²] with z ~ N(0, 1): where what enters an activation has
 * variance 1, so has what enters the next. relu's and leakyRelu's are that too; by it sigmoid would have 1.8462, tanh
 * 1.5925, and selu 1 (for self-normalizing networks use 'linear', not 'selu'). softmax and its relatives end a network,
 * and have no gain: use 'linear'; for `threshold`, which has no default arguments, use 'relu'.
 *
 * When to use: through the options of `kaimingNormal_` (relu and its relatives), or as the gain of `xavierUniform_`
 * (tanh), `orthogonal_` and the like. Where the function bends upwards (gelu, silu, mish, hardswish, glu and the
 * shrinkages) the balance does not last over many layers, because a signal that is a little too large grows on: there
 * normalization layers must keep the scale.
 *
 * @param nonlinearity What follows the weights.
 * @param param The negative slope of leakyRelu (default 0.01) and prelu (0.25), the α of elu (1), the pieces of maxout
 * (2). The others ignore it, as in PyTorch: their gains are those of the default arguments.
 * @throws OutOfRangeError for an unknown nonlinearity, or pieces that are no whole number from 1 up.
 * @example
 * nn.init.calculateGain('leakyRelu', 0.2); // √(2 / (1 + 0.2²)) = 1.3868
 */
export function calculateGain(nonlinearity: Nonlinearity, param?: number): number {
  if (Object.hasOwn(PYTORCH, nonlinearity)) return PYTORCH[nonlinearity as keyof typeof PYTORCH];
  if (Object.hasOwn(MOMENT, nonlinearity)) return MOMENT[nonlinearity as keyof typeof MOMENT];
  const own = nonlinearity as Exclude<Nonlinearity, keyof typeof PYTORCH | keyof typeof MOMENT>;
  switch (own) {
    case 'leakyRelu':
      return rectifierGain((param ?? 0.01) ** 2);
    case 'prelu':
      return rectifierGain((param ?? 0.25) ** 2);
    case 'rrelu': {
      const [lower, upper] = [1 / 8, 1 / 3];
      return rectifierGain((lower ** 2 + lower * upper + upper ** 2) / 3);
    }
    case 'elu':
      return 1 / Math.sqrt(0.5 + ELU_MOMENT * (param ?? 1) ** 2);
    case 'maxout': {
      const pieces = param ?? 2;
      if (!Number.isInteger(pieces) || pieces < 1)
        throw new OutOfRangeError(`calculateGain: maxout has a whole number of pieces from 1 up, got ${pieces}`);
      return 1 / Math.sqrt(maxoutMoment(pieces));
    }
    default: {
      own satisfies never;
      const known = [...Object.keys(PYTORCH), ...Object.keys(MOMENT), 'leakyRelu', 'prelu', 'rrelu', 'elu', 'maxout'];
      throw new OutOfRangeError(
        `calculateGain: unknown nonlinearity '${String(nonlinearity)}'. Known: ${known.join(', ')}`,
      );
    }
  }
}
