/**
 * Adapters of ops that move, pick and place elements.
 */
import * as fk from '@fakkel/core';
import { adapter, type Adapter } from './adapter.js';

type Sizes = readonly number[];

export const movementAdapters: Readonly<Record<string, Adapter>> = {
  reshape: adapter<{ shape: Sizes }>(([x], { shape }) => x.reshape(shape)),
  view: adapter<{ shape: Sizes }>(([x], { shape }) => x.view(shape)),
  permute: adapter<{ dims: Sizes }>(([x], { dims }) => x.permute(dims)),
  transpose: adapter<{ dim0: number; dim1: number }>(([x], { dim0, dim1 }) => x.transpose(dim0, dim1)),
  flatten: adapter<{ startDim?: number; endDim?: number }>(([x], { startDim, endDim }) => x.flatten(startDim, endDim)),
  unflatten: adapter<{ dim: number; sizes: Sizes }>(([x], { dim, sizes }) => x.unflatten(dim, sizes)),
  squeeze: adapter<{ dim?: number }>(([x], { dim }) => x.squeeze(dim)),
  unsqueeze: adapter<{ dim: number }>(([x], { dim }) => x.unsqueeze(dim)),
  expand: adapter<{ shape: Sizes }>(([x], { shape }) => x.expand(shape)),
  flip: adapter<{ dims: Sizes }>(([x], { dims }) => x.flip(dims)),
  roll: adapter<{ shifts: number | Sizes; dims?: number | Sizes }>(([x], { shifts, dims }) => x.roll(shifts, dims)),
  pad: adapter<{ pad: Sizes; value?: number }>(([x], { pad, value }) => x.pad(pad, { value })),
  cat: adapter<{ dim: number }>((parts, { dim }) => fk.cat(parts, dim)),
  stack: adapter<{ dim: number }>((parts, { dim }) => fk.stack(parts, dim)),
  split: adapter<{ size: number | Sizes; dim: number }>(([x], { size, dim }) => x.split(size, dim)),
  chunk: adapter<{ chunks: number; dim: number }>(([x], { chunks, dim }) => x.chunk(chunks, dim)),
  unbind: adapter<{ dim: number }>(([x], { dim }) => x.unbind(dim)),

  narrow: adapter<{ dim: number; start: number; length: number }>(([x], { dim, start, length }) =>
    x.narrow(dim, start, length),
  ),
  slice: adapter<{ dim: number; start?: number; end?: number; step?: number }>(([x], { dim, start, end, step }) =>
    x.slice(dim, start, end, step),
  ),
  select: adapter<{ dim: number; index: number }>(([x], { dim, index }) => x.select(dim, index)),
  indexSelect: adapter<{ dim: number }>(([x, index], { dim }) => x.indexSelect(dim, index)),
  gather: adapter<{ dim: number }>(([x, index], { dim }) => x.gather(dim, index)),
  scatterAdd: adapter<{ dim: number }>(([x, index, source], { dim }) => x.scatterAdd(dim, index, source)),
  indexAdd: adapter<{ dim: number }>(([x, index, source], { dim }) => x.indexAdd(dim, index, source)),
  tril: adapter<{ diagonal?: number }>(([x], { diagonal }) => x.tril(diagonal)),
  triu: adapter<{ diagonal?: number }>(([x], { diagonal }) => x.triu(diagonal)),
  index: adapter(([x, index]) => x.index(index)),
};
