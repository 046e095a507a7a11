/**
 * Parts of a tensor: along an axis, and of matrices. Where a part starts is an input of programs; how long it is, their structure.
 */
import { OutOfRangeError, ShapeError } from '../errors.js';
import { asRule } from '../graph/modes.js';
import { checkTensor, describe, record1, scalar } from '../graph/record.js';
import { isTensor, type Tensor } from '../graph/tensor.js';
import { formatAval, normalizeDim, type Aval } from '../shape.js';
import { composed } from './compose.js';
import { iota, literal, zerosOf } from './constants.js';
import { defineOp, type Op } from './def.js';
import { where } from './logic.js';

type NarrowAttrs = { readonly dim: number; readonly length: number; readonly step: number };

const narrowOp: Op<NarrowAttrs> = defineOp<NarrowAttrs>({
  name: 'narrow',
  jacobian: 'selection',
  infer: ([x], { dim, length }) => [{ shape: x.shape.with(dim, length), dtype: x.dtype }],
  vjp: {
    reads: { inputs: [1] },
    backward: ({ inputs: [x, start], attrs: { dim, step }, gradient }) => [
      record1(scatterOp, [zerosOf(x), gradient, start], { dim, step }),
    ],
  },
});

type ScatterAttrs = { readonly dim: number; readonly step: number };

const scatterOp: Op<ScatterAttrs> = defineOp<ScatterAttrs>({
  name: 'sliceScatter',
  jacobian: 'selection',
  infer: ([base]) => [{ shape: base.shape, dtype: base.dtype }],
  vjp: {
    reads: { inputs: [2] },
    backward: ({ inputs: [, source, start], attrs: { dim, step }, gradient, needs }) => [
      needs[0] ? record1(scatterOp, [gradient, zerosOf(source), start], { dim, step }) : null,
      needs[1] ? record1(narrowOp, [gradient, start], { dim, length: source.shape[dim], step }) : null,
    ],
  },
});

function startAt(x: Tensor, start: number): Tensor {
  return scalar(start, 'int32', x.device);
}

function axisOf(op: string, x: Tensor, dim: number): number {
  checkTensor(op, x);
  if (x.ndim === 0) throw new ShapeError(`${op}: ${formatAval(x)} has no axes`);
  return normalizeDim(op, dim, x.ndim);
}

/**
 * `length` elements along an axis, from `start` on.
 *
 * @param start A number, negative from the end; or an int32 tensor without axes, which can't be checked here.
 * @throws OutOfRangeError unless the part lies within the axis.
 * @example
 * await tensor([1, 2, 3, 4]).narrow(0, 1, 2).toArray(); // [2, 3]
 */
export function narrow(x: Tensor, dim: number, start: number | Tensor, length: number): Tensor {
  const axis = axisOf('narrow', x, dim);
  const size = x.shape[axis];
  if (!Number.isInteger(length) || length < 0 || length > size) outside('narrow', x, dim, `length ${length}`);
  const attrs = { dim: axis, length, step: 1 };
  if (isTensor(start)) {
    if (start.dtype !== 'int32' || start.ndim > 0) {
      throw new ShapeError(`narrow: expected an int32 tensor without axes as start, got ${formatAval(start)}`);
    }
    return record1(narrowOp, [x, start], attrs);
  }
  const from = start < 0 ? start + size : start;
  if (!Number.isInteger(start) || from < 0 || from + length > size) {
    outside('narrow', x, dim, `start ${start} and length ${length}`);
  }
  return record1(narrowOp, [x, startAt(x, from)], attrs);
}

function outside(op: string, x: Aval, dim: number, what: string): never {
  const size = x.shape.at(dim);
  throw new OutOfRangeError(
    `${op}: ${what} out of range for axis ${dim} of ${formatAval(x)}, which has ${size} elements`,
  );
}

/**
 * Elements `start`, `start + step`, … before `end` along an axis: Python's `x[start:end:step]`.
 *
 * Bounds count from the end where negative, and are cut to the axis.
 *
 * @param step A whole number from 1 up. Default 1.
 * @throws OutOfRangeError for another step.
 * @example
 * await tensor([1, 2, 3, 4]).slice(0, 1).toArray(); // [2, 3, 4]
 * await tensor([1, 2, 3, 4]).slice(0, 0, -1, 2).toArray(); // [1, 3]
 */
export function slice(x: Tensor, dim: number, start = 0, end = Infinity, step = 1): Tensor {
  const axis = axisOf('slice', x, dim);
  const { from, length } = bounds('slice', x.shape[axis], start, end, step);
  return record1(narrowOp, [x, startAt(x, from)], { dim: axis, length, step });
}

function bounds(op: string, size: number, start: number, end: number, step: number): { from: number; length: number } {
  if (!Number.isInteger(step) || step < 1) {
    throw new OutOfRangeError(`${op}: expected a step from 1 up, got ${step}. Use flip to go backwards.`);
  }
  if (!Number.isInteger(start) || (!Number.isInteger(end) && end !== Infinity)) {
    throw new OutOfRangeError(`${op}: expected whole numbers as bounds, got ${start} and ${end}`);
  }
  const cut = (at: number): number => Math.min(Math.max(at < 0 ? at + size : at, 0), size);
  const from = cut(start);
  return { from, length: Math.max(0, Math.ceil((cut(end) - from) / step)) };
}

/**
 * x with `source` in place of `x.slice(dim, start, end, step)`: `torch.slice_scatter`.
 *
 * @throws ShapeError unless the source has the shape and dtype of that part.
 * @example
 * await zeros(4).sliceScatter(tensor([1, 2]), 0, 1, 3).toArray(); // [0, 1, 2, 0]
 */
export function sliceScatter(x: Tensor, source: Tensor, dim = 0, start = 0, end = Infinity, step = 1): Tensor {
  const axis = axisOf('sliceScatter', x, dim);
  checkTensor('sliceScatter', source);
  const { from, length } = bounds('sliceScatter', x.shape[axis], start, end, step);
  const expected = { shape: x.shape.with(axis, length), dtype: x.dtype };
  if (formatAval(source) !== formatAval(expected)) {
    throw new ShapeError(`sliceScatter: expected a source ${formatAval(expected)}, got ${formatAval(source)}`);
  }
  return record1(scatterOp, [x, source, startAt(x, from)], { dim: axis, step });
}

/**
 * The element at `index` along an axis, which disappears: `x[:, index]`.
 *
 * @param index Negative from the end; or an int32 tensor without axes.
 * @throws OutOfRangeError if the index is outside the axis.
 * @example
 * await tensor([[1, 2], [3, 4]]).select(1, -1).toArray(); // [2, 4]
 */
export function select(x: Tensor, dim: number, index: number | Tensor): Tensor {
  const axis = axisOf('select', x, dim);
  const size = x.shape[axis];
  if (!isTensor(index) && (!Number.isInteger(index) || index < -size || index >= size)) {
    outside('select', x, dim, `index ${typeof index === 'number' ? index : describe(index)}`);
  }
  return composed(() => narrow(x, axis, index, 1).reshape(x.shape.toSpliced(axis, 1)));
}

/** Parts that follow from the shape: their starts are part of the program. */
function parts(x: Tensor, axis: number, lengths: readonly number[]): Tensor[] {
  let start = 0;
  return lengths.map((length) => {
    const from = asRule(() => startAt(x, start));
    start += length;
    return record1(narrowOp, [x, from], { dim: axis, length, step: 1 });
  });
}

/**
 * The tensors along an axis, which disappears.
 *
 * @throws OutOfRangeError if the axis is out of range.
 * @example
 * const [a, b] = tensor([[1, 2], [3, 4]]).unbind();
 * await b.toArray(); // [3, 4]
 */
export function unbind(x: Tensor, dim = 0): Tensor[] {
  const axis = axisOf('unbind', x, dim);
  const shape = x.shape.toSpliced(axis, 1);
  const lengths = new Array<number>(x.shape[axis]).fill(1);
  return composed(() => parts(x, axis, lengths).map((part) => part.reshape(shape)));
}

/**
 * Parts of `size` along an axis, the last one possibly smaller; or parts of the given sizes.
 *
 * @throws OutOfRangeError unless given sizes sum to that of the axis.
 * @example
 * tensor([1, 2, 3, 4, 5]).split(2).map((part) => part.shape[0]); // [2, 2, 1]
 * tensor([1, 2, 3, 4, 5]).split([1, 4]).map((part) => part.shape[0]); // [1, 4]
 */
export function split(x: Tensor, size: number | readonly number[], dim = 0): Tensor[] {
  const axis = axisOf('split', x, dim);
  const total = x.shape[axis];
  if (typeof size !== 'number') {
    const sum = size.reduce((a, b) => a + b, 0);
    if (sum !== total || !size.every((n) => Number.isInteger(n) && n >= 0)) {
      throw new OutOfRangeError(
        `split: the sizes [${size.join(',')}] must sum to ${total}, axis ${dim} of ${formatAval(x)}`,
      );
    }
    return parts(x, axis, size);
  }
  if (!Number.isInteger(size) || size < 1) throw new OutOfRangeError(`split: expected a size from 1 up, got ${size}`);
  const count = Math.max(1, Math.ceil(total / size));
  return parts(
    x,
    axis,
    Array.from({ length: count }, (_, i) => Math.min(size, total - i * size)),
  );
}

/**
 * At most `chunks` parts of equal size along an axis, the last one possibly smaller.
 *
 * @throws OutOfRangeError unless `chunks` is a whole number from 1 up.
 * @example
 * tensor([1, 2, 3, 4, 5]).chunk(2).map((part) => part.shape[0]); // [3, 2]
 */
export function chunk(x: Tensor, chunks: number, dim = 0): Tensor[] {
  const axis = axisOf('chunk', x, dim);
  if (!Number.isInteger(chunks) || chunks < 1) {
    throw new OutOfRangeError(`chunk: expected a number of chunks from 1 up, got ${chunks}`);
  }
  const total = x.shape[axis];
  return total === 0 ? parts(x, axis, new Array<number>(chunks).fill(0)) : split(x, Math.ceil(total / chunks), axis);
}

/**
 * The diagonal of the matrices along two axes, as a new last axis.
 *
 * @param offset Which diagonal: positive above the main one, negative below.
 * @throws OutOfRangeError if an axis is out of range, or the offset outside the matrix.
 * @example
 * await tensor([[1, 2], [3, 4]]).diagonal().toArray(); // [1, 4]
 */
export function diagonal(x: Tensor, offset = 0, dim1 = 0, dim2 = 1): Tensor {
  const a = axisOf('diagonal', x, dim1);
  const b = axisOf('diagonal', x, dim2);
  if (a === b)
    throw new ShapeError(`diagonal: expected two different axes, got ${dim1} and ${dim2} of ${formatAval(x)}`);
  const [rows, columns] = [x.shape[a], x.shape[b]];
  const length = Math.max(0, offset >= 0 ? Math.min(rows, columns - offset) : Math.min(rows + offset, columns));
  const start = offset >= 0 ? offset : -offset * columns;
  return composed(() => {
    const flat = x.movedim([a, b], [-2, -1]).flatten(-2);
    const from = length === 0 ? 0 : start;
    return record1(narrowOp, [flat, startAt(x, from)], { dim: flat.ndim - 1, length, step: columns + 1 });
  });
}

/** x where `keeps` says so of row and column, else 0. */
function triangle(op: string, x: Tensor, diagonal: number, keeps: 'le' | 'ge'): Tensor {
  checkTensor(op, x);
  if (x.ndim < 2) throw new ShapeError(`${op}: expected at least two axes, got ${formatAval(x)}`);
  if (!Number.isInteger(diagonal))
    throw new OutOfRangeError(`${op}: expected a whole number as diagonal, got ${diagonal}`);
  const [rows, columns] = x.shape.slice(-2);
  return composed(() => {
    const last = iota(rows, x.device)
      .add(scalar(diagonal, 'int32', x.device))
      .unsqueeze(1);
    return where(iota(columns, x.device)[keeps](last), x, literal(0, x));
  });
}

/**
 * The lower triangle of matrices, the rest 0.
 *
 * @param diagonal The last diagonal that is kept: positive above the main one, negative below.
 * @throws ShapeError for fewer than two axes.
 * @example
 * await tensor([[1, 2], [3, 4]]).tril().toArray(); // [[1, 0], [3, 4]]
 */
export function tril(x: Tensor, diagonal = 0): Tensor {
  return triangle('tril', x, diagonal, 'le');
}

/**
 * The upper triangle of matrices, the rest 0.
 *
 * @param diagonal The first diagonal that is kept: positive above the main one, negative below.
 * @throws ShapeError for fewer than two axes.
 * @example
 * await tensor([[1, 2], [3, 4]]).triu().toArray(); // [[1, 2], [0, 4]]
 */
export function triu(x: Tensor, diagonal = 0): Tensor {
  return triangle('triu', x, diagonal, 'ge');
}
