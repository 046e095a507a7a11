/**
 * Adapters of losses, normalization and random numbers.
 */
import { Buffer, nn, scalarInput, type Tensor } from '@fakkel/core';
import { adapter, recordOp, type Adapter } from './adapter.js';

const F = nn.functional;

interface LossArgs {
  readonly reduction?: 'mean' | 'sum' | 'none';
  readonly ignoreIndex?: number;
}

/** Numbers as inputs of the program, as optimizers and dropout give them. */
const scalars = (values: readonly number[], like: Tensor): Tensor[] =>
  values.map((value) => scalarInput(value, like.dtype, like.device));

function batchNorm(
  [x, weight, bias, mean, variance]: readonly Tensor[],
  args: { training?: boolean; momentum?: number; eps?: number },
): Tensor | Tensor[] {
  const { training = true, ...rest } = args;
  const options = { training, ...rest };
  if (!mean || !training) return F.batchNorm(x, mean ?? null, variance ?? null, weight, bias, options);
  const running = [new Buffer(mean), new Buffer(variance)];
  const y = F.batchNorm(x, running[0], running[1], weight, bias, options);
  return [y, ...running];
}

export const lossAdapters: Readonly<Record<string, Adapter>> = {
  crossEntropy: adapter<LossArgs & { labelSmoothing?: number }>(([x, target, weight], options) =>
    F.crossEntropy(x, target, { weight, ...options }),
  ),
  nllLoss: adapter<LossArgs>(([x, target, weight], options) => F.nllLoss(x, target, { weight, ...options })),
  mseLoss: adapter<Pick<LossArgs, 'reduction'>>(([x, target], options) => F.mseLoss(x, target, options)),
  l1Loss: adapter<Pick<LossArgs, 'reduction'>>(([x, target], options) => F.l1Loss(x, target, options)),
  binaryCrossEntropyWithLogits: adapter<Pick<LossArgs, 'reduction'> & { weighted?: boolean; positive?: boolean }>(
    ([x, target, factor], { reduction, weighted, positive }) =>
      F.binaryCrossEntropyWithLogits(x, target, {
        reduction,
        weight: weighted ? factor : null,
        posWeight: positive ? factor : null,
      }),
  ),
  batchNorm: adapter<{ training?: boolean; momentum?: number; eps?: number }>(batchNorm),

  random: adapter<{ shape: readonly number[] }>(([key], { shape }, float) =>
    recordOp('random', [key], { shape, dtype: float }),
  ),
  dropout: adapter<{ p: number }>(([x, key], { p }) => recordOp('dropout', [x, ...scalars([p], x), key], {})),
};
