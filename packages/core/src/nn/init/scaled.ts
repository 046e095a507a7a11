/**
 * Initialization that keeps the scale of signals from layer to layer: Xavier's and He's.
 */
import { ShapeError } from '../../errors.js';
import { checkOneOf } from '../../ops/arguments.js';
import type { Cell } from '../../runtime/cell.js';
import { formatAval, type Aval } from '../../shape.js';
import { checkCell, type RandomOptions } from './cells.js';
import { calculateGain, type Nonlinearity } from './gain.js';
import { normal_, uniform_ } from './random.js';

/**
 * How many inputs a unit has, and how many units an input feeds: for a weight `[out, in, …kernel]`, fan-in is
 * in × kernel cells and fan-out is out × kernel cells.
 *
 * @throws ShapeError for fewer than two axes.
 */
export function fanInAndFanOut(weight: Aval): { fanIn: number; fanOut: number } {
  const { shape } = weight;
  if (shape.length < 2) {
    throw new ShapeError(
      `fanInAndFanOut: a weight has at least two axes, [out, in, …], got ${formatAval(weight)}. Use uniform_, normal_ or constant_ for biases.`,
    );
  }
  const cells = shape.slice(2).reduce((a, b) => a * b, 1);
  return { fanIn: shape[1] * cells, fanOut: shape[0] * cells };
}

export interface KaimingOptions extends RandomOptions {
  /**
   * The negative slope of the rectifier that follows. Default 0 with leakyRelu; see the `param` of {@link calculateGain}
   * for others that have one.
   */
  a?: number;
  /** Whether the variance is kept in the forward pass ('fanIn', default) or the backward pass ('fanOut'). */
  mode?: 'fanIn' | 'fanOut';
  /** What follows; 'relu' or 'leakyRelu' recommended. Default 'leakyRelu'. */
  nonlinearity?: Nonlinearity;
}

function kaimingStd(fn: string, weight: Aval, options: KaimingOptions): number {
  const { mode = 'fanIn', nonlinearity = 'leakyRelu', a = nonlinearity === 'leakyRelu' ? 0 : undefined } = options;
  checkOneOf(fn, 'mode', mode, ['fanIn', 'fanOut']);
  return calculateGain(nonlinearity, a) / Math.sqrt(fanInAndFanOut(weight)[mode]);
}

/**
 * Fills a weight with numbers from U(−bound, bound), bound = gain · √(3 / fan): signals keep their scale through
 * rectifiers.
 *
 * When to use: before relu and its relatives, for weights of linear and convolution layers.
 *
 * Source: He et al., "Delving deep into rectifiers", 2015.
 *
 * @param weight `[out, in, …kernel]`.
 * @example
 * nn.init.kaimingUniform_(new nn.Parameter(zeros([3, 5])), { nonlinearity: 'relu' });
 */
export function kaimingUniform_<C extends Cell>(weight: C, options: KaimingOptions = {}): C {
  checkCell('init.kaimingUniform_', weight);
  const bound = Math.sqrt(3) * kaimingStd('init.kaimingUniform_', weight, options);
  return uniform_(weight, -bound, bound, options);
}

/**
 * Fills a weight with numbers from N(0, std²), std = gain / √fan.
 *
 * When to use: before relu and its relatives, for weights of linear and convolution layers.
 *
 * Source: He et al., "Delving deep into rectifiers", 2015.
 *
 * @param weight `[out, in, …kernel]`.
 * @example
 * nn.init.kaimingNormal_(new nn.Parameter(zeros([3, 5])), { mode: 'fanOut', nonlinearity: 'relu' });
 */
export function kaimingNormal_<C extends Cell>(weight: C, options: KaimingOptions = {}): C {
  checkCell('init.kaimingNormal_', weight);
  return normal_(weight, 0, kaimingStd('init.kaimingNormal_', weight, options), options);
}

function xavierStd(weight: Aval, gain: number): number {
  const { fanIn, fanOut } = fanInAndFanOut(weight);
  return gain * Math.sqrt(2 / (fanIn + fanOut));
}

/**
 * Fills a weight with numbers from U(−bound, bound), bound = gain · √(6 / (fanIn + fanOut)).
 *
 * When to use: before tanh and sigmoid, and linear outputs.
 *
 * Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
 *
 * @param weight `[out, in, …kernel]`.
 * @param gain See {@link calculateGain}. Default 1.
 * @example
 * nn.init.xavierUniform_(new nn.Parameter(zeros([3, 5])), nn.init.calculateGain('tanh'));
 */
export function xavierUniform_<C extends Cell>(weight: C, gain = 1, options: RandomOptions = {}): C {
  checkCell('init.xavierUniform_', weight);
  const bound = Math.sqrt(3) * xavierStd(weight, gain);
  return uniform_(weight, -bound, bound, options);
}

/**
 * Fills a weight with numbers from N(0, std²), std = gain · √(2 / (fanIn + fanOut)).
 *
 * When to use: before tanh and sigmoid, and linear outputs.
 *
 * Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010.
 *
 * @param weight `[out, in, …kernel]`.
 * @param gain See {@link calculateGain}. Default 1.
 * @example
 * nn.init.xavierNormal_(new nn.Parameter(zeros([3, 5])));
 */
export function xavierNormal_<C extends Cell>(weight: C, gain = 1, options: RandomOptions = {}): C {
  checkCell('init.xavierNormal_', weight);
  return normal_(weight, 0, xavierStd(weight, gain), options);
}
