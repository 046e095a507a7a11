/**
 * Adapters of reductions, running sums, softmax and sorting.
 */
import type { Tensor } from '@fakkel/core';
import { adapter, both, type Adapter } from './adapter.js';

interface Dims {
  readonly dim?: number | readonly number[];
  readonly keepdim?: boolean;
}

const reduction = (run: (x: Tensor, dim: Dims['dim'], keepdim: boolean | undefined) => Tensor): Adapter =>
  adapter<Dims>(([x], { dim, keepdim }) => run(x, dim, keepdim));

/** Over one axis or over all. */
const single = (run: (x: Tensor, dim: number | undefined, keepdim: boolean | undefined) => Tensor): Adapter =>
  adapter<{ dim?: number; keepdim?: boolean }>(([x], { dim, keepdim }) => run(x, dim, keepdim));

export const reductionAdapters: Readonly<Record<string, Adapter>> = {
  sum: reduction((x, dim, keepdim) => x.sum(dim, keepdim)),
  mean: reduction((x, dim, keepdim) => x.mean(dim, keepdim)),
  prod: single((x, dim, keepdim) => x.prod(dim, keepdim)),
  amax: reduction((x, dim, keepdim) => x.amax(dim, keepdim)),
  amin: reduction((x, dim, keepdim) => x.amin(dim, keepdim)),
  argmax: single((x, dim, keepdim) => x.argmax(dim, keepdim)),
  argmin: single((x, dim, keepdim) => x.argmin(dim, keepdim)),
  maxDim: adapter<{ dim: number; keepdim?: boolean }>(([x], { dim, keepdim }) => both(x.max(dim, keepdim))),
  minDim: adapter<{ dim: number; keepdim?: boolean }>(([x], { dim, keepdim }) => both(x.min(dim, keepdim))),
  maxAll: adapter(([x]) => x.max()),
  minAll: adapter(([x]) => x.min()),
  any: single((x, dim, keepdim) => x.any(dim, keepdim)),
  all: single((x, dim, keepdim) => x.all(dim, keepdim)),
  var: adapter<Dims & { correction?: number }>(([x], { dim, ...options }) => x.var(dim, options)),
  std: adapter<Dims & { correction?: number }>(([x], { dim, ...options }) => x.std(dim, options)),
  norm: adapter<Dims & { p?: number | string }>(([x], { p = 2, dim, keepdim }) =>
    x.norm(typeof p === 'string' ? (p === 'inf' ? Infinity : -Infinity) : p, dim, keepdim),
  ),
  logsumexp: adapter<{ dim: number | readonly number[]; keepdim?: boolean }>(([x], { dim, keepdim }) =>
    x.logsumexp(dim, keepdim),
  ),
  cumsum: adapter<{ dim: number }>(([x], { dim }) => x.cumsum(dim)),
  softmax: adapter<{ dim: number }>(([x], { dim }) => x.softmax(dim)),
  logSoftmax: adapter<{ dim: number }>(([x], { dim }) => x.logSoftmax(dim)),
  sort: adapter<{ dim?: number; descending?: boolean }>(([x], { dim, descending }) => both(x.sort(dim, descending))),
  argsort: adapter<{ dim?: number; descending?: boolean }>(([x], { dim, descending }) => x.argsort(dim, descending)),
  topk: adapter<{ k: number; dim?: number; largest?: boolean }>(([x], { k, dim, largest }) =>
    both(x.topk(k, dim, largest)),
  ),
};
