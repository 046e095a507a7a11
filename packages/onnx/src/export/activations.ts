/**
 * Activations and dropout by the operators that ONNX has for them.
 */
import { as, float, type GraphBuilder, int, type Rule, rule, type Rules, type Value } from '../lowering/index.js';

/** x and numbers, each of them a constant: `withNumbers` in core. Of numbers that are computed, another form. */
const withNumbers =
  (write: (graph: GraphBuilder, x: Value, numbers: readonly number[]) => Value, otherwise?: Rule): Rule =>
  (lowering, call) => {
    const [x, ...rest] = call.inputs;
    const numbers = rest.map((value) => lowering.graph.valuesOf(value)?.[0]);
    if (numbers.every((n) => n !== undefined)) return [write(lowering.graph, x, numbers)];
    if (!otherwise) throw new TypeError(`${call.op}: its numbers have to be constants`);
    return otherwise(lowering, call);
  };

const leakyRelu = withNumbers(
  (graph, x, [alpha]) => graph.node('LeakyRelu', [x], { alpha: float(alpha) }),
  as('PRelu'),
);

/** log(1 + e^(βx)) / β; past the threshold it is x, as far as floats go. */
const softplus = withNumbers((graph, x, [beta]) => {
  if (beta === 1) return graph.node('Softplus', [x]);
  const scaled = graph.node('Mul', [x, graph.scalar(beta)]);
  return graph.node('Div', [graph.node('Softplus', [scaled]), graph.scalar(beta)]);
});

const hardsigmoid: Rule = ({ graph }, { inputs: [x] }) => [
  graph.node('HardSigmoid', [x], { alpha: float(1 / 6), beta: float(0.5) }),
];

const clamp = rule<{ hasLow: boolean; hasHigh: boolean }>(
  ({ graph }, { inputs: [x, low, high], inputAvals, attrs: { hasLow, hasHigh } }) => {
    // `Clip` takes bounds that are scalars.
    if (inputAvals.slice(1).every(({ shape }) => shape.length === 0)) {
      return [graph.node('Clip', [x, hasLow ? low : '', ...(hasHigh ? [high] : [])])];
    }
    const raised = hasLow ? graph.node('Max', [x, low]) : x;
    return [hasHigh ? graph.node('Min', [raised, high]) : raised];
  },
);

/** `Dropout` draws its mask itself: the numbers are the runtime's, not those of the network's keys. */
const dropout: Rule = ({ graph }, { inputs: [x, p] }) => [
  graph.node('Dropout', [x, p, graph.constant('bool', [], [1])], {}, { draws: true }),
];

const random = rule<{ dtype: string }>(({ graph }, { outputAvals: [{ shape }], attrs: { dtype } }) => {
  const like = graph.node('ConstantOfShape', [graph.vector(shape)]);
  return [graph.node('RandomUniformLike', [like], { dtype: int(dtype === 'float64' ? 11 : 1) }, { draws: true })];
});

export const activations: Rules = {
  sigmoid: as('Sigmoid'),
  hardsigmoid,
  hardswish: as('HardSwish'),
  softsign: as('Softsign'),
  elu: withNumbers((graph, x, [alpha]) => graph.node('Elu', [x], { alpha: float(alpha) })),
  selu: as('Selu'),
  celu: withNumbers((graph, x, [alpha]) => graph.node('Celu', [x], { alpha: float(alpha) })),
  softplus,
  leakyRelu,
  prelu: as('PRelu'),
  clamp,
  reciprocal: as('Reciprocal'),
  dropout,
  random,
};
