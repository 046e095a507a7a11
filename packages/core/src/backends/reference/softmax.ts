/**
 * Softmax and log-softmax along one axis, with their gradients in terms of the output.
 */
import { type HostCall, type HostKernel, type KernelTable, splitAt } from './kernel.js';
import type { TypedArray } from '../../dtype.js';

/** Calls `lane` for each line of elements along `attrs.dim`. */
const lanes =
  (
    lane: (n: number, step: number, at: number, y: TypedArray, a: TypedArray, b: TypedArray | undefined) => void,
  ): HostKernel =>
  ({ inputs: [a, b], inputAvals, outputs: [y], attrs }: HostCall) => {
    const { outer, size, inner } = splitAt(inputAvals[0].shape, attrs.dim as number);
    for (let o = 0; o < outer; o++) {
      for (let i = 0; i < inner; i++) lane(size, inner, o * size * inner + i, y, a, b);
    }
  };

function largest(n: number, step: number, at: number, x: TypedArray): number {
  let most = -Infinity;
  for (let i = 0; i < n; i++, at += step) most = Math.max(most, x[at]);
  return most;
}

function sumOfExp(n: number, step: number, at: number, x: TypedArray, most: number): number {
  let total = 0;
  for (let i = 0; i < n; i++, at += step) total += Math.exp(x[at] - most);
  return total;
}

export const softmaxKernels: KernelTable = {
  softmax: lanes((n, step, at, y, x) => {
    const most = largest(n, step, at, x);
    const total = sumOfExp(n, step, at, x, most);
    for (let i = 0; i < n; i++, at += step) y[at] = Math.exp(x[at] - most) / total;
  }),
  logSoftmax: lanes((n, step, at, y, x) => {
    const most = largest(n, step, at, x);
    const log = Math.log(sumOfExp(n, step, at, x, most));
    for (let i = 0; i < n; i++, at += step) y[at] = x[at] - most - log;
  }),
  // inputs: gradient, output. dx = y (g − Σ g y)
  softmaxGrad: lanes((n, step, at, dx, g, output) => {
    const y = output!;
    let dot = 0;
    for (let i = 0, k = at; i < n; i++, k += step) dot += g[k] * y[k];
    for (let i = 0; i < n; i++, at += step) dx[at] = y[at] * (g[at] - dot);
  }),
  // inputs: gradient, output. dx = g − e^y Σ g
  logSoftmaxGrad: lanes((n, step, at, dx, g, output) => {
    const y = output!;
    let total = 0;
    for (let i = 0, k = at; i < n; i++, k += step) total += g[k];
    for (let i = 0; i < n; i++, at += step) dx[at] = g[at] - Math.exp(y[at]) * total;
  }),
};
