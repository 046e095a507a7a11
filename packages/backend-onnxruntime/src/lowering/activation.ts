/**
 * Activations, softmax, and the gradient of relu. Only what ONNX does better than the decomposition is here.
 *
 * `Sigmoid` is not: its kernel is good to 1e-7 of 1, which is 17 % off at −15 and 0 at −20, so that its logarithm is −∞.
 */
import { as, expression } from './elementwise.js';
import { isFiniteSum } from './blocked.js';
import { float, type GraphBuilder, int, ints, MICROSOFT, type Value } from './graph.js';
import { type Condition, type Conditions, type Lowering, type Rule, rule, type Rules } from './rule.js';
import { sizeOf } from './spatial.js';

/** From how many elements on a look at all of them pays. */
const MANY = 1 << 10;

/**
 * g times 1 where y > 0 and 0 elsewhere. ONNX Runtime's `Where` on the CPU takes four times as long. It is the gradient
 * of relu unless g holds NaN or infinities where it is masked: then the product is not finite.
 */
export function maskedProduct(graph: GraphBuilder, g: Value, y: Value): Value {
  // min(max(y · largest, 0), 1)
  const mask = graph.node('HardSigmoid', [y], { alpha: float(3.4028234663852886e38), beta: float(0) });
  return graph.node('Mul', [g, mask]);
}

/** g where y > 0. */
const reluGrad: Rule = ({ graph, target, assume }, { inputs: [g, y], outputAvals }) => {
  const isHost = target.provider === 'cpu' || target.provider === 'wasm';
  if (assume && isHost && sizeOf(outputAvals[0].shape) >= MANY) {
    const product = maskedProduct(graph, g, y);
    assume(isFiniteSum(graph, product));
    return [product];
  }
  const zero = graph.scalar(0);
  return [graph.node('Where', [graph.node('Greater', [y, zero]), g, zero])];
};

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
  reluGrad,
  silu,
  gelu: ({ graph }, { inputs }) => [graph.node('Gelu', inputs, {}, { domain: MICROSOFT })],
  leakyRelu: as('PRelu'),
  hardtanh: as('Clip'),
  softmax,
  logSoftmax,
};

const hasPRelu: Condition = (_, { provider }) => provider !== 'webgpu' || { reason: 'WebGPU has no PRelu' };

export const activationConditions: Conditions = { leakyRelu: hasPRelu };
