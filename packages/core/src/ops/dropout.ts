/**
 * Dropout.
 */
import { OutOfRangeError } from '../errors.js';
import { checkTensor, describe, fromHost, record1, scalarInput } from '../graph/record.js';
import type { Tensor } from '../graph/tensor.js';
import { dropoutKeys } from '../random/dropout-keys.js';
import { checkFloat, NO_ATTRS, type NoAttrs } from './common.js';
import { defineOp, type Op } from './def.js';
import { where } from './logic.js';
import { random } from './random.js';

const dropoutOp: Op<NoAttrs> = defineOp<NoAttrs>({
  name: 'dropout',
  infer([x]) {
    checkFloat('dropout', [x]);
    return [{ shape: x.shape, dtype: x.dtype }];
  },
  vjp: {
    // The mask is computed again from its key, not kept.
    reads: { inputs: [1, 2] },
    backward: ({ gradient, inputs: [, p, key] }) => [record1(dropoutOp, [gradient, p, key], NO_ATTRS)],
  },
  decompose([x, p, key]) {
    const kept = random(key, x.shape, x.dtype).ge(p);
    // What is dropped is x · 0, so that NaN shows.
    return [where(kept, x.div(p.neg().add(1)), x.mul(0))];
  },
});

/**
 * Sets each element to 0 with probability p, independently, and divides the others by 1 − p, as `F.dropout`. The
 * masks come from a counter-based generator of their own: the same on every backend after `manualSeed`, and drawing
 * them does not move the numbers of `rand`.
 *
 * Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.
 *
 * @param p Probability of 0, from 0 to 1. An input of the program: changing it compiles nothing. Default 0.5.
 * @param training Whether to drop at all. Default true.
 * @throws OutOfRangeError unless 0 ≤ p ≤ 1.
 * @example
 * manualSeed(0);
 * const y = nn.functional.dropout(ones([1000]), 0.2);
 * await y.max().item(); // 1.25
 */
export function dropout(x: Tensor, p = 0.5, training = true): Tensor {
  checkTensor('dropout', x);
  checkFloat('dropout', [x]);
  if (typeof p !== 'number') {
    throw new TypeError(`dropout: expected the probability p, got ${describe(p)}. Write dropout(x, 0.5, training).`);
  }
  if (!(p >= 0 && p <= 1)) throw new OutOfRangeError(`dropout: the probability p lies between 0 and 1, got ${p}`);
  if (!training || p === 0) return x;
  const key = fromHost(
    Int32Array.from(dropoutKeys.nextKey(), (word) => word | 0),
    { shape: [2], dtype: 'int32' },
    x.device,
    'random',
  );
  return record1(dropoutOp, [x, scalarInput(p, x.dtype, x.device), key], NO_ATTRS);
}
