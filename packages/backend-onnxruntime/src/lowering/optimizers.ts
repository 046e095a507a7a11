import { type Call, type GraphBuilder, type Lowering, rule, type Rules, type Value } from '@fakkel/onnx/lowering';
/**
 * The updates of optimizers: passes over all parameters, so every node counts.
 *
 * Terms whose number is zero whenever the graph runs are left out.
 */

const oneMinus = (graph: GraphBuilder, x: Value): Value => graph.node('Sub', [graph.scalar(1), x]);

/** The direction of ascent. */
const uphill = ({ graph }: Lowering, { attrs, inputs: [, gradient] }: Call<{ maximize: boolean }>): Value =>
  attrs.maximize ? graph.node('Neg', [gradient]) : gradient;

/** The same with the weight decay's term. */
function withDecay(lowering: Lowering, call: Call<{ maximize: boolean }>, weightDecayAt: number): Value {
  const { graph } = lowering;
  const direction = uphill(lowering, call);
  return call.isZero(weightDecayAt)
    ? direction
    : graph.node('Add', [direction, graph.node('Mul', [call.inputs[0], call.inputs[weightDecayAt]])]);
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

/**
 * p′ = p − lr · d; with a buffer m′ = momentum · m + (1 − dampening) · d, p′ = p − lr · m′, or with Nesterov momentum
 * p − lr · (d + momentum · m′).
 */
function sgdUpdate(
  lowering: Lowering,
  call: Call<{ buffered: boolean; nesterov: boolean; maximize: boolean }>,
): Value[] {
  const { graph } = lowering;
  const [parameter, , lr, momentum, dampening, , buffer] = call.inputs;
  const d = withDecay(lowering, call, 5);
  if (!call.attrs.buffered) return [graph.node('Sub', [parameter, graph.node('Mul', [d, lr])])];
  const share = call.isZero(4) ? d : graph.node('Mul', [d, oneMinus(graph, dampening)]);
  const isPlain = call.isZero(3);
  const next = isPlain ? share : plus(graph, graph.node('Mul', [buffer, momentum]), share, call.isOnlyReader(1));
  const ahead = (): Value => (isPlain ? d : graph.node('Add', [d, graph.node('Mul', [next, momentum])]));
  const direction = call.attrs.nesterov ? ahead() : next;
  return [graph.node('Sub', [parameter, graph.node('Mul', [direction, lr])]), next];
}

/**
 * a′ = β₁ · a + (1 − β₁) · d; s′ = β₂ · s + (1 − β₂) · d²; p′ = w − lr/c₁ · a′ / (√s′ / √c₂ + eps), with max(s, s′) under the
 * root for `amsgrad`. w is p, or with `decoupled` weight decay (1 − lr · decay) · p.
 *
 * The quotient is taken times √c₂ above and below: that leaves √s′ without a factor.
 */
function adamUpdate(
  lowering: Lowering,
  call: Call<{ maximize: boolean; decoupled: boolean; amsgrad: boolean }>,
): Value[] {
  const { graph } = lowering;
  const [parameter, , average, square, lr, weight1, weight2, eps, weightDecay, ...rest] = call.inputs;
  const [correction1, correction2, max] = rest;
  const { decoupled, amsgrad } = call.attrs;
  const mul = (a: Value, b: Value): Value => graph.node('Mul', [a, b]);
  const add = (a: Value, b: Value): Value => graph.node('Add', [a, b]);
  const d = decoupled ? uphill(lowering, call) : withDecay(lowering, call, 8);
  const kept = decoupled && !call.isZero(8) ? mul(parameter, oneMinus(graph, mul(lr, weightDecay))) : parameter;
  const nextAverage = add(mul(average, oneMinus(graph, weight1)), mul(d, weight1));
  const nextSquare = add(mul(square, oneMinus(graph, weight2)), mul(mul(d, weight2), d));
  const nextMax = amsgrad ? [graph.node('Max', [max, nextSquare])] : [];
  const root = graph.node('Sqrt', [correction2]);
  const rate = graph.node('Div', [mul(lr, root), correction1]);
  const below = add(graph.node('Sqrt', [nextMax[0] ?? nextSquare]), mul(eps, root));
  const step = graph.node('Div', [mul(nextAverage, rate), below]);
  return [graph.node('Sub', [kept, step]), nextAverage, nextSquare, ...nextMax];
}

export const optimizers: Rules = { sgdUpdate: rule(sgdUpdate), adamUpdate: rule(adamUpdate) };
