/**
 * Larger tensors from smaller ones: joined, padded, shifted; and the triangles of matrices.
 */
import { RangeError_, ShapeError } from '../errors.js';
import { asRule } from '../graph/modes.js';
import { checkTensor, describe, operands, record1, scalar, type TensorLike } from '../graph/record.js';
import { isTensor, type Tensor } from '../graph/tensor.js';
import { promote } from '../dtype.js';
import { formatAval, normalizeDim, type Aval } from '../shape.js';
import { castTo, checkSameDType } from './common.js';
import { composed } from './compose.js';
import { iota, literal } from './constants.js';
import { defineOp } from './def.js';
import { where } from './logic.js';

const catOp = defineOp<{ dim: number }>({
  name: 'cat',
  infer(inputs, { dim }) {
    const [first] = inputs;
    const dtype = checkSameDType('cat', inputs);
    for (const input of inputs) checkAlike('cat', first, input, dim);
    return [
      {
        shape: first.shape.with(
          dim,
          inputs.reduce((sum, x) => sum + x.shape[dim], 0),
        ),
        dtype,
      },
    ];
  },
  vjp: {
    reads: {},
    backward({ inputs, attrs: { dim }, gradient }) {
      const parts = gradient.split(
        inputs.map((x) => x.shape[dim]),
        dim,
      );
      return parts;
    },
  },
});

function checkAlike(op: string, first: Aval, other: Aval, dim: number | null): void {
  const same =
    first.shape.length === other.shape.length && first.shape.every((n, i) => i === dim || n === other.shape[i]);
  if (same) return;
  const where = dim === null ? '' : ` in all axes but ${dim}`;
  throw new ShapeError(
    `${op}: expected tensors of one shape${where}, got ${formatAval(first)} and ${formatAval(other)}`,
  );
}

function checkList(op: string, tensors: unknown): asserts tensors is readonly Tensor[] {
  if (!Array.isArray(tensors))
    throw new TypeError(
      `${op}: expected an array of tensors, got ${isTensor(tensors) ? 'one tensor' : describe(tensors)}`,
    );
  if (tensors.length === 0) throw new ShapeError(`${op}: expected at least one tensor, got none`);
  for (const x of tensors) checkTensor(op, x);
}

/** Tensors in the dtype that holds them all. */
function promoted(tensors: readonly Tensor[]): Tensor[] {
  const dtype = tensors.map((x) => x.dtype).reduce(promote);
  return tensors.map((x) => castTo(x, dtype));
}

/**
 * Tensors joined along an axis.
 *
 * Shape: equal in all other axes.
 *
 * @throws ShapeError if they differ in another axis.
 * @example
 * await cat([tensor([1, 2]), tensor([3])]).toArray(); // [1, 2, 3]
 */
export function cat(tensors: readonly Tensor[], dim = 0): Tensor {
  checkList('cat', tensors);
  const [first] = tensors;
  // PyTorch leaves tensors of shape [0] out, whatever the others look like.
  const list = tensors.filter((x) => x.ndim !== 1 || x.shape[0] > 0 || first.ndim === 1);
  const like = list[0] ?? first;
  if (like.ndim === 0) throw new ShapeError(`cat: ${formatAval(like)} has no axes to join along. Use stack.`);
  const axis = normalizeDim('cat', dim, like.ndim);
  for (const x of list) checkAlike('cat', like, x, axis);
  return composed(() => {
    const inputs = promoted(list);
    const filled = inputs.filter((x) => x.numel() > 0);
    return record1(catOp, filled.length > 0 ? filled : inputs, { dim: axis });
  });
}

/**
 * Tensors of one shape joined along a new axis.
 *
 * @throws ShapeError if the shapes differ.
 * @example
 * await stack([tensor([1, 2]), tensor([3, 4])]).toArray(); // [[1, 2], [3, 4]]
 */
export function stack(tensors: readonly Tensor[], dim = 0): Tensor {
  checkList('stack', tensors);
  const axis = normalizeDim('stack', dim, tensors[0].ndim, 1);
  for (const x of tensors) checkAlike('stack', tensors[0], x, null);
  return composed(() =>
    cat(
      tensors.map((x) => x.unsqueeze(axis)),
      axis,
    ),
  );
}

type PadAttrs = { readonly pads: readonly (readonly [before: number, after: number])[] };

const padOp = defineOp<PadAttrs>({
  name: 'pad',
  infer: ([x], { pads }) => [{ shape: x.shape.map((size, i) => size + pads[i][0] + pads[i][1]), dtype: x.dtype }],
  vjp: {
    reads: {},
    backward({ inputs: [x], attrs: { pads }, gradient, needs }) {
      const inner = pads.reduce(
        (g, [before], i) => (g.shape[i] === x.shape[i] ? g : g.narrow(i, before, x.shape[i])),
        gradient,
      );
      return [inner, needs[1] ? gradient.sum().sub(inner.sum()) : null];
    },
  },
});

/** How {@link pad} fills. */
export interface PadOptions {
  /**
   * `constant`: with `value`; `reflect`: mirrored without the edge; `replicate`: with the edge; `circular`: from the
   * other side. Default constant.
   */
  readonly mode?: 'constant' | 'reflect' | 'replicate' | 'circular';
  /** A number or a tensor without axes. Default 0. */
  readonly value?: TensorLike;
}

/**
 * x with elements added before and after along its last axes: `torch.nn.functional.pad`.
 *
 * @param pads Counts before and after, from the last axis backwards: `[left, right, top, bottom]`. Negative ones crop.
 * @throws ShapeError for an odd number of counts, or more than the axes; RangeError if a mode can't fill that much.
 * @example
 * await tensor([[1, 2]]).pad([1, 0]).toArray(); // [[0, 1, 2]]
 * await tensor([1, 2, 3]).pad([2, 1], { mode: 'reflect' }).toArray(); // [3, 2, 1, 2, 3, 2]
 */
export function pad(x: Tensor, pads: readonly number[], options: PadOptions = {}): Tensor {
  checkTensor('pad', x);
  const { mode = 'constant', value = 0 } = options;
  const perAxis = padsPerAxis(x, pads);
  return composed(() => {
    // What is cut off goes first: the modes look at what is left.
    const cropped = perAxis.reduce<Tensor>((t, [before, after], axis) => {
      if (before >= 0 && after >= 0) return t;
      const start = Math.max(-before, 0);
      return t.narrow(axis, start, t.shape[axis] - start - Math.max(-after, 0));
    }, x);
    const added = perAxis.map(([before, after]) => [Math.max(before, 0), Math.max(after, 0)] as const);
    if (mode !== 'constant') {
      return added.reduce<Tensor>((t, [before, after], axis) => {
        return before + after === 0 ? t : t.indexSelect(axis, paddingIndex(t, axis, before, after, mode));
      }, cropped);
    }
    const [, fill] = operands('pad', [x, value]);
    return record1(padOp, [cropped, castTo(fill, x.dtype)], { pads: added });
  });
}

function padsPerAxis(x: Tensor, pads: readonly number[]): (readonly [number, number])[] {
  if (!Array.isArray(pads) || pads.length % 2 !== 0 || pads.length > 2 * x.ndim || !pads.every(Number.isInteger)) {
    const got = Array.isArray(pads) ? `[${pads.join(',')}]` : describe(pads);
    throw new ShapeError(
      `pad: expected two whole numbers an axis, from the last one backwards ([left, right, top, bottom]), for at most ` +
        `${x.ndim} axes of ${formatAval(x)}, got ${got}`,
    );
  }
  return x.shape.map((size, axis) => {
    const at = 2 * (x.ndim - 1 - axis);
    const [before, after] = at < pads.length ? [pads[at], pads[at + 1]] : [0, 0];
    if (size + before + after < 0 || size + Math.min(before, 0) + Math.min(after, 0) < 0) {
      throw new ShapeError(
        `pad: [${before},${after}] cuts more than the ${size} elements of axis ${axis} of ${formatAval(x)}`,
      );
    }
    return [before, after];
  });
}

/** Which element of the axis each padded one is. */
function paddingIndex(
  x: Tensor,
  axis: number,
  before: number,
  after: number,
  mode: 'reflect' | 'replicate' | 'circular',
): Tensor {
  const size = x.shape[axis];
  const most = mode === 'reflect' ? size - 1 : mode === 'circular' ? size : size > 0 ? Infinity : 0;
  if (before > most || after > most) {
    throw new RangeError_(
      `pad: mode '${mode}' can add at most ${most} elements to axis ${axis} of ${formatAval(x)}, got [${before},${after}]`,
    );
  }
  return asRule(() => {
    const index = iota(size + before + after, x.device).sub(before);
    if (mode === 'circular') return index.remainder(size);
    if (mode === 'replicate') return index.clamp(0, size - 1);
    return index
      .abs()
      .sub(size - 1)
      .abs()
      .neg()
      .add(size - 1);
  });
}

/**
 * Shifted along axes, with what leaves at one end entering at the other; without axes, in the flattened tensor.
 *
 * @param shifts How far, towards higher indices; one number an axis.
 * @throws RangeError if an axis is out of range; ShapeError unless there are as many shifts as axes.
 * @example
 * await tensor([1, 2, 3]).roll(1).toArray(); // [3, 1, 2]
 */
export function roll(x: Tensor, shifts: number | readonly number[], dims?: number | readonly number[]): Tensor {
  checkTensor('roll', x);
  const by = [shifts].flat() as number[];
  if (dims === undefined) {
    if (by.length !== 1) throw new ShapeError(`roll: expected axes for ${by.length} shifts`);
    return composed(() => x.flatten().roll(by, 0).reshape(x.shape));
  }
  const axes = ([dims].flat() as number[]).map((dim) => normalizeDim('roll', dim, x.ndim));
  if (axes.length !== by.length || !by.every(Number.isInteger)) {
    throw new ShapeError(
      `roll: expected a whole number for each axis, got shifts [${by.join(',')}] and axes [${axes.join(',')}]`,
    );
  }
  // Twice the tensor, cut where the shift says: the shift is an input, so all shifts are one program.
  return composed(() =>
    axes.reduce((t, axis, i) => {
      const size = t.shape[axis] ?? 0;
      if (size === 0) return t;
      return cat([t, t], axis).narrow(axis, ((-by[i] % size) + size) % size, size);
    }, x),
  );
}

/** x where `keeps` says so of row and column, else 0. */
function triangle(op: string, x: Tensor, diagonal: number, keeps: 'le' | 'ge'): Tensor {
  checkTensor(op, x);
  if (x.ndim < 2) throw new ShapeError(`${op}: expected at least two axes, got ${formatAval(x)}`);
  if (!Number.isInteger(diagonal)) throw new RangeError_(`${op}: expected a whole number as diagonal, got ${diagonal}`);
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
