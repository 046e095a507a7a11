/**
 * Extremes and their places, by ONNX's operators as they are: what they make of NaN is the runtime's affair.
 */
import { int, ints, type Rule, rule, type Rules } from '../lowering/index.js';

const extreme = (opType: string): Rule =>
  rule<{ dims: readonly number[]; keepdim: boolean }>(({ graph }, { inputs, attrs: { dims, keepdim } }) => [
    graph.node(opType, inputs, { axes: ints(dims), keepdims: int(Number(keepdim)) }),
  ]);

const place = (opType: string): Rule =>
  rule<{ dim: number; keepdim: boolean }>(({ graph }, { inputs, attrs: { dim, keepdim } }) => [
    graph.cast(graph.node(opType, inputs, { axis: int(dim), keepdims: int(Number(keepdim)) }), 'int32'),
  ]);

export const extremes: Rules = {
  amax: extreme('ReduceMax'),
  amin: extreme('ReduceMin'),
  argmax: place('ArgMax'),
  argmin: place('ArgMin'),
};
