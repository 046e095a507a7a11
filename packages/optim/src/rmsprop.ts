import { rmspropUpdate } from '@fakkel/core';
import { Optimizer, type StateKinds, type UpdateContext, type Updated, withDefaults } from './optimizer.js';
import type { ParamGroup, Params } from './param-groups.js';
import { checkAtLeastZero } from './validation.js';

/** Options of {@link RMSprop}. */
export interface RMSpropOptions {
  /** Learning rate γ. Default 0.01. */
  lr?: number;
  /** Decay rate α of the averages. Default 0.99. */
  alpha?: number;
  /** ε: keeps the division finite. Default 1e-8. */
  eps?: number;
  /** Weight decay λ (L2 penalty). Default 0. */
  weightDecay?: number;
  /** Momentum factor μ. Default 0. */
  momentum?: number;
  /** Divide by an estimate of the gradient's standard deviation, not of its root mean square. Default false. */
  centered?: boolean;
  /** Climb instead of descend. Default false. */
  maximize?: boolean;
}

type Options = Required<RMSpropOptions>;

const DEFAULTS: Options = {
  lr: 0.01,
  alpha: 0.99,
  eps: 1e-8,
  weightDecay: 0,
  momentum: 0,
  centered: false,
  maximize: false,
};

/**
 * RMSprop: the gradient divided by a running average of its magnitude, weight by weight.
 *
 * ```text
 * g ← ∇f(w) + λ w                          (−∇f(w) with maximize)
 * v ← α v + (1 − α) g²
 * s ← g / (√v + ε)                         (centered: m ← α m + (1 − α) g; s ← g / (√(v − m²) + ε))
 * w ← w − γ s                              (with momentum: b ← μ b + s; w ← w − γ b)
 * ```
 *
 * When to use: as {@link Adam}, which adds momentum and bias correction to it; a choice for recurrent networks and where
 * the loss keeps changing (reinforcement learning, GANs). It "introduces a cache of moving average of the gradients of each
 * weight", says the lecture: unlike {@link Adagrad}'s sums, that forgets. The average begins at 0, so the first
 * steps are 1 / √(1 − α) = 10 times as long as later ones: begin with a small rate, or warm up.
 *
 * Source: Tieleman, Hinton, "Lecture 6.5: RMSprop", Coursera, 2012,
 * https://www.cs.toronto.edu/~tijmen/csc321/slides/lecture_slides_lec6.pdf; centered: Graves, "Generating Sequences With
 * Recurrent Neural Networks", 2013, https://arxiv.org/abs/1308.0850. As in PyTorch ε is outside the root.
 *
 * @throws FakkelError for options outside their ranges.
 * @example
 * const net = new nn.Linear(4, 1);
 * const optimizer = new RMSprop(net.parameters(), { lr: 1e-3, momentum: 0.9 });
 * optimizer.zeroGrad();
 * net(randn(8, 4)).square().mean().backward();
 * await optimizer.step();
 */
export class RMSprop extends Optimizer<Options> {
  constructor(params: Params<RMSpropOptions & { lr: number }>, options: RMSpropOptions = {}) {
    super(params as Params<Options>, withDefaults<Options>('RMSprop', options, DEFAULTS));
  }

  protected get stateKinds(): StateKinds {
    return { step: 'number', square_avg: 'tensor', momentum_buffer: 'tensor', grad_avg: 'tensor' };
  }

  protected override tensorsOf({ momentum, centered }: ParamGroup<Options>): readonly string[] {
    return ['square_avg', ...(momentum > 0 ? ['momentum_buffer'] : []), ...(centered ? ['grad_avg'] : [])];
  }

  protected override validate({ lr, alpha, eps, weightDecay, momentum }: ParamGroup<Options>): void {
    checkAtLeastZero('RMSprop', {
      'learning rate': lr,
      'epsilon value': eps,
      'momentum value': momentum,
      'weightDecay value': weightDecay,
      'alpha value': alpha,
    });
  }

  protected update({ parameter, gradient, group, tensor, number, input }: UpdateContext<Options>): Updated {
    const { centered, maximize } = group;
    const buffered = group.momentum > 0;
    const next = rmspropUpdate({
      parameter,
      gradient,
      centered,
      buffered,
      maximize,
      squareAvg: tensor('square_avg'),
      ...(centered ? { gradAvg: tensor('grad_avg') } : {}),
      ...(buffered ? { momentumBuffer: tensor('momentum_buffer') } : {}),
      lr: input('lr', group.lr),
      oneMinusAlpha: input('alpha', 1 - group.alpha),
      eps: input('eps', group.eps),
      weightDecay: input('weightDecay', group.weightDecay),
      momentum: input('momentum', group.momentum),
    });
    const step = (number('step') ?? 0) + 1;
    return {
      parameter: next.parameter,
      state: { step, square_avg: next.squareAvg, momentum_buffer: next.momentumBuffer, grad_avg: next.gradAvg },
    };
  }
}
