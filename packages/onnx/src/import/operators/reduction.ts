/**
 * Reductions, positions of extremes, and what is counted along axes.
 */
import { isTensor, type Tensor } from '@fakkel/core';
import { OnnxError } from '../../errors.js';
import type { Call, Operator, OperatorTable } from '../call.js';
import { foldHost, Host } from '../host.js';
import { axisOf, reshape, type Value } from '../values.js';

/** Axes are an attribute, and an input since version 13 (`ReduceSum`) or 18 (the others); none are all. */
function reduction(
  onTensor: (x: Tensor, axes: number[], keepdim: boolean) => Tensor,
  onHost?: (values: readonly number[]) => number,
): Operator {
  return (call) => {
    const x = call.value(0);
    const given = call.axes(1, x.shape.length) ?? [];
    const keepdim = call.flag('keepdims', true);
    if (given.length === 0 && call.flag('noop_with_empty_axes')) return x;
    const axes = given.length === 0 ? [...x.shape.keys()] : given;
    if (!isTensor(x) && onHost) {
      const folded = foldHost(x, axes, onHost);
      return keepdim ? folded : reshape(folded, withoutAxes(folded.shape, axes));
    }
    return onTensor(call.tensor(0), axes, keepdim);
  };
}

const withoutAxes = (shape: readonly number[], axes: readonly number[]): number[] =>
  shape.filter((_, axis) => !axes.includes(axis));

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

/** The first of equal ones; with `select_last_index` the last. */
function position(name: 'argmax' | 'argmin'): Operator {
  return (call) => {
    const x = call.tensor(0);
    const axis = axisOf(call.int('axis', 0), x.ndim);
    const keepdim = call.flag('keepdims', true);
    const find = (t: Tensor): Tensor => (name === 'argmax' ? t.argmax(axis, keepdim) : t.argmin(axis, keepdim));
    return call.flag('select_last_index')
      ? find(x.flip(axis))
          .neg()
          .add(x.shape[axis] - 1)
      : find(x);
  };
}

/** The k largest or smallest along an axis; k is known on the host. */
function topk(call: Call): readonly Value[] {
  const x = call.tensor(0);
  const k = call.has(1) ? call.number(1, 'K') : call.int('k', 0);
  const { values, indices } = x.topk(k, call.axis(-1, x.ndim), call.flag('largest', true));
  return [values, indices];
}

function cumsum(call: Call): Tensor {
  const x = call.tensor(0);
  const axis = axisOf(call.number(1, 'axis'), x.ndim);
  const reverse = call.flag('reverse');
  const from = reverse ? x.flip(axis) : x;
  const sums = from.cumsum(axis);
  const y = call.flag('exclusive') ? sums.sub(from) : sums;
  return reverse ? y.flip(axis) : y;
}

/** Indices of what is not zero: its shape depends on values, so only of what is known. */
function nonZero(call: Call): Host {
  const { shape, data } = call.host(0, 'input');
  const places = Array.from(data, (value, at) => ({ value, at })).filter(({ value }) => value !== 0);
  const rows = shape.map((size, axis) => {
    const step = shape.slice(axis + 1).reduce((product, n) => product * n, 1);
    return places.map(({ at }) => Math.floor(at / step) % size);
  });
  return new Host('int64', [shape.length, places.length], rows.flat());
}

const logarithm = (x: Tensor): Tensor => {
  if (x.dtype === 'int32') throw new OnnxError('it takes the logarithm of integers.');
  return x.log();
};

export const reductions: OperatorTable = {
  ReduceSum: reduction((x, axes, keepdim) => x.sum(axes, keepdim), total),
  ReduceMean: reduction(
    (x, axes, keepdim) => x.mean(axes, keepdim),
    (values) => total(values) / values.length,
  ),
  ReduceProd: reduction(
    (x, axes, keepdim) => x.prod(axes, keepdim),
    (values) => values.reduce((product, value) => product * value, 1),
  ),
  ReduceMax: reduction(
    (x, axes, keepdim) => (x.dtype === 'bool' ? x.any(axes, keepdim) : x.amax(axes, keepdim)),
    (values) => values.reduce((a, b) => Math.max(a, b), -Infinity),
  ),
  ReduceMin: reduction(
    (x, axes, keepdim) => (x.dtype === 'bool' ? x.all(axes, keepdim) : x.amin(axes, keepdim)),
    (values) => values.reduce((a, b) => Math.min(a, b), Infinity),
  ),
  ReduceL1: reduction((x, axes, keepdim) => x.abs().sum(axes, keepdim)),
  ReduceL2: reduction((x, axes, keepdim) => x.norm(2, axes, keepdim)),
  ReduceSumSquare: reduction((x, axes, keepdim) => x.square().sum(axes, keepdim)),
  ReduceLogSum: reduction((x, axes, keepdim) => logarithm(x.sum(axes, keepdim))),
  ReduceLogSumExp: reduction((x, axes, keepdim) => x.logsumexp(axes, keepdim)),
  ArgMax: position('argmax'),
  ArgMin: position('argmin'),
  TopK: topk,
  CumSum: cumsum,
  NonZero: nonZero,
};
