import { lambUpdate } from '@fakkel/core';
import { corrections, momentInputs, MOMENTS } from './moments.js';
import { Optimizer, type StateKinds, type UpdateContext, type Updated, withDefaults } from './optimizer.js';
import type { ParamGroup, Params } from './param-groups.js';
import { checkAtLeastZero, checkBetas } from './validation.js';

/** Options of {@link LAMB}. */
export interface LAMBOptions {
  /** Learning rate γ. Default 0.001. */
  lr?: number;
  /** Decay rates β₁, β₂ of the averages of the gradient and of its square. Default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** ε: keeps the division finite. Default 1e-6. */
  eps?: number;
  /** Weight decay λ, decoupled from the averages. Default 0.01. */
  weightDecay?: number;
  /** Whether each parameter has a rate of its own. False, for a group of biases: AdamW's step. Default true. */
  layerwise?: boolean;
  /** Divide the averages by 1 − βᵗ, because they begin at 0. Default true. */
  biasCorrection?: boolean;
  /** Climb instead of descend. Default false. */
  maximize?: boolean;
}

type Options = Required<LAMBOptions>;

const DEFAULTS: Options = {
  lr: 1e-3,
  betas: [0.9, 0.999],
  eps: 1e-6,
  weightDecay: 0.01,
  layerwise: true,
  biasCorrection: true,
  maximize: false,
};

/**
 * LAMB: AdamW whose step is scaled for every layer (parameter) to the part γ of its weights' length.
 *
 * ```text
 * g ← ∇f(w)                                (−∇f(w) with maximize)
 * m ← β₁ m + (1 − β₁) g
 * v ← β₂ v + (1 − β₂) g²
 * r = (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε) + λ w       t: the parameter's steps so far, this one included
 * w ← w − γ ‖w‖ / ‖r‖ · r                  (‖w‖ / ‖r‖: 1 where a norm is 0, and without layerwise)
 * ```
 *
 * When to use: for very large batches, as {@link LARS}, where Adam is the optimizer for small ones. Biases and the parameters
 * of normalization are usually left out: a group with `layerwise: false` and `weightDecay: 0`.
 *
 * Source: You et al., "Large Batch Optimization for Deep Learning: Training BERT in 76 minutes", ICLR 2020, algorithm 2 with
 * φ(z) = z, https://arxiv.org/abs/1904.00962. PyTorch has no LAMB.
 *
 * @throws FakkelError for options outside their ranges.
 * @example
 * const net = new nn.Linear(4, 1);
 * const optimizer = new LAMB(net.parameters(), { lr: 0.01 });
 * optimizer.zeroGrad();
 * net(randn(8, 4)).square().mean().backward();
 * await optimizer.step();
 */
export class LAMB extends Optimizer<Options> {
  constructor(params: Params<LAMBOptions & { lr: number }>, options: LAMBOptions = {}) {
    super(params as Params<Options>, withDefaults<Options>('LAMB', options, DEFAULTS));
  }

  protected get stateKinds(): StateKinds {
    return MOMENTS;
  }

  protected override validate({ lr, betas, eps, weightDecay }: ParamGroup<Options>): void {
    checkAtLeastZero('LAMB', { 'learning rate': lr, 'epsilon value': eps, 'weightDecay value': weightDecay });
    checkBetas('LAMB', betas);
  }

  protected update(context: UpdateContext<Options>): Updated {
    const { parameter, gradient, group, number, input } = context;
    const { layerwise, maximize } = group;
    const step = (number('step') ?? 0) + 1;
    const [correction1, correction2] = corrections(group, step, group.biasCorrection);
    const next = lambUpdate({
      parameter,
      gradient,
      layerwise,
      maximize,
      ...momentInputs(context),
      lr: input('lr', group.lr),
      biasCorrection1: input('biasCorrection1', correction1),
      biasCorrection2: input('biasCorrection2', correction2),
    });
    return { parameter: next.parameter, state: { step, exp_avg: next.expAvg, exp_avg_sq: next.expAvgSq } };
  }
}
