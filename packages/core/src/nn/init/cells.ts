/**
 * What initializers share: they write to cells, and draw at once.
 */
import { allocate, isFloat } from '../../dtype.js';
import { FakkelError } from '../../errors.js';
import { describe, fromHost } from '../../graph/record.js';
import { isTensor } from '../../graph/tensor.js';
import type { Generator } from '../../random/generator.js';
import { Cell } from '../../runtime/cell.js';
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

/** Draws a cell's new contents at once, so that the generator moves on by this call and not by a later read. */
export function draw<C extends Cell>(fn: string, cell: C, fill: (out: Float32Array | Float64Array) => void): C {
  checkCell(fn, cell);
  if (!isFloat(cell.dtype))
    throw new FakkelError(`${fn}: expected a float parameter or buffer, got ${formatAval(cell)}`);
  const out = allocate(cell.dtype, cell.numel()) as Float32Array | Float64Array;
  if (out.length > 0) fill(out);
  cell.assign(fromHost(out, { shape: cell.shape, dtype: cell.dtype }, cell.device));
  return cell;
}
