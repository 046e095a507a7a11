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

/**
 * Integers, by an operator of two: the halves, the halves of what comes out, and so on. Reductions are no use for all of
 * them: `ReduceProd` goes through double precision, and CUDA's kernels of integers through single (reduction_ops.cc).
 */
function byHalves(
  graph: GraphBuilder,
  opType: 'Add' | 'Mul' | 'Max' | 'Min',
  { inputs: [x], inputAvals, outputAvals, attrs: { dims } }: ReductionCall,
): Value {
  const { shape } = inputAvals[0];
  const kept = [...shape.keys()].filter((axis) => !dims.includes(axis));
  let count = dims.reduce((n, axis) => n * shape[axis], 1);
  const rows = outputAvals[0].shape.reduce((n, size) => n * size, 1);
  let rest = graph.reshape(graph.transpose(x, [...kept, ...dims]), [rows, count]);
  while (count > 1) {
    const half = Math.floor(count / 2);
    const all = rest;
    const part = (start: number, end: number): Value => graph.slice(all, [1], [start], [end]);
    rest = graph.node(opType, [part(0, half), part(half, 2 * half)]);
    if (count % 2 === 1) rest = graph.node('Concat', [rest, part(count - 1, count)], { axis: int(1) });
    count -= half;
  }
  return graph.reshape(rest, outputAvals[0].shape);
}

/** Integers wrap. `ReduceSum` of int32 saturates, in int64 it doesn't; WebGPU has no int64, and wraps. */
function sum({ graph, target }: Lowering, call: ReductionCall): Value {
  const {
    inputs: [x],
    inputAvals,
    attrs,
  } = call;
  if (inputAvals[0].dtype !== 'int32' || target.provider === 'webgpu') return reduce(graph, 'ReduceSum', x, attrs);
  if (target.provider === 'cuda') return byHalves(graph, 'Add', call);
  return graph.cast(reduce(graph, 'ReduceSum', graph.cast(x, 'int64'), attrs), 'int32');
}

/** Integers wrap. */
const prod = rule<ReductionAttrs>(({ graph }, call) => [
  call.inputAvals[0].dtype === 'int32'
    ? byHalves(graph, 'Mul', call)
    : reduce(graph, 'ReduceProd', call.inputs[0], call.attrs),
]);

/** An extreme that is NaN where there is one: the kernels pass over some. Σ |x| is NaN for NaN only. */
const extreme = (name: 'Max' | 'Min'): Rule =>
  rule<ReductionAttrs>(({ graph, target }, call) => {
    const {
      inputs: [x],
      inputAvals,
      attrs,
    } = call;
    const isInteger = inputAvals[0].dtype === 'int32';
    if (isInteger && target.provider === 'cuda') return [byHalves(graph, name, call)];
    const found = reduce(graph, `Reduce${name}`, x, attrs);
    if (isInteger) return [found];
    const total = reduce(graph, 'ReduceL1', x, attrs);
    return [graph.node('Where', [graph.node('Equal', [total, total]), found, total])];
  });

/**
 * The place of the first of the largest, or smallest, elements; no NaN. CUDA's `ArgMax` takes no integers and leaves it
 * to cuDNN which of equal elements it is; `TopK` gives the lower index first.
 */
function place({ graph, target }: Lowering, name: 'Max' | 'Min', x: Value, call: Call<AxisAttrs>): Value {
  const { dim, keepdim } = call.attrs;
  if (target.provider !== 'cuda') {
    const attributes = { axis: int(dim), keepdims: int(Number(keepdim)) };
    return graph.cast(graph.node(`Arg${name}`, [x], attributes), 'int32');
  }
  const attributes = { axis: int(dim), largest: int(Number(name === 'Max')) };
  const [, index] = graph.nodeOutputs('TopK', [x, graph.vector([1])], attributes, { outputs: 2 });
  return graph.reshape(graph.cast(index, 'int32'), call.outputAvals[0].shape);
}

/** The place of the extreme or, if there is NaN, of the first one. */
const position = (name: 'Max' | 'Min'): Rule =>
  rule<AxisAttrs>((lowering, call) => {
    const { graph } = lowering;
    const {
      inputs: [x],
      inputAvals,
      attrs: { dim, keepdim },
    } = call;
    const found = place(lowering, name, x, call);
    if (inputAvals[0].dtype === 'int32') return [found];
    const isNaN = graph.cast(graph.node('Not', [graph.node('Equal', [x, x])]), 'float32');
    const first = place(lowering, 'Max', isNaN, call);
    const any = graph.cast(reduce(graph, 'ReduceMax', isNaN, { dims: [dim], keepdim }), 'bool');
    return [graph.node('Where', [any, first, found])];
  });

const cumsum = rule<{ readonly dim: number; readonly reverse: boolean }>(({ graph }, { inputs: [x], attrs }) => [
  graph.node('CumSum', [x, graph.scalar(attrs.dim, 'int32')], { reverse: int(Number(attrs.reverse)) }),
]);

const NORMS: Readonly<Record<string, string>> = { 1: 'ReduceL1', 2: 'ReduceL2' };

const norm = rule<ReductionAttrs & { readonly p: number | string }>(({ graph }, { inputs: [x], attrs }) => [
  reduce(graph, NORMS[attrs.p], x, attrs),
]);

export const reduction: Rules = {
  sum: rule<ReductionAttrs>((lowering, call) => [sum(lowering, call)]),
  prod,
  mean: reductionBy('ReduceMean'),
  amax: extreme('Max'),
  amin: extreme('Min'),
  argmax: position('Max'),
  argmin: position('Min'),
  cumsum,
  norm,
  logsumexp: reductionBy('ReduceLogSumExp'),
};

const hasNorm: Condition = ({ attrs }) =>
  String(attrs.p) in NORMS || { reason: 'only norms of order 1 and 2 have an operator' };

/** WebGPU's kernel does not subtract the maximum first, and overflows. */
const isStable: Condition = (_, { provider }) => provider !== 'webgpu' || { reason: 'it overflows' };

export const reductionConditions: Conditions = { norm: hasNorm, logsumexp: isStable };
