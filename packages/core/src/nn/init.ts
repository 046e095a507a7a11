/**
 * Initialization: `torch.nn.init`. The functions write to a parameter or buffer, and return it. After
 * `manualSeed(seed)` the numbers are PyTorch's.
 */
import { FakkelError, OutOfRangeError, ShapeError } from '../errors.js';
import { allocate, isFloat } from '../dtype.js';
import { describe, fromHost } from '../graph/record.js';
import { isTensor, Tensor } from '../graph/tensor.js';
import { Storage } from '../runtime/storage.js';
import { defaultGenerator, type Generator } from '../random/generator.js';
import { Cell } from '../runtime/cell.js';
import { formatAval, type Aval } from '../shape.js';

/** Where random initializers draw from. */
export interface RandomOptions {
  /** Default: the generator that `manualSeed` seeds. */
  generator?: Generator;
}

function checkCell(fn: string, cell: unknown): asserts cell is Cell {
  if (cell instanceof Cell) return;
  if (isTensor(cell)) {
    throw new FakkelError(
      `${fn}: expected a Parameter or Buffer, got a tensor ${formatAval(cell)}, which is immutable. Wrap it: new nn.Parameter(x).`,
    );
  }
  throw new TypeError(`${fn}: expected a Parameter or Buffer, got ${describe(cell)}`);
}

/** Draws a cell's new contents at once, so that the generator moves on by this call and not by a later read. */
function draw<C extends Cell>(fn: string, cell: C, fill: (out: Float32Array | Float64Array) => void): C {
  checkCell(fn, cell);
  if (!isFloat(cell.dtype))
    throw new FakkelError(`${fn}: expected a float parameter or buffer, got ${formatAval(cell)}`);
  const out = allocate(cell.dtype, cell.numel()) as Float32Array | Float64Array;
  if (out.length > 0) fill(out);
  cell.assign(fromHost(out, { shape: cell.shape, dtype: cell.dtype }, cell.device));
  return cell;
}

/**
 * Fills with numbers from the uniform distribution U(a, b).
 *
 * @param cell What is filled.
 * @param a Lower bound. Default 0.
 * @param b Upper bound. Default 1.
 * @example
 * manualSeed(0);
 * const w = nn.init.uniform_(new nn.Parameter(zeros([2])));
 * await w.toArray(); // [0.4963, 0.7682]
 */
export function uniform_<C extends Cell>(
  cell: C,
  a = 0,
  b = 1,
  { generator = defaultGenerator }: RandomOptions = {},
): C {
  return draw('init.uniform_', cell, (out) => generator.uniform(out, a, b));
}

/**
 * Fills with numbers from the normal distribution N(mean, std²).
 *
 * @param cell What is filled.
 * @param mean Default 0.
 * @param std Standard deviation. Default 1.
 * @example
 * nn.init.normal_(new nn.Parameter(zeros([3, 5])), 0, 0.01);
 */
export function normal_<C extends Cell>(
  cell: C,
  mean = 0,
  std = 1,
  { generator = defaultGenerator }: RandomOptions = {},
): C {
  return draw('init.normal_', cell, (out) => generator.normal(out, mean, std));
}

/**
 * Fills with numbers from N(mean, std²) cut to [a, b].
 *
 * @param cell What is filled.
 * @param mean Mean before the cut. Default 0.
 * @param std Standard deviation before the cut. Default 1.
 * @param a Smallest value, in absolute terms and not in units of std. Default −2.
 * @param b Largest value. Default 2.
 * @example
 * nn.init.truncNormal_(new nn.Parameter(zeros([3, 5])), 0, 0.02);
 */
export function truncNormal_<C extends Cell>(
  cell: C,
  mean = 0,
  std = 1,
  a = -2,
  b = 2,
  { generator = defaultGenerator }: RandomOptions = {},
): C {
  return draw('init.truncNormal_', cell, (out) => generator.truncNormal(out, mean, std, a, b));
}

/**
 * Fills with one value.
 *
 * @example
 * nn.init.constant_(new nn.Parameter(zeros([3])), 0.3);
 */
export function constant_<C extends Cell>(cell: C, value: number): C {
  checkCell('init.constant_', cell);
  const filled = new Tensor({ shape: cell.shape, dtype: cell.dtype }, cell.device);
  filled._storage = Storage.filled(filled, value, 'data');
  cell.assign(filled);
  return cell;
}

/** Fills with 0. */
export function zeros_<C extends Cell>(cell: C): C {
  return constant_(cell, 0);
}

/** Fills with 1. */
export function ones_<C extends Cell>(cell: C): C {
  return constant_(cell, 1);
}

/** What follows the weights; `calculateGain` knows by how much each changes the scale of a signal. */
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
  | 'selu';

/**
 * The recommended gain for a nonlinearity: linear and convolutions 1, sigmoid 1, tanh 5/3, relu √2, leakyRelu
 * √(2 / (1 + slope²)), selu 3/4.
 *
 * @param nonlinearity What follows the weights.
 * @param param The negative slope of leakyRelu. Default 0.01.
 * @throws OutOfRangeError for an unknown nonlinearity.
 * @example
 * nn.init.calculateGain('leakyRelu', 0.2); // √(2 / (1 + 0.2²)) = 1.3868
 */
export function calculateGain(nonlinearity: Nonlinearity, param = 0.01): number {
  switch (nonlinearity) {
    case 'linear':
    case 'conv1d':
    case 'conv2d':
    case 'conv3d':
    case 'convTranspose1d':
    case 'convTranspose2d':
    case 'convTranspose3d':
    case 'sigmoid':
      return 1;
    case 'tanh':
      return 5 / 3;
    case 'relu':
      return Math.sqrt(2);
    case 'leakyRelu':
      return Math.sqrt(2 / (1 + param ** 2));
    case 'selu':
      return 3 / 4;
    default:
      nonlinearity satisfies never;
      throw new OutOfRangeError(
        `calculateGain: unknown nonlinearity '${String(nonlinearity)}'. Known: linear, conv1d, conv2d, conv3d, ` +
          `convTranspose1d, convTranspose2d, convTranspose3d, sigmoid, tanh, relu, leakyRelu, selu`,
      );
  }
}

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
  /** The negative slope of the rectifier that follows (leakyRelu only). Default 0. */
  a?: number;
  /** Whether the variance is kept in the forward pass ('fanIn', default) or the backward pass ('fanOut'). */
  mode?: 'fanIn' | 'fanOut';
  /** What follows; 'relu' or 'leakyRelu' recommended. Default 'leakyRelu'. */
  nonlinearity?: Nonlinearity;
}

function kaimingStd(
  fn: string,
  weight: Aval,
  { a = 0, mode = 'fanIn', nonlinearity = 'leakyRelu' }: KaimingOptions,
): number {
  if (mode !== 'fanIn' && mode !== 'fanOut') {
    throw new OutOfRangeError(`${fn}: mode is 'fanIn' or 'fanOut', got '${String(mode)}'`);
  }
  return calculateGain(nonlinearity, a) / Math.sqrt(fanInAndFanOut(weight)[mode]);
}

/**
 * Fills a weight with numbers from U(−bound, bound), bound = gain · √(3 / fan): signals keep their scale through
 * rectifiers.
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
