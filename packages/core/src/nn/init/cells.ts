/**
 * What initializers share: they write to cells, and draw in the order of their calls.
 */
import { allocate, isFloat, itemSize, type TypedArray } from '../../dtype.js';
import { FakkelError } from '../../errors.js';
import { modes } from '../../graph/modes.js';
import { describe, fromHost } from '../../graph/record.js';
import { isTensor, Tensor } from '../../graph/tensor.js';
import type { Generator } from '../../random/generator.js';
import { Cell } from '../../runtime/cell.js';
import { Storage } from '../../runtime/storage.js';
import { formatAval } from '../../shape.js';

/** Where random initializers draw from. */
export interface RandomOptions {
  /** Default: the generator that `manualSeed` seeds. */
  generator?: Generator;
}

/** Throws unless it is a cell. */
export function checkCell(fn: string, cell: unknown): asserts cell is Cell {
  if (cell instanceof Cell) return;
  if (isTensor(cell)) {
    throw new FakkelError(
      `${fn}: expected a Parameter or Buffer, got a tensor ${formatAval(cell)}, which is immutable. Wrap it: new nn.Parameter(x).`,
    );
  }
  throw new TypeError(`${fn}: expected a Parameter or Buffer, got ${describe(cell)}`);
}

function checkFloat(fn: string, cell: unknown): asserts cell is Cell {
  checkCell(fn, cell);
  if (!isFloat(cell.dtype))
    throw new FakkelError(`${fn}: expected a float parameter or buffer, got ${formatAval(cell)}`);
}

/** From this many elements on, numbers are drawn when they are read: most large weights are loaded over before that. */
const LAZY_ELEMENTS = 1 << 16;

/**
 * A cell's new contents from a distribution. The generator moves on at once; large contents are drawn when they are read,
 * so that a model whose weights are loaded spends neither time nor memory on those that it began with.
 *
 * @param words How many 32-bit words an element takes, by item size: 4 bytes one, 8 bytes two.
 * @param sample Fills an array from the generator that it is given; takes `words` for each element of a large one.
 */
export function drawFrom<C extends Cell>(
  fn: string,
  cell: C,
  generator: Generator,
  words: (elements: number, perElement: number) => number,
  sample: (generator: Generator, out: Float32Array | Float64Array) => void,
): C {
  const size = isTensor(cell) ? cell.numel() : 0;
  if (size < LAZY_ELEMENTS) return draw(fn, cell, (out) => sample(generator, out));
  checkFloat(fn, cell);
  if (modes.skipInit) return cell;
  const { dtype } = cell;
  sample(generator.clone(), allocate(dtype, 0) as Float32Array); // refuses what it would refuse later
  const start = generator.clone();
  generator._skip(words(size, itemSize(dtype) / 4));
  const value = new Tensor({ shape: cell.shape, dtype }, cell.device);
  const drawn = (): TypedArray => {
    const out = allocate(dtype, size) as Float32Array;
    sample(start.clone(), out);
    return out;
  };
  value._storage = Storage.drawn(value, drawn, 'data');
  cell.assign(value);
  return cell;
}

/** Draws a cell's new contents at once, so that the generator moves on by this call and not by a later read. */
export function draw<C extends Cell>(fn: string, cell: C, fill: (out: Float32Array | Float64Array) => void): C {
  checkFloat(fn, cell);
  if (modes.skipInit) return cell;
  const out = allocate(cell.dtype, cell.numel()) as Float32Array | Float64Array;
  if (out.length > 0) fill(out);
  cell.assign(fromHost(out, { shape: cell.shape, dtype: cell.dtype }, cell.device));
  return cell;
}
