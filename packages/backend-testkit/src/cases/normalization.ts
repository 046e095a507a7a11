/**
 * Adapters of normalization within samples, and of dropout by channels.
 */
import { Buffer, manualSeed, nn, type Tensor } from '@fakkel/core';
import { adapter, type Adapter } from './adapter.js';

const F = nn.functional;

interface InstanceNormArgs {
  readonly useInputStats?: boolean;
  readonly momentum?: number;
  readonly eps?: number;
}

function instanceNorm(
  [x, weight, bias, mean, variance]: readonly Tensor[],
  options: InstanceNormArgs,
): Tensor | Tensor[] {
  if (!mean || options.useInputStats === false)
    return F.instanceNorm(x, mean ?? null, variance ?? null, weight, bias, options);
  const running = [new Buffer(mean), new Buffer(variance)];
  const y = F.instanceNorm(x, running[0], running[1], weight, bias, options);
  return [y, ...running];
}

/** The goldens' masks are those of the first key of a seed. */
const seeded = (run: (x: Tensor, p: number, training: boolean) => Tensor): Adapter =>
  adapter<{ p: number; seed: number }>(([x], { p, seed }) => {
    manualSeed(seed);
    return run(x, p, true);
  });

export const normalizationAdapters: Readonly<Record<string, Adapter>> = {
  layerNorm: adapter<{ normalizedShape: readonly number[]; eps?: number }>(
    ([x, weight, bias], { normalizedShape, ...options }) => F.layerNorm(x, normalizedShape, weight, bias, options),
  ),
  groupNorm: adapter<{ groups: number; eps?: number }>(([x, weight, bias], { groups, ...options }) =>
    F.groupNorm(x, groups, weight, bias, options),
  ),
  instanceNorm: adapter<InstanceNormArgs>(instanceNorm),
  localResponseNorm: adapter<{ size: number; alpha?: number; beta?: number; k?: number }>(([x], { size, ...options }) =>
    F.localResponseNorm(x, size, options),
  ),

  dropout1d: seeded(F.dropout1d),
  dropout2d: seeded(F.dropout2d),
  dropout3d: seeded(F.dropout3d),
  alphaDropout: seeded(F.alphaDropout),
  featureAlphaDropout: seeded(F.featureAlphaDropout),
};
