/**
 * Adapters of interpolation, shuffles, embedding, distances, and pooling that is no plain window.
 */
import { nn, type ConvTransposeOptions, type Tensor } from '@fakkel/core';
import { adapter, type Adapter } from './adapter.js';

const F = nn.functional;

type PerAxis = number | readonly number[];
type OutputSize = number | readonly (number | null)[];

/** A function of two tensors with the options of the case. */
const pair = <O>(run: (x: Tensor, y: Tensor, options: O) => Tensor): Adapter =>
  adapter<O>(([x, y], options) => run(x, y, options));

const lpPool = (
  run: (x: Tensor, p: number, kernel: PerAxis, options: nn.functional.LPPoolOptions) => Tensor,
): Adapter =>
  adapter<nn.functional.LPPoolOptions & { normType: number; kernel: PerAxis }>(
    ([x], { normType, kernel, ...options }) => run(x, normType, kernel, options),
  );

type MaxUnpool = (x: Tensor, indices: Tensor, kernel: PerAxis, options: nn.functional.MaxUnpoolOptions) => Tensor;
const maxUnpool = (run: MaxUnpool): Adapter =>
  adapter<nn.functional.MaxUnpoolOptions & { kernel: PerAxis }>(([x, indices], { kernel, ...options }) =>
    run(x, indices, kernel, options),
  );

export const layerAdapters: Readonly<Record<string, Adapter>> = {
  interpolate: adapter<nn.functional.InterpolateOptions>(([x], options) => F.interpolate(x, options)),
  pixelShuffle: adapter<{ factor: number }>(([x], { factor }) => F.pixelShuffle(x, factor)),
  pixelUnshuffle: adapter<{ factor: number }>(([x], { factor }) => F.pixelUnshuffle(x, factor)),
  channelShuffle: adapter<{ groups: number }>(([x], { groups }) => F.channelShuffle(x, groups)),

  embedding: adapter<nn.functional.EmbeddingOptions>(([weight, index], options) => {
    if (!options.maxNorm) return F.embedding(index, weight, options);
    // The table itself is written to.
    const table = new nn.Buffer(weight);
    return [F.embedding(index, table, options), table];
  }),
  pairwiseDistance: pair(F.pairwiseDistance),
  cosineSimilarity: pair(F.cosineSimilarity),
  normalize: adapter<nn.functional.NormalizeOptions>(([x], options) => F.normalize(x, options)),
  bilinear: adapter(([x1, x2, weight, bias]) => F.bilinear(x1, x2, weight, bias ?? null)),

  lpPool1d: lpPool(F.lpPool1d),
  lpPool2d: lpPool(F.lpPool2d),
  maxUnpool1d: maxUnpool(F.maxUnpool1d),
  maxUnpool2d: maxUnpool(F.maxUnpool2d),
  maxUnpool3d: maxUnpool(F.maxUnpool3d),
  adaptiveAvgPool3d: adapter<{ outputSize: OutputSize }>(([x], { outputSize }) => x.adaptiveAvgPool3d(outputSize)),
  adaptiveMaxPool3d: adapter<{ outputSize: OutputSize }>(([x], { outputSize }) => x.adaptiveMaxPool3d(outputSize)),
  convTranspose3d: adapter<ConvTransposeOptions>(([x, w, bias], options) =>
    F.convTranspose3d(x, w, bias ?? null, options),
  ),
};
