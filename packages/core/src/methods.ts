/**
 * The methods of tensors: every function of the op families that takes a tensor first. One table keeps functions and
 * methods in step, in types and at run time.
 */
import { backward, type BackwardOptions } from './autograd/backward.js';
import { Tensor } from './graph/tensor.js';
import * as activation from './ops/activation.js';
import * as conversion from './ops/conversion.js';
import * as convolution from './ops/convolution.js';
import * as elementwise from './ops/elementwise.js';
import * as indexing from './ops/indexing.js';
import * as linear from './ops/linear.js';
import * as logic from './ops/logic.js';
import * as movement from './ops/movement.js';
import * as pooling from './ops/pooling.js';
import * as reduction from './ops/reduction.js';
import * as sorting from './ops/sorting.js';

const families = [elementwise, logic, conversion, reduction, movement, indexing, sorting, linear, convolution, pooling, activation];

/** Functions whose first parameter is a tensor, without it. */
type MethodsOf<M> = {
  [K in keyof M as M[K] extends (self: Tensor, ...args: never[]) => unknown ? K : never]: M[K] extends (
    self: Tensor,
    ...args: infer A
  ) => infer R
    ? (...args: A) => R
    : never;
};

export type TensorMethods = MethodsOf<typeof elementwise> &
  MethodsOf<typeof logic> &
  MethodsOf<typeof conversion> &
  MethodsOf<typeof reduction> &
  MethodsOf<typeof movement> &
  MethodsOf<typeof indexing> &
  MethodsOf<typeof sorting> &
  MethodsOf<typeof linear> &
  MethodsOf<typeof convolution> &
  MethodsOf<typeof pooling> &
  MethodsOf<typeof activation>;

declare module './graph/tensor.js' {
  interface Tensor extends TensorMethods {
    /**
     * Accumulates the gradient of this tensor into the `grad` of every leaf that it depends on.
     *
     * @param options `gradient` (needed unless there is one element), `retainGraph`, `createGraph`.
     * @throws AutogradError if nothing here requires gradients, or the tape is gone.
     * @example
     * const w = tensor([1, 2], { requiresGrad: true });
     * w.square().sum().backward();
     * await w.grad!.toArray(); // [2, 4]
     */
    backward(options?: BackwardOptions): void;
  }
}

/** Functions that are no methods, because their first argument is no tensor or means something else. */
const FUNCTIONS_ONLY = new Set(['cat', 'stack', 'einsum', 'where']);

Tensor.prototype.backward = function (this: Tensor, options: BackwardOptions = {}): void {
  backward(this, options);
};

for (const family of families) {
  for (const [name, fn] of Object.entries(family as Record<string, unknown>)) {
    if (typeof fn !== 'function' || FUNCTIONS_ONLY.has(name) || name in Tensor.prototype) continue;
    Object.defineProperty(Tensor.prototype, name, {
      value(this: Tensor, ...args: unknown[]): unknown {
        return (fn as (...all: unknown[]) => unknown)(this, ...args);
      },
      writable: true,
      configurable: true,
    });
  }
}
