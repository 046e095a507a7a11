import { adagradUpdate, full, type Parameter } from '@fakkel/core';
import { Optimizer, type StateKinds, type UpdateContext, type Updated, withDefaults } from './optimizer.js';
import type { ParamGroup, Params } from './param-groups.js';
import { checkAtLeastZero } from './validation.js';

/** Options of {@link Adagrad}. */
export interface AdagradOptions {
  /** Learning rate γ. Default 0.01. */
  lr?: number;
  /** Decay η of the learning rate: in step t it is γ / (1 + (t − 1) η). Default 0. */
  lrDecay?: number;
  /** Weight decay λ (L2 penalty). Default 0. */
  weightDecay?: number;
  /** What the sums begin with; a group may have its own, which PyTorch would ignore. Default 0. */
  initialAccumulatorValue?: number;
  /** ε: keeps the division finite. Default 1e-10. */
  eps?: number;
  /** Climb instead of descend. Default false. */
  maximize?: boolean;
}

type Options = Required<AdagradOptions>;

const DEFAULTS: Options = {
  lr: 0.01,
  lrDecay: 0,
  weightDecay: 0,
  initialAccumulatorValue: 0,
  eps: 1e-10,
  maximize: false,
};

/**
 * Adagrad: every weight's rate falls with the squared gradients that it has seen.
 *
 * ```text
 * g ← ∇f(w) + λ w                          (−∇f(w) with maximize)
 * s ← s + g²
 * w ← w − γ / (1 + (t − 1) η) · g / (√s + ε)              t: the parameter's steps so far, this one included
 * ```
 *
 * When to use: for sparse gradients, where a rare feature deserves large steps. Otherwise the sums "can build up and is not so
 * often used" (the lecture): the steps only ever get smaller. {@link RMSprop} and {@link Adam} forget old gradients.
 *
 * Source: Duchi, Hazan, Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", JMLR 12, 2011,
 * http://www.jmlr.org/papers/volume12/duchi11a/duchi11a.pdf.
 *
 * @throws FakkelError for options outside their ranges.
 * @example
 * const net = new nn.Linear(4, 1);
 * const optimizer = new Adagrad(net.parameters(), { lr: 0.05 });
 * optimizer.zeroGrad();
 * net(randn(8, 4)).square().mean().backward();
 * await optimizer.step();
 */
export class Adagrad extends Optimizer<Options> {
  constructor(params: Params<AdagradOptions & { lr: number }>, options: AdagradOptions = {}) {
    super(params as Params<Options>, withDefaults<Options>('Adagrad', options, DEFAULTS));
  }

  protected get stateKinds(): StateKinds {
    return { step: 'number', sum: 'tensor' };
  }

  /** As in PyTorch the state is there from the beginning, also in state dicts. */
  protected override initialState({ shape, dtype, device }: Parameter, group: ParamGroup<Options>) {
    return { step: 0, sum: full([...shape], group.initialAccumulatorValue, { dtype, device }) };
  }

  protected override validate(group: ParamGroup<Options>): void {
    checkAtLeastZero('Adagrad', {
      'learning rate': group.lr,
      'lrDecay value': group.lrDecay,
      'weightDecay value': group.weightDecay,
      'initialAccumulatorValue value': group.initialAccumulatorValue,
      'epsilon value': group.eps,
    });
  }

  protected update({ parameter, gradient, group, tensor, number, input }: UpdateContext<Options>): Updated {
    const step = (number('step') ?? 0) + 1;
    const next = adagradUpdate({
      parameter,
      gradient,
      maximize: group.maximize,
      sum: tensor('sum'),
      rate: input('rate', group.lr / (1 + (step - 1) * group.lrDecay)),
      eps: input('eps', group.eps),
      weightDecay: input('weightDecay', group.weightDecay),
    });
    return { parameter: next.parameter, state: { step, sum: next.sum } };
  }
}
