import { adadeltaUpdate, FakkelError } from '@fakkel/core';
import { Optimizer, type StateKinds, type UpdateContext, type Updated, withDefaults } from './optimizer.js';
import type { ParamGroup, Params } from './param-groups.js';
import { checkAtLeastZero } from './validation.js';

/** Options of {@link Adadelta}. */
export interface AdadeltaOptions {
  /** Factor γ of the step. Default 1: the steps have the weights' own scale. */
  lr?: number;
  /** Decay rate ρ of both averages. Default 0.9. */
  rho?: number;
  /** ε: where the steps begin, since there is no average of them yet. Default 1e-6. */
  eps?: number;
  /** Weight decay λ (L2 penalty). Default 0. */
  weightDecay?: number;
  /** Climb instead of descend. Default false. */
  maximize?: boolean;
}

type Options = Required<AdadeltaOptions>;

const DEFAULTS: Options = { lr: 1, rho: 0.9, eps: 1e-6, weightDecay: 0, maximize: false };

/**
 * Adadelta: steps in the units of the weights, from running averages of squared gradients and of squared steps.
 *
 * ```text
 * g ← ∇f(w) + λ w                          (−∇f(w) with maximize)
 * v ← ρ v + (1 − ρ) g²
 * δ ← √(u + ε) / √(v + ε) · g
 * u ← ρ u + (1 − ρ) δ²
 * w ← w − γ δ
 * ```
 *
 * When to use: to avoid choosing a learning rate; the first steps are small (√ε) and grow by themselves. {@link Adam} and SGD
 * with momentum usually get further. {@link Adagrad}, which it was made to repair, never forgets.
 *
 * Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012, algorithm 1, https://arxiv.org/abs/1212.5701.
 *
 * @throws FakkelError for options outside their ranges.
 * @example
 * const net = new nn.Linear(4, 1);
 * const optimizer = new Adadelta(net.parameters());
 * optimizer.zeroGrad();
 * net(randn(8, 4)).square().mean().backward();
 * await optimizer.step();
 */
export class Adadelta extends Optimizer<Options> {
  constructor(params: Params<AdadeltaOptions & { lr: number }>, options: AdadeltaOptions = {}) {
    super(params as Params<Options>, withDefaults<Options>('Adadelta', options, DEFAULTS));
  }

  protected get stateKinds(): StateKinds {
    return { step: 'number', square_avg: 'tensor', acc_delta: 'tensor' };
  }

  protected override validate({ lr, rho, eps, weightDecay }: ParamGroup<Options>): void {
    checkAtLeastZero('Adadelta', { 'learning rate': lr, 'epsilon value': eps, 'weightDecay value': weightDecay });
    if (!(rho >= 0 && rho <= 1)) throw new FakkelError(`Adadelta: Invalid rho value: ${rho}. It must be in [0, 1].`);
  }

  protected update({ parameter, gradient, group, tensor, number, input }: UpdateContext<Options>): Updated {
    const next = adadeltaUpdate({
      parameter,
      gradient,
      maximize: group.maximize,
      squareAvg: tensor('square_avg'),
      accDelta: tensor('acc_delta'),
      lr: input('lr', group.lr),
      oneMinusRho: input('rho', 1 - group.rho),
      eps: input('eps', group.eps),
      weightDecay: input('weightDecay', group.weightDecay),
    });
    const step = (number('step') ?? 0) + 1;
    return { parameter: next.parameter, state: { step, square_avg: next.squareAvg, acc_delta: next.accDelta } };
  }
}
