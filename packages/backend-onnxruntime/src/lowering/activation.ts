/**
 * Activations, and the gradient of relu. Only what ONNX Runtime does better than the decomposition is here.
 */
import {
  activation as standard,
  type Condition,
  type Conditions,
  float,
  type GraphBuilder,
  type Rule,
  type Rules,
  sizeOf,
  type Value,
} from '@fakkel/onnx/lowering';
import { MICROSOFT } from './domains.js';
import { isFiniteSum } from './blocked.js';

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

export const activation: Rules = {
  ...standard,
  reluGrad,
  gelu: ({ graph }, { inputs }) => [graph.node('Gelu', inputs, {}, { domain: MICROSOFT })],
};

const hasPRelu: Condition = (_, { provider }) => provider !== 'webgpu' || { reason: 'WebGPU has no PRelu' };

export const activationConditions: Conditions = { leakyRelu: hasPRelu };
