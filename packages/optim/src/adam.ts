import { adamUpdate } from '@fakkel/core';
import { corrections, momentInputs, MOMENTS } from './moments.js';
import { Optimizer, type StateKinds, type UpdateContext, type Updated, withDefaults } from './optimizer.js';
import type { ParamGroup, Params } from './param-groups.js';
import { checkAtLeastZero, checkBetas } from './validation.js';

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
  /** AMSGrad: divide by the largest v so far, so that a weight's rate never grows again. Default false. */
  amsgrad?: boolean;
  /** Climb instead of descend. Default false. */
  maximize?: boolean;
  /**
   * Divide the averages by 1 − βᵗ, because they begin at 0. Default true; false is the lecture's "main idea without fix
   * for the first iterations", which PyTorch does not have: its first step is (1 − β₁) / √(1 − β₂) ≈ 3.2 times as long.
   */
  biasCorrection?: boolean;
}

type Options = Required<AdamOptions>;

/**
 * Adam: every weight has a step of its own, scaled by running averages of its gradient and of the gradient's square.
 *
 * ```text
 * g ← ∇f(w) + λ w                          (−∇f(w) with maximize)
 * m ← β₁ m + (1 − β₁) g
 * v ← β₂ v + (1 − β₂) g²
 * v̂ ← v                                    (v̂ ← max(v̂, v) with amsgrad)
 * w ← w − γ (m / (1 − β₁ᵗ)) / (√(v̂ / (1 − β₂ᵗ)) + ε)      t: the parameter's steps so far, this one included
 * w ← w − γ m / (√v̂ + ε)                                  without biasCorrection
 * ```
 *
 * When to use: "Adam also works well", says the lecture, after SGD with momentum, its first choice: it combines momentum
 * with a moving average of the gradients of each weight and needs less tuning of the learning rate (0.001 is a place to
 * begin), but sometimes generalizes a little worse. With weight decay "be aware that this is currently a matter of
 * discussion": here it is an L2 penalty, which the averages scale down for weights with large gradients; {@link AdamW}
 * decays the weights themselves. See https://www.fast.ai/2018/07/02/adam-weight-decay/.
 *
 * Source: Kingma, Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1, https://arxiv.org/abs/1412.6980;
 * AMSGrad: Reddi, Kale, Kumar, "On the Convergence of Adam and Beyond", ICLR 2018, https://arxiv.org/abs/1904.09237.
 *
 * @throws FakkelError for options outside their ranges.
 * @example
 * const net = new nn.Linear(4, 1);
 * const optimizer = new Adam(net.parameters(), { lr: 1e-3 });
 * optimizer.zeroGrad();
 * net(randn(8, 4)).square().mean().backward();
 * await optimizer.step();
 */
export class Adam extends Optimizer<Options> {
  /** @internal */
  static readonly _defaults: Options = {
    lr: 1e-3,
    betas: [0.9, 0.999],
    eps: 1e-8,
    weightDecay: 0,
    amsgrad: false,
    maximize: false,
    biasCorrection: true,
  };

  constructor(params: Params<AdamOptions & { lr: number }>, options: AdamOptions = {}) {
    super(params as Params<Options>, withDefaults<Options>(new.target.name, options, new.target._defaults));
  }

  protected get stateKinds(): StateKinds {
    return { ...MOMENTS, max_exp_avg_sq: 'tensor' };
  }

  protected override tensorsOf({ amsgrad }: ParamGroup<Options>): readonly string[] {
    return ['exp_avg', 'exp_avg_sq', ...(amsgrad ? ['max_exp_avg_sq'] : [])];
  }

  protected override validate({ lr, betas, eps, weightDecay }: ParamGroup<Options>): void {
    checkAtLeastZero(this.name, { 'learning rate': lr, 'epsilon value': eps, 'weightDecay value': weightDecay });
    checkBetas(this.name, betas);
  }

  /** Whether weights decay apart from the gradient. */
  protected get isDecoupled(): boolean {
    return false;
  }

  protected update(context: UpdateContext<Options>): Updated {
    const { parameter, gradient, group, tensor, number, input } = context;
    const { amsgrad, maximize } = group;
    const step = (number('step') ?? 0) + 1;
    const [correction1, correction2] = corrections(group, step, group.biasCorrection);
    const next = adamUpdate({
      parameter,
      gradient,
      decoupled: this.isDecoupled,
      amsgrad,
      maximize,
      ...momentInputs(context),
      ...(amsgrad ? { maxExpAvgSq: tensor('max_exp_avg_sq') } : {}),
      lr: input('lr', group.lr),
      biasCorrection1: input('biasCorrection1', correction1),
      biasCorrection2: input('biasCorrection2', correction2),
    });
    return {
      parameter: next.parameter,
      state: { step, exp_avg: next.expAvg, exp_avg_sq: next.expAvgSq, max_exp_avg_sq: next.maxExpAvgSq },
    };
  }
}
