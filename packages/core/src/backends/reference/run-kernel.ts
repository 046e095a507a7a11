/**
 * The kernels by op name, and one op run on host arrays.
 */
import { allocate, type TypedArray } from '../../dtype.js';
import { BackendError } from '../../errors.js';
import type { Attrs } from '../../program/program.js';
import { type Aval, sizeOf } from '../../shape.js';
import { adamKernels } from './adam.js';
import { convKernels } from './conv.js';
import { elementwiseKernels } from './elementwise.js';
import { indexingKernels } from './indexing.js';
import type { KernelTable } from './kernel.js';
import { responseNormKernels } from './local-response-norm.js';
import { lossKernels } from './losses.js';
import { matmulKernels } from './matmul.js';
import { movementKernels } from './movement.js';
import { normalizationKernels } from './normalization.js';
import { optimizerKernels } from './optimizer.js';
import { poolKernels } from './pool.js';
import { randomKernels } from './random.js';
import { reduceKernels } from './reduce.js';
import { softmaxKernels } from './softmax.js';
import { unaryKernels } from './unary.js';

/** Every op that the reference backend runs. */
export const referenceKernels: KernelTable = {
  ...unaryKernels,
  ...elementwiseKernels,
  ...reduceKernels,
  ...movementKernels,
  ...indexingKernels,
  ...matmulKernels,
  ...convKernels,
  ...poolKernels,
  ...softmaxKernels,
  ...normalizationKernels,
  ...responseNormKernels,
  ...lossKernels,
  ...optimizerKernels,
  ...adamKernels,
  ...randomKernels,
};

/** Whether `runKernel` knows `op`. */
export function hasKernel(op: string): boolean {
  return Object.hasOwn(referenceKernels, op);
}

/**
 * Computes one op at once, on host arrays: for folding constants, and as the oracle of tests. Returns new arrays.
 *
 * @throws BackendError where there is no kernel for `op`.
 */
export function runKernel(
  op: string,
  attrs: Attrs,
  inputs: readonly { readonly data: TypedArray; readonly aval: Aval }[],
  outputAvals: readonly Aval[],
): TypedArray[] {
  if (!hasKernel(op)) throw new BackendError(`${op}: the reference backend has no kernel for it`);
  const outputs = outputAvals.map((aval) => allocate(aval.dtype, sizeOf(aval.shape)));
  referenceKernels[op]({
    inputs: inputs.map((input) => input.data),
    inputAvals: inputs.map((input) => input.aval),
    outputs,
    outputAvals,
    attrs,
  });
  return outputs;
}
