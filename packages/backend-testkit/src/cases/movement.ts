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
  indexTwo: adapter(([x, rows, columns]) => x.index([rows, columns])),
  indexSecond: adapter(([x, columns]) => x.index([null, columns])),
  scatter: adapter<{ dim: number; value?: number }>(([x, index, source], { dim, value }) =>
    x.scatter(dim, index, value ?? source),
  ),

  padMode: adapter<{ pad: Sizes; mode: 'reflect' | 'replicate' | 'circular' }>(([x], { pad, mode }) =>
    x.pad(pad, { mode }),
  ),
  clone: adapter(([x]) => x.clone()),
  repeat: adapter<{ counts: Sizes }>(([x], { counts }) => x.repeat(counts)),
  tile: adapter<{ counts: Sizes }>(([x], { counts }) => x.tile(counts)),
  repeatInterleave: adapter<{ count: number; dim?: number }>(([x], { count, dim }) => x.repeatInterleave(count, dim)),
  movedim: adapter<{ source: number | Sizes; destination: number | Sizes }>(([x], { source, destination }) =>
    x.movedim(source, destination),
  ),
  t: adapter(([x]) => x.t()),
  broadcastTo: adapter<{ shape: Sizes }>(([x], { shape }) => x.broadcastTo(shape)),
  expandAs: adapter(([x, other]) => x.expandAs(other)),
  diagonal: adapter<{ offset?: number; dim1?: number; dim2?: number }>(([x], { offset, dim1, dim2 }) =>
    x.diagonal(offset, dim1, dim2),
  ),
  sliceScatter: adapter<{ dim?: number; start?: number; end?: number; step?: number }>(
    ([x, source], { dim, start, end, step }) => x.sliceScatter(source, dim, start, end, step),
  ),
};

/** Tensors made of nothing: they need to be told the device. */
export const creationAdapters: Readonly<Record<string, Adapter>> = {
  arange: adapter<{ range: [number, number?, number?] }>((_, { range: [a, b, c] }, dtype, device) =>
    b === undefined ? fk.arange(a, { dtype, device }) : fk.arange(a, b, c ?? 1, { dtype, device }),
  ),
  linspace: adapter<{ start: number; end: number; steps: number }>((_, { start, end, steps }, dtype, device) =>
    fk.linspace(start, end, steps, { dtype, device }),
  ),
  eye: adapter<{ sizes: [number, number?] }>((_, { sizes: [rows, columns] }, dtype, device) =>
    fk.eye(rows, columns ?? rows, { dtype, device }),
  ),
  filled: adapter<{ shape: Sizes; value: number }>(([x], { shape, value }, dtype, device) =>
    fk.full(shape, value, { dtype, device }).add(x),
  ),
};
