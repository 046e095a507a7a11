/**
 * Matrix products.
 */
import { int, type Value } from './graph.js';
import { rule, type Rules } from './rule.js';

export type MatmulAttrs = { readonly transA: boolean; readonly transB: boolean };

const matmul = rule<MatmulAttrs>(({ graph }, { inputs: [a, b], inputAvals, attrs: { transA, transB } }) => {
  if (!transA && !transB) return [graph.node('MatMul', [a, b])];
  const rank = inputAvals[0].shape.length;
  // It reads a transposed operand where it lies.
  if (rank === 2) return [graph.node('Gemm', [a, b], { transA: int(Number(transA)), transB: int(Number(transB)) })];
  const perm = [...Array(rank - 2).keys(), rank - 1, rank - 2];
  const stored = (x: Value, transposed: boolean): Value => (transposed ? graph.transpose(x, perm) : x);
  return [graph.node('MatMul', [stored(a, transA), stored(b, transB)])];
});

export const linear: Rules = { matmul };
