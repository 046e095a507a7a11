/**
 * Rows of a table by number: word vectors.
 */
import { DTypeError, FakkelError, OutOfRangeError, ShapeError } from '../errors.js';
import { hide, noGrad } from '../graph/modes.js';
import { checkTensor, record1 } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { Cell } from '../runtime/cell.js';
import { formatAval } from '../shape.js';
import { checkOptions, numberInput } from './arguments.js';
import { checkFloat } from './common.js';
import { filled, literal, zerosOf } from './constants.js';
import { defineOp } from './def.js';
import { outOfRange } from './host.js';
import { where } from './logic.js';

type EmbeddingAttrs = {
  /** A row that gets no gradient. */
  readonly paddingIdx: number | null;
  /** Whether the gradient of a row is divided by how often it was looked up. */
  readonly scaleGradByFreq: boolean;
};

const flat = (index: Tensor): Tensor => index.reshape([index.numel()]);

/** How often each of n rows is looked up. */
const counts = (index: Tensor, n: number, like: Tensor): Tensor =>
  filled(0, [n], like).indexAdd(0, flat(index), filled(1, [index.numel()], like));

const embeddingOp = defineOp<EmbeddingAttrs>({
  name: 'embedding',
  jacobian: 'selection',
  infer: ([weight, index]) => [{ shape: [...index.shape, weight.shape[1]], dtype: weight.dtype }],
  vjp: {
    reads: { inputs: [1] },
    backward({ inputs: [weight, index], gradient, attrs: { paddingIdx, scaleGradByFreq } }) {
      const rows = flat(index);
      let g = gradient.reshape([index.numel(), weight.shape[1]]);
      if (paddingIdx !== null) g = where(rows.eq(paddingIdx).unsqueeze(1), 0, g);
      if (scaleGradByFreq) g = g.div(counts(index, weight.shape[0], weight).indexSelect(0, rows).unsqueeze(1));
      return [zerosOf(weight).indexAdd(0, rows, g)];
    },
  },
  decompose: ([weight, index]) => [weight.indexSelect(0, flat(index)).reshape([...index.shape, weight.shape[1]])],
});

/** What {@link embedding} takes beside numbers and table. */
export interface EmbeddingOptions {
  /** A row that gets no gradient; negative counts from the end. Default: none. */
  paddingIdx?: number | null;
  /** Rows that are looked up and longer than this are made so long in the table itself. Default: none are. */
  maxNorm?: number | null;
  /** Which norm `maxNorm` means. Default 2. */
  normType?: number;
  /** Whether the gradient of a row is divided by how often it was looked up. Default false. */
  scaleGradByFreq?: boolean;
}

export const EMBEDDING_OPTIONS = [
  'paddingIdx',
  'maxNorm',
  'normType',
  'scaleGradByFreq',
] satisfies (keyof EmbeddingOptions)[];

/**
 * Rows of a table by number, as `F.embedding`. The gradient of a row is the sum over the places where it stands.
 *
 * Shape: index int32 `[…]`, weight `[rows, D]` give `[…, D]`.
 *
 * @param index Numbers of rows, from 0.
 * @param weight The table. With `maxNorm` a Parameter or Buffer, which is written to; call `backward()` before the next
 *   look-up then.
 * @throws OutOfRangeError for a row that the table doesn't have: at once where the numbers are on the host, when it runs
 *   otherwise. DTypeError unless they are int32.
 * @example
 * const table = tensor([[0, 0], [1, 2], [3, 4]]);
 * await nn.functional.embedding(tensor([[2, 1]], { dtype: 'int32' }), table).toArray(); // [[[3, 4], [1, 2]]]
 */
export function embedding(index: Tensor, weight: Tensor, options: EmbeddingOptions = {}): Tensor {
  const op = 'embedding';
  checkTensor(op, index);
  checkTensor(op, weight);
  checkOptions(op, options, EMBEDDING_OPTIONS);
  const { maxNorm = null, normType = 2, scaleGradByFreq = false } = options;
  if (index.dtype !== 'int32') {
    throw new DTypeError(
      `${op}: expected int32 numbers of rows, got ${formatAval(index)} for a table ${formatAval(weight)}. Convert them ` +
        `with index.to('int32'); the index comes first, the table second.`,
    );
  }
  checkFloat(op, [weight]);
  if (weight.ndim !== 2) throw new ShapeError(`${op}: expected a table [rows, D], got ${formatAval(weight)}`);
  const paddingIdx = paddingRow(op, options.paddingIdx, weight.shape[0]);
  const bad = outOfRange(index, weight.shape[0]);
  if (bad) throw new OutOfRangeError(`${op}: row ${bad} (the table is ${formatAval(weight)})`);
  if (maxNorm !== null) shorten(op, index, weight, maxNorm, normType);
  return record1(embeddingOp, [weight, index], { paddingIdx, scaleGradByFreq });
}

/** A row of the table, counted from its start. */
export function paddingRow(op: string, paddingIdx: number | null | undefined, rows: number): number | null {
  if (paddingIdx === null || paddingIdx === undefined) return null;
  if (!Number.isInteger(paddingIdx) || paddingIdx < -rows || paddingIdx >= rows) {
    throw new OutOfRangeError(
      `${op}: paddingIdx is a row of the table, from ${-rows} to ${rows - 1}, got ${paddingIdx}`,
    );
  }
  return paddingIdx < 0 ? paddingIdx + rows : paddingIdx;
}

/** Writes to the table: rows that are looked up and too long become shorter. */
function shorten(op: string, index: Tensor, weight: Tensor, maxNorm: number, normType: number): void {
  if (!(weight instanceof Cell)) {
    throw new FakkelError(
      `${op}: maxNorm writes to the table, and a tensor ${formatAval(weight)} is immutable. Wrap it: new nn.Parameter(x).`,
    );
  }
  noGrad(() =>
    hide(() => {
      const isUsed = counts(index, weight.shape[0], weight).gt(0).unsqueeze(1);
      const length = weight.norm(normType, 1, true);
      // 1e-7 as in PyTorch.
      const shorter = weight.mul(numberInput(maxNorm, weight).div(length.add(literal(1e-7, weight))));
      weight.assign(where(isUsed.logicalAnd(length.gt(maxNorm)), shorter, weight));
    }),
  );
}
