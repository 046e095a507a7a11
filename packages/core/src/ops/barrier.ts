/**
 * A barrier: what orders one computation after another that it does not depend on.
 */
import { record } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { BARRIER } from '../program/barriers.js';
import { defineOp, type Op } from './def.js';

type BarrierAttrs = { readonly values: number };

const barrierOp: Op<BarrierAttrs> = defineOp<BarrierAttrs>({
  name: BARRIER,
  infer: (inputs, { values }) => inputs.slice(0, values).map(({ shape, dtype }) => ({ shape, dtype })),
  vjp: {
    reads: {},
    backward: ({ gradients, inputs }) => inputs.map((_, i) => gradients[i] ?? null),
  },
  decompose: (inputs, { values }) => inputs.slice(0, values),
});

/**
 * The values as they are, made after all of `after`: an operation on what it gives is none on what it was given, so the
 * two do not merge, and it can't run before `after` is there.
 *
 * Source: the operation of this name of XLA, by which JAX's `checkpoint` works.
 */
export function optimizationBarrier(values: readonly Tensor[], after: readonly Tensor[]): Tensor[] {
  if (values.length === 0) return [];
  return record(barrierOp, [...values, ...after], { values: values.length });
}
