/**
 * The methods of tensors: every function of the op families that takes a tensor first. One table keeps functions and
 * methods in step, in types and at run time.
 */
import { backward, type BackwardOptions } from './autograd/backward.js';
import { Tensor } from './graph/tensor.js';
import * as activation from './ops/activation.js';
import * as arithmetic from './ops/arithmetic.js';
import * as conversion from './ops/conversion.js';
import * as convolution from './ops/convolution.js';
import * as elementwise from './ops/elementwise.js';
import * as indexing from './ops/indexing.js';
import * as joining from './ops/joining.js';
import * as linear from './ops/linear.js';
import * as logic from './ops/logic.js';
import * as movement from './ops/movement.js';
import * as padding from './ops/padding.js';
import * as pooling from './ops/pooling.js';
import * as reduction from './ops/reduction.js';
import * as slicing from './ops/slicing.js';
import * as sorting from './ops/sorting.js';
import * as statistics from './ops/statistics.js';

const families = [
  elementwise,
  arithmetic,
  logic,
  conversion,
  reduction,
  statistics,
  movement,
  slicing,
  joining,
  padding,
  indexing,
  sorting,
  linear,
  convolution,
  pooling,
  activation,
];

/** Functions that are no methods, because their first argument is no tensor or means something else. */
type FunctionsOnly = 'cat' | 'stack' | 'einsum' | 'where';
const FUNCTIONS_ONLY: ReadonlySet<string> = new Set<FunctionsOnly>(['cat', 'stack', 'einsum', 'where']);

/**
 * The functions of a family without their first parameter. Which they are must not depend on that parameter's type:
 * comparing it with Tensor would need the members of Tensor, which are being defined here. Of overloads this sees the
 * last, so those are listed below.
 */
type MethodsOf<M> = {
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- see above
  [K in Exclude<keyof M, FunctionsOnly>]: M[K] extends (self: any, ...args: infer A) => infer R
    ? (...args: A) => R
    : never;
};

export type TensorMethods = MethodsOf<typeof elementwise> &
  MethodsOf<typeof arithmetic> &
  MethodsOf<typeof logic> &
  MethodsOf<typeof conversion> &
  MethodsOf<typeof reduction> &
  MethodsOf<typeof statistics> &
  MethodsOf<typeof movement> &
  MethodsOf<typeof slicing> &
  MethodsOf<typeof joining> &
  MethodsOf<typeof padding> &
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
    max(): Tensor;
    max(other: Tensor): Tensor;
    max(dim: number, keepdim?: boolean): reduction.ValuesAndIndices;
    min(): Tensor;
    min(other: Tensor): Tensor;
    min(dim: number, keepdim?: boolean): reduction.ValuesAndIndices;
  }
}

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
