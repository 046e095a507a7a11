/**
 * Comparisons, logic, choosing, conversion. ONNX compares and chooses numbers only: for bools these are logic.
 */
import type { DType } from '@fakkel/core';
import { as, expression } from './elementwise.js';
import type { GraphBuilder, Value } from './graph.js';
import { type Rule, rule, type Rules } from './rule.js';

type Write = (graph: GraphBuilder, a: Value, b: Value) => Value;

const not = (graph: GraphBuilder, x: Value): Value => graph.node('Not', [x]);

/** A comparison of numbers, and what it is of bools, where false < true. */
const comparison =
  (opType: string, bools: Write): Rule =>
  ({ graph }, { inputs: [a, b], inputAvals }) => [
    inputAvals[0].dtype === 'bool' ? bools(graph, a, b) : graph.node(opType, [a, b]),
  ];

const where: Rule = ({ graph }, { inputs: [condition, a, b], outputAvals }) => {
  if (outputAvals[0].dtype !== 'bool') return [graph.node('Where', [condition, a, b])];
  const first = graph.node('And', [condition, a]);
  const second = graph.node('And', [not(graph, condition), b]);
  return [graph.node('Or', [first, second])];
};

export const logic: Rules = {
  eq: as('Equal'),
  ne: expression((graph, a, b) => not(graph, graph.node('Equal', [a, b]))),
  lt: comparison('Less', (graph, a, b) => graph.node('And', [not(graph, a), b])),
  le: comparison('LessOrEqual', (graph, a, b) => graph.node('Or', [not(graph, a), b])),
  gt: comparison('Greater', (graph, a, b) => graph.node('And', [a, not(graph, b)])),
  ge: comparison('GreaterOrEqual', (graph, a, b) => graph.node('Or', [a, not(graph, b)])),
  logicalNot: as('Not'),
  logicalAnd: as('And'),
  logicalOr: as('Or'),
  logicalXor: as('Xor'),
  // NaN is less than nothing.
  isfinite: expression((graph, x) => graph.node('Less', [graph.node('Abs', [x]), graph.scalar(Infinity)])),
  where,
  cast: rule<{ dtype: DType }>(({ graph }, { inputs: [x], attrs }) => [graph.cast(x, attrs.dtype)]),
  copy: as('Identity'),
};
