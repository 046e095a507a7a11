/**
 * `matmul`: batches of matrix products.
 */
import { gemm, type Matrix } from './gemm.js';
import type { HostCall, KernelTable } from './kernel.js';

function matmul({ inputs: [a, b], inputAvals, outputs: [out], outputAvals, attrs }: HostCall): void {
  const shape = outputAvals[0].shape;
  const m = shape[shape.length - 2];
  const n = shape[shape.length - 1];
  const aShape = inputAvals[0].shape;
  const k = aShape[aShape.length - (attrs.transA ? 2 : 1)];
  const batch = m * n === 0 ? 0 : out.length / (m * n);
  for (let i = 0; i < batch; i++) {
    const left: Matrix = attrs.transA
      ? { data: a, offset: i * m * k, rowStride: 1, columnStride: m }
      : { data: a, offset: i * m * k, rowStride: k, columnStride: 1 };
    const right: Matrix = attrs.transB
      ? { data: b, offset: i * k * n, rowStride: 1, columnStride: k }
      : { data: b, offset: i * k * n, rowStride: n, columnStride: 1 };
    gemm(m, n, k, left, right, out, i * m * n);
  }
}

export const matmulKernels: KernelTable = { matmul };
