import { type Rule, type Rules } from '@fakkel/onnx/lowering';
/**
 * Random numbers and dropout.
 */

const random: Rule = (lowering, { inputs: [key], outputAvals }) => [lowering.random(key, outputAvals[0])];

/**
 * x · mask, where the mask is 1 / (1 − p) or 0: so what is dropped is x · 0, in which NaN shows, and the gradient, the
 * same op with the same key, is one product more.
 */
const dropoutRule: Rule = (lowering, { inputs: [x, p, key], outputAvals }) => {
  const { graph } = lowering;
  const isKept = graph.node('GreaterOrEqual', [lowering.random(key, outputAvals[0]), p]);
  // With p = 1 nothing is kept, and the factor need only be finite.
  const rest = graph.node('Max', [graph.node('Sub', [graph.scalar(1), p]), graph.scalar(2 ** -64)]);
  const mask = graph.node('Mul', [graph.cast(isKept, 'float32'), graph.node('Reciprocal', [rest])]);
  return [graph.node('Mul', [x, mask])];
};

export const dropout: Rules = { random, dropout: dropoutRule };
