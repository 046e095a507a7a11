/**
 * Reductions, positions of extremes, running sums.
 *
 * `variance` and `std` have no form that is better than their decomposition.
 */
import { type GraphBuilder, int, ints, type Value } from './graph.js';
import { type Call, type Condition, type Conditions, type Lowering, type Rule, rule, type Rules } from './rule.js';

type ReductionAttrs = { readonly dims: readonly number[]; readonly keepdim: boolean };
type ReductionCall = Call<ReductionAttrs>;
type AxisAttrs = { readonly dim: number; readonly keepdim: boolean };

function reduce(graph: GraphBuilder, opType: string, x: Value, { dims, keepdim }: ReductionAttrs): Value {
  const keepdims = int(Number(keepdim));
  // ReduceSum alone takes its axes as an input, in this op set.
  return opType === 'ReduceSum'
    ? graph.node(opType, [x, graph.vector(dims)], { keepdims })
    : graph.node(opType, [x], { axes: ints(dims), keepdims });
}

const reductionBy = (opType: string): Rule =>
  rule<ReductionAttrs>(({ graph }, { inputs: [x], attrs }) => [reduce(graph, opType, x, attrs)]);

/** Integers wrap. `ReduceSum` of int32 saturates, in int64 it doesn't; WebGPU has no int64, and wraps. */
function sum({ graph, target }: Lowering, { inputs: [x], inputAvals, attrs }: ReductionCall): Value[] {
  if (inputAvals[0].dtype === 'float32' || target.provider === 'webgpu') return [reduce(graph, 'ReduceSum', x, attrs)];
  return [graph.cast(reduce(graph, 'ReduceSum', graph.cast(x, 'int64'), attrs), 'int32')];
}

/** Integers wrap: `ReduceProd` of them goes through double precision, `Mul` doesn't. So halves are multiplied. */
function intProd(graph: GraphBuilder, { inputs: [x], inputAvals, outputAvals, attrs: { dims } }: ReductionCall): Value {
  const { shape } = inputAvals[0];
  const kept = [...shape.keys()].filter((axis) => !dims.includes(axis));
  let count = dims.reduce((n, axis) => n * shape[axis], 1);
  const rows = outputAvals[0].shape.reduce((n, size) => n * size, 1);
  let rest = graph.reshape(graph.transpose(x, [...kept, ...dims]), [rows, count]);
  while (count > 1) {
    const half = Math.floor(count / 2);
    const all = rest;
    const part = (start: number, end: number): Value => graph.slice(all, [1], [start], [end]);
    rest = graph.node('Mul', [part(0, half), part(half, 2 * half)]);
    if (count % 2 === 1) rest = graph.node('Concat', [rest, part(count - 1, count)], { axis: int(1) });
    count -= half;
  }
  return graph.reshape(rest, outputAvals[0].shape);
}

const prod = rule<ReductionAttrs>(({ graph }, call) => [
  call.inputAvals[0].dtype === 'int32' ? intProd(graph, call) : reduce(graph, 'ReduceProd', call.inputs[0], call.attrs),
]);

/** An extreme that is NaN where there is one: the kernels pass over some. Σ |x| is NaN for NaN only. */
const extreme = (opType: string): Rule =>
  rule<ReductionAttrs>(({ graph }, { inputs: [x], inputAvals, attrs }) => {
    const found = reduce(graph, opType, x, attrs);
    if (inputAvals[0].dtype === 'int32') return [found];
    const total = reduce(graph, 'ReduceL1', x, attrs);
    return [graph.node('Where', [graph.node('Equal', [total, total]), found, total])];
  });

/** The place of the extreme or, if there is NaN, of the first one. */
const position = (opType: string): Rule =>
  rule<AxisAttrs>(({ graph }, { inputs: [x], inputAvals, attrs: { dim, keepdim } }) => {
    const attributes = { axis: int(dim), keepdims: int(Number(keepdim)) };
    const place = graph.cast(graph.node(opType, [x], attributes), 'int32');
    if (inputAvals[0].dtype === 'int32') return [place];
    const isNaN = graph.cast(graph.node('Not', [graph.node('Equal', [x, x])]), 'int32');
    const first = graph.cast(graph.node('ArgMax', [isNaN], attributes), 'int32');
    const any = graph.cast(reduce(graph, 'ReduceMax', isNaN, { dims: [dim], keepdim }), 'bool');
    return [graph.node('Where', [any, first, place])];
  });

const cumsum = rule<{ readonly dim: number; readonly reverse: boolean }>(({ graph }, { inputs: [x], attrs }) => [
  graph.node('CumSum', [x, graph.scalar(attrs.dim, 'int32')], { reverse: int(Number(attrs.reverse)) }),
]);

const NORMS: Readonly<Record<string, string>> = { 1: 'ReduceL1', 2: 'ReduceL2' };

const norm = rule<ReductionAttrs & { readonly p: number | string }>(({ graph }, { inputs: [x], attrs }) => [
  reduce(graph, NORMS[attrs.p], x, attrs),
]);

export const reduction: Rules = {
  sum: rule(sum),
  prod,
  mean: reductionBy('ReduceMean'),
  amax: extreme('ReduceMax'),
  amin: extreme('ReduceMin'),
  argmax: position('ArgMax'),
  argmin: position('ArgMin'),
  cumsum,
  norm,
  logsumexp: reductionBy('ReduceLogSumExp'),
};

const hasNorm: Condition = ({ attrs }) =>
  String(attrs.p) in NORMS || { reason: 'only norms of order 1 and 2 have an operator' };

/** WebGPU's kernel does not subtract the maximum first, and overflows. */
const isStable: Condition = (_, { provider }) => provider !== 'webgpu' || { reason: 'it overflows' };

export const reductionConditions: Conditions = { norm: hasNorm, logsumexp: isStable };
