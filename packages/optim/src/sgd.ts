import { FakkelError, type Parameter, scalarInput, sgdUpdate, type Tensor } from '@fakkel/core';
import { hidden } from './hidden.js';
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
  /**
   * Nesterov momentum; needs a momentum and no dampening. True: PyTorch's form; `'look-ahead'`: the gradient is taken at
   * the point ahead, so `step` needs a closure. Default false.
   */
  nesterov?: boolean | 'look-ahead';
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
 * b ← μ b + (1 − τ) g                      (b ← g in a parameter's first step)
 * w ← w − γ b                              (w ← w − γ (g + μ b) with nesterov: true)
 * ```
 *
 * As in PyTorch the learning rate multiplies the momentum when it is used, not when it is gathered; the lecture's
 * v = ρ v − λ ∂w, w = w + v is the same (v = −γ b) as long as the learning rate stays. With momentum 0 nothing is kept per
 * parameter.
 *
 * Nesterov momentum has two forms in the lecture, and both are here:
 *
 * ```text
 * nesterov: 'look-ahead'    w_ahead = w + ρ v;  v = ρ v − λ ∂w_ahead;  w = w + v
 * nesterov: true            v_prev = v;  v = ρ v − λ ∂w;  w = w + (1 + ρ) v − ρ v_prev
 * ```
 *
 * The second, PyTorch's, is the first with the point ahead for its parameters: while rate and momentum stay, its weights
 * are w_ahead of the first to the last digits. It needs no second place for the weights, so prefer it. The first leaves the
 * weights themselves in the parameters, moves them ahead while `step(closure)` computes the gradient (the loss that it gives
 * is that of the point ahead), and is still one program a step.
 *
 * When to use: the lecture's first choice: "SGD with momentum, try learning rate decay too", that is momentum 0.9 and a
 * decaying learning rate ({@link ExponentialLR} with gamma 0.95, {@link StepLR}). Search the learning rate on a logarithmic
 * scale around 0.01. Momentum is a ball that rolls downhill: ρ acts like friction. Nesterov momentum looks at the slope
 * where the ball is going, and often needs fewer steps.
 *
 * Source: Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013; the form is
 * that of `torch.optim.SGD`.
 *
 * @throws FakkelError for negative options, Nesterov momentum without momentum or with dampening, and a `step()` without
 *   closure that has to look ahead.
 * @example
 * const net = new nn.Linear(4, 1);
 * const optimizer = new SGD(net.parameters(), { lr: 0.01, momentum: 0.9 });
 * optimizer.zeroGrad();
 * net(randn(8, 4)).square().mean().backward();
 * await optimizer.step();
 * @example
 * const net = new nn.Linear(4, 1);
 * const optimizer = new SGD(net.parameters(), { lr: 0.01, momentum: 0.9, nesterov: 'look-ahead' });
 * const loss = await optimizer.step(() => {
 *   optimizer.zeroGrad();
 *   const value = net(ones(8, 4)).square().mean();
 *   value.backward();
 *   return value;
 * });
 */
export class SGD extends Optimizer<Options> {
  /** The points ahead of parameters whose update follows. */
  private readonly ahead = new Map<Parameter, Tensor>();

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
    if (typeof nesterov !== 'boolean' && nesterov !== 'look-ahead') {
      throw new FakkelError(`SGD: nesterov must be true, false or 'look-ahead', got ${String(nesterov)}.`);
    }
    if (nesterov && (momentum <= 0 || dampening !== 0)) {
      throw new FakkelError(
        `SGD: Nesterov momentum requires a momentum and zero dampening, got momentum ${momentum} and dampening ${dampening}.`,
      );
    }
  }

  /** Moves the parameters that look ahead there for as long as the closure runs. */
  protected override evaluate(closure: () => Tensor): Tensor {
    this.ahead.clear();
    const here = new Map<Parameter, Tensor>();
    hidden(() => {
      for (const group of this.paramGroups.filter(({ nesterov }) => nesterov === 'look-ahead')) {
        for (const parameter of group.params.filter((p) => p.requiresGrad)) {
          const velocity = this.stateTensor(parameter, 'momentum_buffer');
          const step = scalarInput(group.lr * group.momentum, parameter.dtype, parameter.device);
          const ahead = parameter.sub(velocity.mul(step));
          here.set(parameter, parameter.reshape([...parameter.shape]));
          this.ahead.set(parameter, ahead);
          parameter.assign(ahead);
        }
      }
    });
    try {
      return super.evaluate(closure);
    } finally {
      for (const [parameter, value] of here) parameter.assign(value);
    }
  }

  protected update({ parameter, gradient, group, tensor, has, input }: UpdateContext<Options>): Updated {
    const { nesterov, maximize } = group;
    const buffered = group.momentum !== 0;
    const numbers = {
      lr: input('lr', group.lr),
      momentum: input('momentum', group.momentum),
      // PyTorch's buffer begins as the first gradient, not dampened: zeros and no dampening give the same.
      dampening: input('dampening', has('momentum_buffer') ? group.dampening : 0),
      weightDecay: input('weightDecay', group.weightDecay),
      buffered,
      ...(buffered ? { momentumBuffer: tensor('momentum_buffer') } : {}),
    };
    const next =
      nesterov === 'look-ahead'
        ? sgdUpdate({
            ...numbers,
            parameter,
            // The penalty's gradient, too, is that of the point ahead.
            gradient: (maximize ? gradient.neg() : gradient).add(this.takeAhead(parameter).mul(numbers.weightDecay)),
            weightDecay: input('no weightDecay', 0),
          })
        : sgdUpdate({ ...numbers, parameter, gradient, nesterov, maximize });
    return { parameter: next.parameter, state: { momentum_buffer: next.momentumBuffer } };
  }

  private takeAhead(parameter: Parameter): Tensor {
    const ahead = this.ahead.get(parameter) ?? (parameter.requiresGrad ? undefined : parameter);
    this.ahead.delete(parameter);
    if (ahead) return ahead;
    throw new FakkelError(
      `SGD: nesterov: 'look-ahead' takes the gradient at w + μ v, so step() must compute it: ` +
        `await optimizer.step(() => { optimizer.zeroGrad(); const loss = …; loss.backward(); return loss; }). ` +
        `Without a closure, nesterov: true takes the same steps.`,
    );
  }
}
