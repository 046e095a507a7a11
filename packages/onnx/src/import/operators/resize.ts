/**
 * Resize and Upsample: one axis after the other, each output cell a weighted sum of input cells. Which cells and weights
 * these are is known on the host.
 *
 * Source: the operator's specification in ONNX (`Resize`, with its reference implementation).
 */
import type { Tensor } from '@fakkel/core';
import { OnnxError } from '../../errors.js';
import type { Call, OperatorTable } from '../call.js';
import { Host } from '../host.js';
import { axesOf, pick } from '../values.js';

interface Axis {
  readonly from: number;
  readonly to: number;
  /** Output cells an input cell. */
  readonly scale: number;
}

/** Where the center of output cell `i` lies among the input cells. */
function coordinate(transformation: string, i: number, { from, to, scale }: Axis): number {
  switch (transformation) {
    case 'half_pixel':
      return (i + 0.5) / scale - 0.5;
    case 'pytorch_half_pixel':
      return to > 1 ? (i + 0.5) / scale - 0.5 : 0;
    case 'half_pixel_symmetric': {
      const adjustment = to / (scale * from);
      return (from / 2) * (1 - adjustment) + (i + 0.5) / scale - 0.5;
    }
    case 'align_corners':
      return to > 1 ? (i * (from - 1)) / (to - 1) : 0;
    case 'asymmetric':
      return i / scale;
    case 'tf_half_pixel_for_nn':
      return (i + 0.5) / scale;
    default:
      throw new OnnxError(`attribute 'coordinate_transformation_mode' is '${transformation}', which is not supported.`);
  }
}

const NEAREST: Readonly<Record<string, (x: number) => number>> = {
  round_prefer_floor: (x) => Math.ceil(x - 0.5),
  round_prefer_ceil: (x) => Math.floor(x + 0.5),
  floor: Math.floor,
  ceil: Math.ceil,
};

/** Keys' kernel: weights of the cells at −1, 0, 1 and 2 around a point at `t` between 0 and 1. */
function cubicWeights(t: number, a: number): number[] {
  const near = (d: number): number => ((a + 2) * d - (a + 3)) * d * d + 1;
  const far = (d: number): number => (((d - 5) * d + 8) * d - 4) * a;
  return [far(t + 1), near(t), near(1 - t), far(2 - t)];
}

/** For each output cell, the input cells that it reads and their weights; cells beyond an edge are the edge's. */
interface Taps {
  readonly places: number[][];
  readonly weights: number[][];
}

function tapsOf(call: Call, mode: string, transformation: string, axis: Axis): Taps {
  const [places, weights]: number[][][] = [[], []];
  const excludes = call.flag('exclude_outside');
  for (let i = 0; i < axis.to; i++) {
    const x = coordinate(transformation, i, axis);
    const first = Math.floor(x);
    let cells: number[];
    let shares: number[];
    if (mode === 'nearest') {
      // Up to version 10 there is no such attribute: cells are cut off.
      const name = call.opset < 11 ? 'floor' : call.string('nearest_mode', 'round_prefer_floor');
      const rounding = NEAREST[name] as ((x: number) => number) | undefined;
      if (!rounding) throw new OnnxError(`attribute 'nearest_mode' is '${name}', which is not supported.`);
      [cells, shares] = [[rounding(x)], [1]];
    } else if (mode === 'linear') {
      [cells, shares] = [
        [first, first + 1],
        [1 - (x - first), x - first],
      ];
    } else {
      cells = [-1, 0, 1, 2].map((d) => first + d);
      shares = cubicWeights(x - first, call.float('cubic_coeff_a', -0.75));
    }
    if (excludes) {
      shares = shares.map((share, k) => (cells[k] >= 0 && cells[k] < axis.from ? share : 0));
      const sum = shares.reduce((a, b) => a + b, 0);
      shares = shares.map((share) => share / sum);
    }
    places.push(cells.map((cell) => Math.min(Math.max(cell, 0), axis.from - 1)));
    weights.push(shares);
  }
  return { places, weights };
}

function alongAxis(x: Tensor, dim: number, { places, weights }: Taps): Tensor {
  const taps = weights[0].map((_, k) => ({ cells: places.map((row) => row[k]), shares: weights.map((row) => row[k]) }));
  const used = taps.filter(({ shares }) => shares.some((share) => share !== 0));
  return used
    .map(({ cells, shares }) => {
      const picked = pick(x, dim, cells) as Tensor;
      if (shares.every((share) => share === 1)) return picked;
      const shape = [shares.length, ...new Array<number>(x.ndim - 1 - dim).fill(1)];
      return picked.mul(new Host('float32', shape, shares).on(x.device).to(x.dtype));
    })
    .reduce((a, b) => a.add(b));
}

function resize(
  call: Call,
  x: Tensor,
  transformation: string,
  sizes: number[] | null,
  scales: number[] | null,
): Tensor {
  const mode = call.string('mode', 'nearest');
  const name = mode === 'bilinear' ? 'linear' : mode;
  if (!['nearest', 'linear', 'cubic'].includes(name)) {
    throw new OnnxError(`attribute 'mode' is '${mode}', supported are nearest, linear and cubic.`);
  }
  if (call.flag('antialias')) throw new OnnxError(`attribute 'antialias' is not supported.`);
  const policy = call.string('keep_aspect_ratio_policy', 'stretch');
  if (policy !== 'stretch')
    throw new OnnxError(`attribute 'keep_aspect_ratio_policy' is '${policy}', supported is stretch.`);
  const axes = axesOf(call.ints('axes') ?? [...x.shape.keys()], x.ndim);
  const given = sizes ?? scales;
  if (!given || given.length !== axes.length) {
    throw new OnnxError(`it has ${given?.length ?? 'no'} sizes or scales for ${axes.length} axes.`);
  }
  return axes.reduce((y, dim, i) => {
    const from = x.shape[dim];
    const to = sizes ? sizes[i] : Math.floor(from * scales![i]);
    if (to === from && (sizes !== null || scales![i] === 1)) return y;
    return alongAxis(y, dim, tapsOf(call, name, transformation, { from, to, scale: sizes ? to / from : scales![i] }));
  }, x);
}

const present = (call: Call, i: number, what: string): number[] | null => {
  if (!call.has(i)) return null;
  const values = call.list(i, what);
  return values.length > 0 ? values : null;
};

export const resizing: OperatorTable = {
  /** Version 10 has scales as its second input and is asymmetric; later ones have the region first, then scales, sizes. */
  Resize: (call) => {
    const x = call.tensor(0);
    if (call.opset < 11) return resize(call, x, 'asymmetric', null, present(call, 1, 'scales'));
    const transformation = call.string('coordinate_transformation_mode', 'half_pixel');
    return resize(call, x, transformation, present(call, 3, 'sizes'), present(call, 2, 'scales'));
  },
  Upsample: (call) => {
    const scales = call.floats('scales');
    return resize(call, call.tensor(0), 'asymmetric', null, scales ? [...scales] : present(call, 1, 'scales'));
  },
};
