/**
 * Adapters of matrix products, convolutions and pooling.
 */
import * as fk from '@fakkel/core';
import type { AvgPoolOptions, ConvOptions, ConvTransposeOptions, MaxPoolOptions, Tensor } from '@fakkel/core';
import { adapter, both, type Adapter } from './adapter.js';

type PerAxis = number | readonly number[];
type OutputSize = number | readonly (number | null)[];

const conv = (run: (x: Tensor, w: Tensor, bias: Tensor | null, options: ConvOptions) => Tensor): Adapter =>
  adapter<ConvOptions>(([x, w, bias], options) => run(x, w, bias ?? null, options));

const convTranspose = (
  run: (x: Tensor, w: Tensor, bias: Tensor | null, options: ConvTransposeOptions) => Tensor,
): Adapter => adapter<ConvTransposeOptions>(([x, w, bias], options) => run(x, w, bias ?? null, options));

const maxPool = (run: (x: Tensor, kernel: PerAxis, options: MaxPoolOptions) => Tensor): Adapter =>
  adapter<MaxPoolOptions & { kernel: PerAxis }>(([x], { kernel, ...options }) => run(x, kernel, options));

const avgPool = (run: (x: Tensor, kernel: PerAxis, options: AvgPoolOptions) => Tensor): Adapter =>
  adapter<AvgPoolOptions & { kernel: PerAxis }>(([x], { kernel, ...options }) => run(x, kernel, options));

const adaptive = (run: (x: Tensor, outputSize: OutputSize) => Tensor): Adapter =>
  adapter<{ outputSize: OutputSize }>(([x], { outputSize }) => run(x, outputSize));

interface Windows {
  readonly kernel: PerAxis;
  readonly stride?: PerAxis;
  readonly padding?: PerAxis;
  readonly dilation?: PerAxis;
}

export const linearAdapters: Readonly<Record<string, Adapter>> = {
  matmul: adapter(([a, b]) => a.matmul(b)),
  bmm: adapter(([a, b]) => a.bmm(b)),
  mm: adapter(([a, b]) => a.mm(b)),
  mv: adapter(([a, b]) => a.mv(b)),
  dot: adapter(([a, b]) => a.dot(b)),
  outer: adapter(([a, b]) => a.outer(b)),
  addmm: adapter<{ beta?: number; alpha?: number }>(([x, a, b], options) => fk.addmm(x, a, b, options)),
  baddbmm: adapter<{ beta?: number; alpha?: number }>(([x, a, b], options) => fk.baddbmm(x, a, b, options)),
  transposedMatmul: adapter<{ left: boolean; right: boolean }>(([a, b], { left, right }) =>
    (left ? a.transpose(-1, -2) : a).matmul(right ? b.transpose(-1, -2) : b),
  ),
  linear: adapter(([x, w, bias]) => fk.linear(x, w, bias ?? null)),
  einsum: adapter<{ equation: string }>((operands, { equation }) => fk.einsum(equation, ...operands)),

  conv1d: conv(fk.conv1d),
  conv2d: conv(fk.conv2d),
  conv3d: conv(fk.conv3d),
  convTranspose1d: convTranspose(fk.convTranspose1d),
  convTranspose2d: convTranspose(fk.convTranspose2d),

  maxPool1d: maxPool(fk.maxPool1d),
  maxPool2d: adapter<MaxPoolOptions & { kernel: PerAxis; returnIndices?: boolean }>(
    ([x], { kernel, returnIndices, ...options }) =>
      returnIndices ? both(fk.maxPool2dWithIndices(x, kernel, options)) : x.maxPool2d(kernel, options),
  ),
  maxPool3d: maxPool(fk.maxPool3d),
  maxPool1dWithIndices: adapter<MaxPoolOptions & { kernel: PerAxis }>(([x], { kernel, ...options }) =>
    both(fk.maxPool1dWithIndices(x, kernel, options)),
  ),
  maxPool3dWithIndices: adapter<MaxPoolOptions & { kernel: PerAxis }>(([x], { kernel, ...options }) =>
    both(fk.maxPool3dWithIndices(x, kernel, options)),
  ),
  adaptiveMaxPool2dWithIndices: adapter<{ outputSize: OutputSize }>(([x], { outputSize }) =>
    both(fk.adaptiveMaxPool2dWithIndices(x, outputSize)),
  ),
  avgPool1d: avgPool(fk.avgPool1d),
  avgPool2d: avgPool(fk.avgPool2d),
  avgPool3d: avgPool(fk.avgPool3d),
  adaptiveAvgPool1d: adaptive(fk.adaptiveAvgPool1d),
  adaptiveAvgPool2d: adaptive(fk.adaptiveAvgPool2d),
  adaptiveMaxPool1d: adaptive(fk.adaptiveMaxPool1d),
  adaptiveMaxPool2d: adaptive(fk.adaptiveMaxPool2d),
  unfold: adapter<Windows>(([x], { kernel, ...options }) => fk.unfold(x, kernel, options)),
  fold: adapter<Windows & { outputSize: PerAxis }>(([x], { kernel, outputSize, ...options }) =>
    fk.fold(x, outputSize, kernel, options),
  ),
};
