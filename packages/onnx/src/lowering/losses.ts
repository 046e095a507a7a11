/**
 * Cross-entropy, its gradient, and negative log-likelihood, of class indices.
 *
 * What belongs to a position is a column [N, 1, …] beside scores [N, C, …].
 */
import type { Aval } from '@fakkel/core';
import { int, type Value } from './graph.js';
import { logSoftmaxOf } from './activation.js';
import { checkedIndex, iota } from './indexing.js';
import { type Call, type Lowering, rule, type Rules } from './rule.js';

type LossAttrs = { readonly reduction: 'mean' | 'sum' | 'none' };
type CrossEntropyAttrs = LossAttrs & { readonly weighted: boolean };

/** The labels of scores `x`, as columns. */
interface Labels {
  readonly classes: number;
  readonly column: readonly number[];
  readonly isIgnored: Value;
  /** 0 where it is ignored. */
  readonly label: Value;
  /** The weight of the label's class, and 0 where it is ignored. */
  readonly weight: Value;
}

const outside = (classes: number): string => `label # is out of range for ${classes} classes`;

/** `classWeight`: null if all are 1. */
function labelsOf(
  lowering: Lowering,
  { shape }: Aval,
  target: Value,
  classWeight: Value | null,
  ignoreIndex: Value,
): Labels {
  const { graph } = lowering;
  const [batch, classes, ...rest] = shape;
  const column = [batch, 1, ...rest];
  const given = graph.reshape(target, column);
  const isIgnored = graph.node('Equal', [given, ignoreIndex]);
  const label = graph.node('Where', [isIgnored, graph.scalar(0, 'int32'), given]);
  const one = classWeight
    ? graph.node('Gather', [classWeight, checkedIndex(lowering, label)], {}, { outOfRange: outside(classes) })
    : graph.scalar(1);
  const weight = graph.node('Where', [isIgnored, graph.scalar(0), one]);
  return { classes, column, isIgnored, label, weight };
}

/** The log-probability of each label. */
function pick(lowering: Lowering, logProbabilities: Value, { classes, label }: Labels): Value {
  return lowering.graph.node(
    'GatherElements',
    [logProbabilities, checkedIndex(lowering, label)],
    { axis: int(1) },
    { outOfRange: outside(classes) },
  );
}

/** The loss, from the log-likelihood of each position. */
function reduce({ graph }: Lowering, likelihood: Value, labels: Labels, call: Call<LossAttrs>): Value {
  const all = (x: Value): Value => graph.node('ReduceSum', [x], { keepdims: int(0) });
  // 0 · −∞ is NaN: positions that don't count are left out, not weighed.
  const counted = graph.node('Where', [labels.isIgnored, graph.scalar(0), likelihood]);
  switch (call.attrs.reduction) {
    case 'none':
      return graph.reshape(graph.node('Neg', [counted]), call.outputAvals[0].shape);
    case 'sum':
      return graph.node('Neg', [all(counted)]);
    case 'mean':
      return graph.node('Neg', [graph.node('Div', [all(counted), all(labels.weight)])]);
  }
}

function nllLoss(lowering: Lowering, call: Call<LossAttrs>): Value {
  const { graph } = lowering;
  const [x, target, weight, ignoreIndex] = call.inputs;
  const isWeighted = graph.fillOf(weight) !== 1;
  const labels = labelsOf(lowering, call.inputAvals[0], target, isWeighted ? weight : null, ignoreIndex);
  const picked = pick(lowering, x, labels);
  return reduce(lowering, isWeighted ? graph.node('Mul', [picked, labels.weight]) : picked, labels, call);
}

/** The shares of the label and of every class: (1 − ε) · weight and ε/C, with the label smoothing ε. */
function shares({ graph }: Lowering, { weight, classes }: Labels, smoothing: Value) {
  return {
    ofLabel: graph.node('Mul', [weight, graph.node('Sub', [graph.scalar(1), smoothing])]),
    ofClass: graph.node('Div', [smoothing, graph.scalar(classes)]),
  };
}

/** Weights of classes beside scores [N, C, …]. */
const besideClasses = ({ graph }: Lowering, weight: Value, { classes, column }: Labels): Value =>
  graph.reshape(weight, [1, classes, ...column.slice(2).map(() => 1)]);

/** With p = softmax(x), label y and class weights w: (1 − ε) · w_y · ln p_y + ε/C · Σ_c w_c · ln p_c. */
function crossEntropy(lowering: Lowering, call: Call<CrossEntropyAttrs>): Value {
  const { graph } = lowering;
  const [x, target, weight, ignoreIndex, smoothing] = call.inputs;
  const { weighted } = call.attrs;
  const labels = labelsOf(lowering, call.inputAvals[0], target, weighted ? weight : null, ignoreIndex);
  const logs = logSoftmaxOf(lowering, x, 1);
  const picked = pick(lowering, logs, labels);
  if (call.isZero(4)) {
    return reduce(lowering, weighted ? graph.node('Mul', [picked, labels.weight]) : picked, labels, call);
  }
  const { ofLabel, ofClass } = shares(lowering, labels, smoothing);
  const weightedLogs = weighted ? graph.node('Mul', [logs, besideClasses(lowering, weight, labels)]) : logs;
  const total = graph.node('ReduceSum', [weightedLogs, graph.vector([1])]);
  // Without smoothing a class of probability 0 costs nothing: no 0 · ∞.
  const isSharp = graph.node('Equal', [smoothing, graph.scalar(0)]);
  const spread = graph.node('Where', [isSharp, graph.scalar(0), graph.node('Mul', [total, ofClass])]);
  const likelihood = graph.node('Add', [graph.node('Mul', [picked, ofLabel]), spread]);
  return reduce(lowering, likelihood, labels, call);
}

/**
 * With the gradient e of a position's loss, a = (1 − ε) · w_y and b = ε/C: e · (p · (a + b · Σw) − b · w − (a at y)),
 * which without smoothing is e · w_y · (p − (1 at y)).
 */
function crossEntropyGrad(lowering: Lowering, call: Call<CrossEntropyAttrs>): Value {
  const { graph } = lowering;
  const [g, x, target, weight, ignoreIndex, smoothing] = call.inputs;
  const { reduction, weighted } = call.attrs;
  const labels = labelsOf(lowering, call.inputAvals[1], target, weighted ? weight : null, ignoreIndex);
  const { classes, column, label } = labels;
  const mul = (a: Value, b: Value): Value => graph.node('Mul', [a, b]);
  const share =
    reduction === 'none'
      ? graph.reshape(g, column)
      : reduction === 'sum'
        ? g
        : graph.node('Div', [g, graph.node('ReduceSum', [labels.weight], { keepdims: int(0) })]);
  // Where nothing counts the mean's share is g / 0: positions that don't count have a gradient of 0 all the same.
  const each = graph.node('Where', [labels.isIgnored, graph.scalar(0), share]);
  const indices = graph.constant('int32', [1, classes, ...column.slice(2).map(() => 1)], iota(classes));
  const atLabel = graph.cast(graph.node('Equal', [label, indices]), 'float32');
  const p = graph.node('Softmax', [x], { axis: int(1) });
  if (call.isZero(5)) return mul(graph.node('Sub', [p, atLabel]), weighted ? mul(labels.weight, each) : each);
  const { ofLabel: a, ofClass: b } = shares(lowering, labels, smoothing);
  const total = weighted ? graph.node('ReduceSum', [weight], { keepdims: int(0) }) : graph.scalar(classes);
  const rise = mul(p, graph.node('Add', [a, mul(b, total)]));
  const even = weighted ? mul(b, besideClasses(lowering, weight, labels)) : b;
  const fall = graph.node('Add', [even, mul(a, atLabel)]);
  return mul(graph.node('Sub', [rise, fall]), each);
}

export const losses: Rules = {
  nllLoss: rule<LossAttrs>((lowering, call) => [nllLoss(lowering, call)]),
  crossEntropy: rule<CrossEntropyAttrs>((lowering, call) => [crossEntropy(lowering, call)]),
  crossEntropyGrad: rule<CrossEntropyAttrs>((lowering, call) => [crossEntropyGrad(lowering, call)]),
};
