import { adamaxUpdate } from '@fakkel/core';
import { Optimizer, type StateKinds, type UpdateContext, type Updated, withDefaults } from './optimizer.js';
import type { ParamGroup, Params } from './param-groups.js';
import { checkAtLeastZero, checkBetas } from './validation.js';

/** Options of {@link Adamax}. */
export interface AdamaxOptions {
  /** Learning rate γ. Default 0.002. */
  lr?: number;
  /** Decay rates β₁, β₂ of the gradient's average and of its largest magnitude. Default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** ε: keeps the division finite. Default 1e-8. */
  eps?: number;
  /** Weight decay λ (L2 penalty). Default 0. */
  weightDecay?: number;
  /** Climb instead of descend. Default false. */
  maximize?: boolean;
}

type Options = Required<AdamaxOptions>;

const DEFAULTS: Options = { lr: 2e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, maximize: false };

/**
 * Adamax: Adam with the largest gradient of late, in place of the root of the mean square.
 *
 * ```text
 * g ← ∇f(w) + λ w                          (−∇f(w) with maximize)
 * m ← β₁ m + (1 − β₁) g
 * u ← max(β₂ u, |g| + ε)
 * w ← w − γ / (1 − β₁ᵗ) · m / u            t: the parameter's steps so far, this one included
 * ```
 *
 * When to use: where {@link Adam} is upset by rare, large gradients, as of embeddings: a step is never longer than about γ.
 *
 * Source: Kingma, Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, section 7.1, https://arxiv.org/abs/1412.6980.
 *
 * @throws FakkelError for options outside their ranges.
 * @example
 * const net = new nn.Linear(4, 1);
 * const optimizer = new Adamax(net.parameters());
 * optimizer.zeroGrad();
 * net(randn(8, 4)).square().mean().backward();
 * await optimizer.step();
 */
export class Adamax extends Optimizer<Options> {
  constructor(params: Params<AdamaxOptions & { lr: number }>, options: AdamaxOptions = {}) {
    super(params as Params<Options>, withDefaults<Options>('Adamax', options, DEFAULTS));
  }

  protected get stateKinds(): StateKinds {
    return { step: 'number', exp_avg: 'tensor', exp_inf: 'tensor' };
  }

  protected override validate({ lr, betas, eps, weightDecay }: ParamGroup<Options>): void {
    checkAtLeastZero('Adamax', { 'learning rate': lr, 'epsilon value': eps, 'weightDecay value': weightDecay });
    checkBetas('Adamax', betas);
  }

  protected update({ parameter, gradient, group, tensor, number, input }: UpdateContext<Options>): Updated {
    const step = (number('step') ?? 0) + 1;
    const [beta1, beta2] = group.betas;
    const next = adamaxUpdate({
      parameter,
      gradient,
      maximize: group.maximize,
      expAvg: tensor('exp_avg'),
      expInf: tensor('exp_inf'),
      rate: input('rate', group.lr / (1 - beta1 ** step)),
      oneMinusBeta1: input('beta1', 1 - beta1),
      beta2: input('beta2', beta2),
      eps: input('eps', group.eps),
      weightDecay: input('weightDecay', group.weightDecay),
    });
    return { parameter: next.parameter, state: { step, exp_avg: next.expAvg, exp_inf: next.expInf } };
  }
}
