import { FakkelError, larsUpdate, type Parameter } from '@fakkel/core';
import { Optimizer, type StateKinds, type UpdateContext, type Updated, withDefaults } from './optimizer.js';
import type { ParamGroup, ParamGroupInput, Params } from './param-groups.js';
import { checkAtLeastZero } from './validation.js';

/** Options of {@link LARS}. */
export interface LARSOptions {
  /** Learning rate γ, of all layers. Required here or in every group. */
  lr: number;
  /** Momentum factor μ. Default 0.9. */
  momentum?: number;
  /** Weight decay λ (L2 penalty). Default 0; the paper trains with 0.0005. */
  weightDecay?: number;
  /** η: how much of its own length a layer may change in a step of rate 1. Default 0.001. */
  trustCoefficient?: number;
  /** Whether each parameter has a rate of its own. False, for a group of biases: SGD with momentum. Default true. */
  layerwise?: boolean;
  /** Climb instead of descend. Default false. */
  maximize?: boolean;
}

type Options = Required<LARSOptions>;

const DEFAULTS = { momentum: 0.9, weightDecay: 0, trustCoefficient: 0.001, layerwise: true, maximize: false };

/**
 * LARS: SGD with momentum whose rate is scaled for every layer (parameter), so that its step is a part of its weights' length.
 *
 * ```text
 * g ← ∇f(w)                                (−∇f(w) with maximize)
 * r = η ‖w‖ / (‖g‖ + λ ‖w‖)                (1 where above or below is 0, and without layerwise)
 * v ← μ v + γ r (g + λ w)
 * w ← w − v
 * ```
 *
 * As in the paper, and unlike {@link SGD}, the rate is in the momentum: a rate that changes acts on later gradients only.
 *
 * When to use: for batches of thousands of images, with a large rate (some units; it grows with the batch), a warm-up and
 * polynomial decay. Biases and the parameters of normalization are usually left out: a group with `layerwise: false`
 * and `weightDecay: 0`, and a rate of its own, since γ is not small against a gradient. For small batches use SGD.
 *
 * Source: You, Gitman, Ginsburg, "Large Batch Training of Convolutional Networks", 2017, algorithm 1,
 * https://arxiv.org/abs/1708.03888. PyTorch has no LARS. The paper says nothing of weights that are 0, which its formula
 * would never move: here, as elsewhere, they take the step of SGD.
 *
 * @throws FakkelError for options outside their ranges.
 * @example
 * const net = new nn.Linear(4, 1);
 * const optimizer = new LARS(
 *   [{ params: net.weight, weightDecay: 5e-4 }, { params: net.bias!, layerwise: false, lr: 0.01 }],
 *   { lr: 2 },
 * );
 * optimizer.zeroGrad();
 * net(randn(8, 4)).square().mean().backward();
 * await optimizer.step();
 */
export class LARS extends Optimizer<Options> {
  constructor(params: Iterable<Parameter>, options: LARSOptions);
  constructor(params: Iterable<ParamGroupInput<LARSOptions>>, options?: Partial<LARSOptions>);
  constructor(params: Params<LARSOptions>, options: Partial<LARSOptions> = {}) {
    super(
      params as Params<Options>,
      withDefaults<Options>('LARS', options, { lr: undefined as unknown as number, ...DEFAULTS }),
    );
  }

  protected get stateKinds(): StateKinds {
    return { momentum_buffer: 'tensor' };
  }

  protected override validate({ lr, momentum, weightDecay, trustCoefficient }: ParamGroup<Options>): void {
    checkAtLeastZero('LARS', { 'learning rate': lr, 'momentum value': momentum, 'weightDecay value': weightDecay });
    if (!(trustCoefficient > 0)) {
      throw new FakkelError(`LARS: Invalid trustCoefficient value: ${trustCoefficient}. It must be a number > 0.`);
    }
  }

  protected update({ parameter, gradient, group, tensor, input }: UpdateContext<Options>): Updated {
    const { layerwise, maximize } = group;
    const next = larsUpdate({
      parameter,
      gradient,
      layerwise,
      maximize,
      momentumBuffer: tensor('momentum_buffer'),
      lr: input('lr', group.lr),
      momentum: input('momentum', group.momentum),
      weightDecay: input('weightDecay', group.weightDecay),
      trustCoefficient: input('trustCoefficient', group.trustCoefficient),
    });
    return { parameter: next.parameter, state: { momentum_buffer: next.momentumBuffer } };
  }
}
