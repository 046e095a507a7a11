import type { Tensor } from '@fakkel/core';
import type { StateKinds, UpdateContext } from './optimizer.js';

/** What Adam and its relatives have in common. */
export interface MomentOptions {
  lr: number;
  betas: readonly [number, number];
  eps: number;
  weightDecay: number;
}

/** The state of moments, by PyTorch's names. */
export const MOMENTS: StateKinds = { step: 'number', exp_avg: 'tensor', exp_avg_sq: 'tensor' };

/** State and numbers of an update with averages of the gradient and of its square. */
export const momentInputs = ({ group, tensor, input }: UpdateContext<MomentOptions>): Record<Names, Tensor> => ({
  expAvg: tensor('exp_avg'),
  expAvgSq: tensor('exp_avg_sq'),
  oneMinusBeta1: input('beta1', 1 - group.betas[0]),
  oneMinusBeta2: input('beta2', 1 - group.betas[1]),
  eps: input('eps', group.eps),
  weightDecay: input('weightDecay', group.weightDecay),
});
type Names = 'expAvg' | 'expAvgSq' | 'oneMinusBeta1' | 'oneMinusBeta2' | 'eps' | 'weightDecay';

/** The corrections 1 − β₁ᵗ and 1 − β₂ᵗ in step t, or none. */
export const corrections = (
  { betas: [beta1, beta2] }: MomentOptions,
  step: number,
  isOn = true,
): readonly [number, number] => (isOn ? [1 - beta1 ** step, 1 - beta2 ** step] : [1, 1]);
