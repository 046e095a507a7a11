/**
 * Padding and shifting.
 */
import { OutOfRangeError, ShapeError } from '../errors.js';
import { asRule } from '../graph/modes.js';
import { checkTensor, describe, operands, record1, type TensorLike } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { formatAval, normalizeDim } from '../shape.js';
import { checkOptions } from './arguments.js';
import { castTo } from './common.js';
import { composed } from './compose.js';
import { iota } from './constants.js';
import { defineOp } from './def.js';
import { cat } from './joining.js';

type PadAttrs = { readonly pads: readonly (readonly [before: number, after: number])[] };

const padOp = defineOp<PadAttrs>({
  name: 'pad',
  jacobian: 'selection',
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

const MODES = ['constant', 'reflect', 'replicate', 'circular'] as const;

/** How {@link pad} fills. */
export interface PadOptions {
  /**
   * `constant`: with `value`; `reflect`: mirrored without the edge; `replicate`: with the edge; `circular`: from the
   * other side. Default constant.
   */
  readonly mode?: (typeof MODES)[number];
  /** A number or a tensor without axes. Default 0. */
  readonly value?: TensorLike;
}

/**
 * x with elements added before and after along its last axes: `torch.nn.functional.pad`.
 *
 * @param pads Counts before and after, from the last axis backwards: `[left, right, top, bottom]`. Negative ones crop.
 * @throws ShapeError for an odd number of counts, or more than the axes; OutOfRangeError if a mode can't fill that much.
 * @example
 * await tensor([[1, 2]]).pad([1, 0]).toArray(); // [[0, 1, 2]]
 * await tensor([1, 2, 3]).pad([2, 1], { mode: 'reflect' }).toArray(); // [3, 2, 1, 2, 3, 2]
 */
export function pad(x: Tensor, pads: readonly number[], options: PadOptions = {}): Tensor {
  checkTensor('pad', x);
  checkOptions('pad', options, ['mode', 'value']);
  const { mode = 'constant', value = 0 } = options;
  if (!MODES.includes(mode)) {
    throw new TypeError(`pad: expected mode ${MODES.map((m) => `'${m}'`).join(', ')}, got ${describe(mode)}`);
  }
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

const isArray = (value: unknown): boolean => Array.isArray(value);

function padsPerAxis(x: Tensor, pads: readonly number[]): (readonly [number, number])[] {
  if (!isArray(pads) || pads.length % 2 !== 0 || pads.length > 2 * x.ndim || !pads.every(Number.isInteger)) {
    const got = isArray(pads) ? `[${pads.join(',')}]` : describe(pads);
    throw new ShapeError(
      `pad: expected two whole numbers an axis, from the last one backwards ([left, right, top, bottom]), for at most ` +
        `${x.ndim} axes of ${formatAval(x)}, got ${got}`,
    );
  }
  return x.shape.map((size, axis) => {
    const at = 2 * (x.ndim - 1 - axis);
    const [before, after] = [pads[at] ?? 0, pads[at + 1] ?? 0];
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
    throw new OutOfRangeError(
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
 * @throws OutOfRangeError if an axis is out of range; ShapeError unless there are as many shifts as axes.
 * @example
 * await tensor([1, 2, 3]).roll(1).toArray(); // [3, 1, 2]
 */
export function roll(x: Tensor, shifts: number | readonly number[], dims?: number | readonly number[]): Tensor {
  checkTensor('roll', x);
  const by = typeof shifts === 'number' ? [shifts] : shifts;
  if (dims === undefined) {
    if (by.length !== 1) throw new ShapeError(`roll: expected axes for ${by.length} shifts`);
    return composed(() => x.flatten().roll(by, 0).reshape(x.shape));
  }
  const axes = (typeof dims === 'number' ? [dims] : dims).map((dim) => normalizeDim('roll', dim, x.ndim));
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
