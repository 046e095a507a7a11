/**
 * Activations and softmax.
 *
 * `Sigmoid` is not among them: ONNX Runtime's kernel is good to 1e-7 of 1, which is 17 % off at −15 and 0 at −20, so that
 * its logarithm is −∞.
 */
import { as, expression } from './elementwise.js';
import { int, ints, type Value } from './graph.js';
import { type Lowering, rule, type Rules } from './rule.js';

/** The error of `Sigmoid` is small beside that of the product. */
const silu = expression((graph, x) => graph.node('Mul', [x, graph.node('Sigmoid', [x])]));

const softmax = rule<{ dim: number }>(({ graph }, { inputs: [x], attrs }) => [
  graph.node('Softmax', [x], { axis: int(attrs.dim) }),
]);

const logSoftmax = rule<{ dim: number }>((lowering, { inputs: [x], attrs }) => [logSoftmaxOf(lowering, x, attrs.dim)]);

/** WebGPU has no `LogSoftmax`. */
export function logSoftmaxOf({ graph, target }: Lowering, x: Value, dim: number): Value {
  if (target.provider !== 'webgpu') return graph.node('LogSoftmax', [x], { axis: int(dim) });
  const axes = { axes: ints([dim]) };
  const shifted = graph.node('Sub', [x, graph.node('ReduceMax', [x], axes)]);
  const sum = graph.node('ReduceSum', [graph.node('Exp', [shifted]), graph.vector([dim])]);
  return graph.node('Sub', [shifted, graph.node('Log', [sum])]);
}

export const activation: Rules = {
  relu: as('Relu'),
  silu,
  leakyRelu: as('PRelu'),
  hardtanh: as('Clip'),
  softmax,
  logSoftmax,
};
