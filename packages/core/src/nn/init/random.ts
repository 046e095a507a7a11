/**
 * Initialization with random numbers of a given distribution.
 */
import { defaultGenerator } from '../../random/generator.js';
import type { Cell } from '../../runtime/cell.js';
import { drawFrom, type RandomOptions } from './cells.js';

const uniformWords = (elements: number, perElement: number): number => elements * perElement;

/** Drawn in blocks of 16; where the last is not full, the last 16 elements are drawn again. */
const normalWords = (elements: number, perElement: number): number =>
  (elements + (elements % 16 === 0 ? 0 : 16)) * perElement;

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
  return drawFrom('init.uniform_', cell, generator, uniformWords, (from, out) => from.uniform(out, a, b));
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
  return drawFrom('init.normal_', cell, generator, normalWords, (from, out) => from.normal(out, mean, std));
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
  return drawFrom('init.truncNormal_', cell, generator, uniformWords, (from, out) =>
    from.truncNormal(out, mean, std, a, b),
  );
}
