import { FakkelError, type Parameter, sgdUpdate } from '@fakkel/core';
import { Optimizer, type StateKinds, type UpdateContext, type Updated, withDefaults } from './optimizer.js';
import type { ParamGroup, ParamGroupInput, Params } from './param-groups.js';
import { checkAtLeastZero } from './validation.js';

/** Options of {@link SGD}. */
export interface SGDOptions {
  /** Learning rate γ. Required here or in every group; 0.01 is a place to begin. */
  lr: number;
  /** Momentum factor μ; 0.9 is usual. Default 0. */
  momentum?: number;
  /** Dampening τ of the gradient that enters the momentum. Default 0. */
  dampening?: number;
  /** Weight decay λ (L2 penalty). Default 0. */
  weightDecay?: number;
  /** Nesterov momentum; needs a momentum and no dampening. Default false. */
  nesterov?: boolean;
  /** Climb instead of descend. Default false. */
  maximize?: boolean;
}

type Options = Required<SGDOptions>;

const DEFAULTS = { momentum: 0, dampening: 0, weightDecay: 0, nesterov: false, maximize: false };

/**
 * Stochastic gradient descent, with momentum if asked for.
 *
 * ```text
 * g ← ∇f(w) + λ w                          (−∇f(w) with maximize)
 * v ← μ v + (1 − τ) g                      (v ← g in a parameter's first step)
 * w ← w − γ v                              (w ← w − γ (g + μ v) with nesterov)
 * ```
 *
 * As in PyTorch the learning rate multiplies the momentum when it is used, not when it is gathered; the lecture's
 * v = ρ v − λ ∂w is the same as long as the learning rate stays. With momentum 0 nothing is kept per parameter.
 *
 * When to use: the lecture's first choice, with momentum 0.9 and a decaying learning rate ({@link ExponentialLR} with
 * gamma 0.95, {@link StepLR}). Search the learning rate on a logarithmic scale around 0.01.
 *
 * Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013; the form is
 * that of `torch.optim.SGD`.
 *
 * @throws FakkelError for negative options, or Nesterov momentum without momentum or with dampening.
 * @example
 * const net = new nn.Linear(4, 1);
 * const optimizer = new SGD(net.parameters(), { lr: 0.01, momentum: 0.9 });
 * optimizer.zeroGrad();
 * net(randn(8, 4)).square().mean().backward();
 * await optimizer.step();
 */
export class SGD extends Optimizer<Options> {
  constructor(params: Iterable<Parameter>, options: SGDOptions);
  constructor(params: Iterable<ParamGroupInput<SGDOptions>>, options?: Partial<SGDOptions>);
  constructor(params: Params<SGDOptions>, options: Partial<SGDOptions> = {}) {
    super(
      params as Params<Options>,
      withDefaults<Options>('SGD', options, { lr: undefined as unknown as number, ...DEFAULTS }),
    );
  }

  protected get stateKinds(): StateKinds {
    return { momentum_buffer: 'tensor' };
  }

  protected override tensorsOf({ momentum }: ParamGroup<Options>): readonly string[] {
    return momentum === 0 ? [] : ['momentum_buffer'];
  }

  protected override validate({ lr, momentum, dampening, weightDecay, nesterov }: ParamGroup<Options>): void {
    checkAtLeastZero('SGD', { 'learning rate': lr, 'momentum value': momentum, 'weightDecay value': weightDecay });
    if (nesterov && (momentum <= 0 || dampening !== 0)) {
      throw new FakkelError(
        `SGD: Nesterov momentum requires a momentum and zero dampening, got momentum ${momentum} and dampening ${dampening}.`,
      );
    }
  }

  protected update({ parameter, gradient, group, tensor, has, input }: UpdateContext<Options>): Updated {
    const { nesterov, maximize } = group;
    const lr = input('lr', group.lr);
    const weightDecay = input('weightDecay', group.weightDecay);
    if (group.momentum === 0) {
      const decayed = parameter.mul(weightDecay);
      const direction = maximize ? decayed.sub(gradient) : decayed.add(gradient);
      return { parameter: parameter.sub(direction.mul(lr)) };
    }
    // PyTorch's buffer begins as the first gradient, not dampened: zeros and no dampening give the same.
    const dampening = input('dampening', has('momentum_buffer') ? group.dampening : 0);
    const updated = sgdUpdate({
      parameter,
      gradient,
      momentumBuffer: tensor('momentum_buffer'),
      lr,
      momentum: input('momentum', group.momentum),
      dampening,
      weightDecay,
      nesterov,
      maximize,
    });
    return { parameter: updated.parameter, state: { momentum_buffer: updated.momentumBuffer } };
  }
}
