import { adamUpdate, FakkelError } from '@fakkel/core';
import { Optimizer, type StateKinds, type UpdateContext, type Updated, withDefaults } from './optimizer.js';
import type { ParamGroup, Params } from './param-groups.js';
import { checkAtLeastZero } from './validation.js';

/** Options of {@link Adam}. */
export interface AdamOptions {
  /** Learning rate γ. Default 0.001. */
  lr?: number;
  /** Decay rates β₁, β₂ of the averages of the gradient and of its square. Default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** ε: keeps the division finite. Default 1e-8. */
  eps?: number;
  /** Weight decay λ (L2 penalty, as in `torch.optim.Adam`: it passes through the averages). Default 0. */
  weightDecay?: number;
  /** Not implemented yet: only false. */
  amsgrad?: false;
  /** Climb instead of descend. Default false. */
  maximize?: boolean;
}

type Options = Required<AdamOptions>;

const DEFAULTS: Options = { lr: 1e-3, betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0, amsgrad: false, maximize: false };

/**
 * Adam: every weight has a step of its own, scaled by running averages of its gradient and of the gradient's square.
 *
 * ```text
 * g ← ∇f(w) + λ w                          (−∇f(w) with maximize)
 * m ← β₁ m + (1 − β₁) g
 * v ← β₂ v + (1 − β₂) g²
 * w ← w − γ (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)      t: the parameter's steps so far, this one included
 * ```
 *
 * When to use: the lecture's second choice beside SGD with momentum; it needs less tuning of the learning rate (0.001
 * is a place to begin), and sometimes generalizes a little worse. Its weight decay is an L2 penalty that the averages
 * scale down for weights with large gradients; see https://www.fast.ai/2018/07/02/adam-weight-decay/.
 *
 * Source: Kingma, Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1, https://arxiv.org/abs/1412.6980.
 *
 * @throws FakkelError for options outside their ranges, and for `amsgrad`.
 * @example
 * const net = new nn.Linear(4, 1);
 * const optimizer = new Adam(net.parameters(), { lr: 1e-3 });
 * optimizer.zeroGrad();
 * net(randn(8, 4)).square().mean().backward();
 * await optimizer.step();
 */
export class Adam extends Optimizer<Options> {
  constructor(params: Params<AdamOptions & { lr: number }>, options: AdamOptions = {}) {
    super(params as Params<Options>, withDefaults<Options>('Adam', options, DEFAULTS));
  }

  protected get stateKinds(): StateKinds {
    return { step: 'number', exp_avg: 'tensor', exp_avg_sq: 'tensor' };
  }

  protected override validate({ lr, betas, eps, weightDecay, amsgrad }: ParamGroup<Options>): void {
    checkAtLeastZero('Adam', { 'learning rate': lr, 'epsilon value': eps, 'weightDecay value': weightDecay });
    if (!Array.isArray(betas) || betas.length !== 2) {
      throw new FakkelError(`Adam: betas must be two numbers, such as [0.9, 0.999], got ${String(betas)}.`);
    }
    betas.forEach((beta: number, i) => {
      if (!(beta >= 0 && beta < 1)) {
        throw new FakkelError(`Adam: Invalid beta parameter at index ${i}: ${beta}. It must be ≥ 0 and < 1.`);
      }
    });
    if (amsgrad) throw new FakkelError('Adam: amsgrad is not implemented yet. Leave it out, or set it to false.');
  }

  protected update({ parameter, gradient, group, tensor, number, input }: UpdateContext<Options>): Updated {
    const step = (number('step') ?? 0) + 1;
    // In float32 the averages decay by the rounded β: corrections made with the same β cancel its rounding error.
    const [beta1, beta2] = parameter.dtype === 'float32' ? group.betas.map(Math.fround) : group.betas;
    const updated = adamUpdate({
      parameter,
      gradient,
      expAvg: tensor('exp_avg'),
      expAvgSq: tensor('exp_avg_sq'),
      lr: input('lr', group.lr),
      beta1: input('beta1', beta1),
      beta2: input('beta2', beta2),
      eps: input('eps', group.eps),
      weightDecay: input('weightDecay', group.weightDecay),
      biasCorrection1: input('biasCorrection1', 1 - beta1 ** step),
      biasCorrection2: input('biasCorrection2', 1 - beta2 ** step),
      maximize: group.maximize,
    });
    return { parameter: updated.parameter, state: { step, exp_avg: updated.expAvg, exp_avg_sq: updated.expAvgSq } };
  }
}
