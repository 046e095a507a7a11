/**
 * Activations, softmax, and the gradient of relu. Only what ONNX does better than the decomposition is here.
 *
 * `Sigmoid` is not: its kernel is good to 1e-7 of 1, which is 17 % off at −15 and 0 at −20, so that its logarithm is −∞.
 */
import { as, expression } from './elementwise.js';
import { float, int, ints, MICROSOFT, type Value } from './graph.js';
import { type Condition, type Conditions, type Lowering, type Rule, rule, type Rules } from './rule.js';
import { sizeOf } from './spatial.js';

/** From how many elements on a look at all of them pays. */
const MANY = 1 << 16;

/**
 * g where y > 0.
 *
 * ONNX Runtime's `Where` on the CPU takes four times as long as a product with the mask, which is right unless g holds
 * NaN or infinities where it is masked; then the sum of g is not finite.
 */
const reluGrad: Rule = ({ graph, target }, { inputs: [g, y], outputAvals }) => {
  const zero = graph.scalar(0);
  const chosen = (): Value => graph.node('Where', [graph.node('Greater', [y, zero]), g, zero]);
  const isHost = target.provider === 'cpu' || target.provider === 'wasm';
  if (!isHost || sizeOf(outputAvals[0].shape) < MANY) return [chosen()];
  const masked = (): Value => {
    // 0 or 1: min(max(y · largest, 0), 1).
    const mask = graph.node('HardSigmoid', [y], { alpha: float(3.4028234663852886e38), beta: float(0) });
    return graph.node('Mul', [g, mask]);
  };
  const total = graph.node('Abs', [graph.node('ReduceSum', [g], { keepdims: int(0) })]);
  const isFinite = graph.node('Less', [total, graph.scalar(Infinity)]);
  return graph.choose(
    isFinite,
    outputAvals,
    () => [masked()],
    () => [chosen()],
  );
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
