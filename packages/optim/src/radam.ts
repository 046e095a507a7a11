import { radamUpdate } from '@fakkel/core';
import { corrections, momentInputs, MOMENTS } from './moments.js';
import { Optimizer, type StateKinds, type UpdateContext, type Updated, withDefaults } from './optimizer.js';
import type { ParamGroup, Params } from './param-groups.js';
import { checkAtLeastZero, checkBetas } from './validation.js';

/** Options of {@link RAdam}. */
export interface RAdamOptions {
  /** Learning rate γ. Default 0.001. */
  lr?: number;
  /** Decay rates β₁, β₂ of the averages of the gradient and of its square. Default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** ε: keeps the division finite. Default 1e-8. */
  eps?: number;
  /** Weight decay λ (L2 penalty). Default 0. */
  weightDecay?: number;
  /** Climb instead of descend. Default false. */
  maximize?: boolean;
}

type Options = Required<RAdamOptions>;

const DEFAULTS: Options = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, maximize: false };

/**
 * RAdam: Adam that does not divide by its average of squares before that has seen enough gradients to mean something.
 *
 * ```text
 * g ← ∇f(w) + λ w                          (−∇f(w) with maximize)
 * m ← β₁ m + (1 − β₁) g
 * v ← β₂ v + (1 − β₂) g²
 * m̂ = m / (1 − β₁ᵗ)                        t: the parameter's steps so far, this one included
 * ρ∞ = 2 / (1 − β₂) − 1, ρₜ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)
 * w ← w − γ r m̂ √(1 − β₂ᵗ) / (√v + ε)      if ρₜ > 5, r = √((ρₜ − 4) (ρₜ − 2) ρ∞ / ((ρ∞ − 4) (ρ∞ − 2) ρₜ))
 * w ← w − γ m̂                              if not: for the first five steps with β₂ = 0.999
 * ```
 *
 * When to use: where {@link Adam} needs a warm-up of the learning rate: r is one, by itself.
 *
 * Source: Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", ICLR 2020, https://arxiv.org/abs/1908.03265.
 * As in PyTorch the first steps, too, are divided by 1 − β₁ᵗ, and the bound on ρₜ is 5.
 *
 * @throws FakkelError for options outside their ranges.
 * @example
 * const net = new nn.Linear(4, 1);
 * const optimizer = new RAdam(net.parameters());
 * optimizer.zeroGrad();
 * net(randn(8, 4)).square().mean().backward();
 * await optimizer.step();
 */
export class RAdam extends Optimizer<Options> {
  constructor(params: Params<RAdamOptions & { lr: number }>, options: RAdamOptions = {}) {
    super(params as Params<Options>, withDefaults<Options>('RAdam', options, DEFAULTS));
  }

  protected get stateKinds(): StateKinds {
    return MOMENTS;
  }

  protected override validate({ lr, betas, eps, weightDecay }: ParamGroup<Options>): void {
    checkAtLeastZero('RAdam', { 'learning rate': lr, 'epsilon value': eps, 'weightDecay value': weightDecay });
    checkBetas('RAdam', betas);
  }

  protected update(context: UpdateContext<Options>): Updated {
    const { parameter, gradient, group, number, input } = context;
    const step = (number('step') ?? 0) + 1;
    const [correction1, correction2] = corrections(group, step);
    const rectification = rectify(group.betas[1], step);
    const isAdaptive = rectification > 0;
    const rate = group.lr / correction1;
    const next = radamUpdate({
      parameter,
      gradient,
      maximize: group.maximize,
      ...momentInputs(context),
      rate: input('rate', isAdaptive ? rate * rectification * Math.sqrt(correction2) : rate),
      isAdaptive: input('isAdaptive', isAdaptive ? 1 : 0),
    });
    return { parameter: next.parameter, state: { step, exp_avg: next.expAvg, exp_avg_sq: next.expAvgSq } };
  }
}

/** r of step t; 0 where the average of squares is of too few gradients. */
function rectify(beta2: number, step: number): number {
  const end = 2 / (1 - beta2) - 1;
  const rho = end - (2 * step * beta2 ** step) / (1 - beta2 ** step);
  return rho > 5 ? Math.sqrt(((rho - 4) * (rho - 2) * end) / ((end - 4) * (end - 2) * rho)) : 0;
}
