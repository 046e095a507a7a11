/**
 * Elementwise ops: arithmetic of one, two and three operands.
 */
import type { Rule, Rules } from './rule.js';

/** An op that ONNX has under another name. */
const as =
  (opType: string): Rule =>
  ({ graph }, { inputs }) => [graph.node(opType, inputs)];

export const elementwise: Rules = {
  add: as('Add'),
  sub: as('Sub'),
  mul: as('Mul'),
  div: as('Div'),
  neg: as('Neg'),
  relu: as('Relu'),
};
