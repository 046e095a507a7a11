/**
 * The updates of optimizers: passes over all parameters, so every node counts.
 *
 * Terms whose number is zero whenever the graph runs are left out.
 */
import type { GraphBuilder, Value } from './graph.js';
import { type Call, type Lowering, rule, type Rules } from './rule.js';

const oneMinus = (graph: GraphBuilder, x: Value): Value => graph.node('Sub', [graph.scalar(1), x]);

/** The gradient, as descent takes it, with the weight decay's term. */
function descent(
  { graph }: Lowering,
  { attrs, inputs: [parameter, gradient], isZero }: Call<{ maximize: boolean }>,
  weightDecay: Value,
  weightDecayAt: number,
): Value {
  const direction = attrs.maximize ? graph.node('Neg', [gradient]) : gradient;
  return isZero(weightDecayAt)
    ? direction
    : graph.node('Add', [direction, graph.node('Mul', [parameter, weightDecay])]);
}

/**
 * momentum · m + d. Where d is a product of matrices that nothing else reads, such as the gradient of a large linear
 * layer, the product adds itself: it is never there as a tensor of its own.
 */
function plus(graph: GraphBuilder, buffer: Value, d: Value, isOnlyReader: boolean): Value {
  const made = graph.producer(d);
  return isOnlyReader && made?.opType === 'Gemm' && made.inputs.length === 2
    ? graph.node('Gemm', [...made.inputs, buffer], made.attributes)
    : graph.node('Add', [buffer, d]);
}

/** m′ = momentum · m + (1 − dampening) · d; p′ = p − lr · m′, or with Nesterov momentum p − lr · (d + momentum · m′). */
function sgdUpdate(lowering: Lowering, call: Call<{ nesterov: boolean; maximize: boolean }>): Value[] {
  const { graph } = lowering;
  const [parameter, , buffer, lr, momentum, dampening, weightDecay] = call.inputs;
  const d = descent(lowering, call, weightDecay, 6);
  const share = call.isZero(5) ? d : graph.node('Mul', [d, oneMinus(graph, dampening)]);
  const isPlain = call.isZero(4);
  const next = isPlain ? share : plus(graph, graph.node('Mul', [buffer, momentum]), share, call.isOnlyReader(1));
  const ahead = (): Value => (isPlain ? d : graph.node('Add', [d, graph.node('Mul', [next, momentum])]));
  const direction = call.attrs.nesterov ? ahead() : next;
  return [graph.node('Sub', [parameter, graph.node('Mul', [direction, lr])]), next];
}

/**
 * a′ = β₁ · a + (1 − β₁) · d; s′ = β₂ · s + (1 − β₂) · d²; p′ = p − lr/c₁ · a′ / (√s′ / √c₂ + eps).
 *
 * The quotient is taken times √c₂ above and below: that leaves √s′ without a factor.
 */
function adamUpdate(lowering: Lowering, call: Call<{ maximize: boolean }>): Value[] {
  const { graph } = lowering;
  const [parameter, , average, square, lr, beta1, beta2, eps, weightDecay, correction1, correction2] = call.inputs;
  const mul = (a: Value, b: Value): Value => graph.node('Mul', [a, b]);
  const add = (a: Value, b: Value): Value => graph.node('Add', [a, b]);
  const d = descent(lowering, call, weightDecay, 8);
  const nextAverage = add(mul(average, beta1), mul(d, oneMinus(graph, beta1)));
  const nextSquare = add(mul(square, beta2), mul(mul(d, oneMinus(graph, beta2)), d));
  const root = graph.node('Sqrt', [correction2]);
  const rate = graph.node('Div', [mul(lr, root), correction1]);
  const below = add(graph.node('Sqrt', [nextSquare]), mul(eps, root));
  const step = graph.node('Div', [mul(nextAverage, rate), below]);
  return [graph.node('Sub', [parameter, step]), nextAverage, nextSquare];
}

export const optimizers: Rules = { sgdUpdate: rule(sgdUpdate), adamUpdate: rule(adamUpdate) };
