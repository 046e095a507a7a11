/**
 * Matrix products.
 */
import { int, linear as standard, type MatmulAttrs, rule, type Rules } from '@fakkel/onnx/lowering';
import { MICROSOFT } from './domains.js';

/** Batches of matrices, of which ONNX Runtime's own operator reads a transposed one where it lies. */
const matmul = rule<MatmulAttrs>((lowering, call) => {
  const { transA, transB } = call.attrs;
  const isPlain = call.inputAvals[0].shape.length === 2 || (!transA && !transB);
  if (isPlain || lowering.target.provider === 'webgpu') return standard.matmul(lowering, call);
  const attributes = { transA: int(Number(transA)), transB: int(Number(transB)) };
  return [lowering.graph.node('FusedMatMul', call.inputs, attributes, { domain: MICROSOFT })];
});

export const linear: Rules = { matmul };
