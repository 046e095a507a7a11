/**
 * Matrix products.
 */
import { int, MICROSOFT, type Value } from './graph.js';
import { rule, type Rules } from './rule.js';

const matmul = rule<{ transA: boolean; transB: boolean }>(
  ({ graph, target }, { inputs: [a, b], inputAvals, attrs: { transA, transB } }) => {
    if (!transA && !transB) return [graph.node('MatMul', [a, b])];
    const rank = inputAvals[0].shape.length;
    const attributes = { transA: int(transA ? 1 : 0), transB: int(transB ? 1 : 0) };
    // Both read a transposed operand where it lies.
    if (rank === 2) return [graph.node('Gemm', [a, b], attributes)];
    if (target.provider !== 'webgpu') return [graph.node('FusedMatMul', [a, b], attributes, { domain: MICROSOFT })];
    const perm = [...Array(rank - 2).keys(), rank - 1, rank - 2];
    const stored = (x: Value, transposed: boolean): Value => (transposed ? graph.transpose(x, perm) : x);
    return [graph.node('MatMul', [stored(a, transA), stored(b, transB)])];
  },
);

export const linear: Rules = { matmul };
