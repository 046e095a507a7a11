import { Adam, type AdamOptions } from './adam.js';

/** Options of {@link AdamW}: those of {@link Adam}, but `weightDecay` λ is decoupled, and its default is 0.01. */
export type AdamWOptions = AdamOptions;

/**
 * Adam with decoupled weight decay: the weights decay by themselves, and not through the gradient and its averages.
 *
 * ```text
 * g ← ∇f(w)                                (−∇f(w) with maximize)
 * w ← (1 − γ λ) w
 * m ← β₁ m + (1 − β₁) g
 * v ← β₂ v + (1 − β₂) g²
 * v̂ ← v                                    (v̂ ← max(v̂, v) with amsgrad)
 * w ← w − γ (m / (1 − β₁ᵗ)) / (√(v̂ / (1 − β₂ᵗ)) + ε)      t: the parameter's steps so far, this one included
 * ```
 *
 * When to use: in place of {@link Adam} with weight decay. Adam's L2 penalty is divided by √v, so that the weights with large
 * gradients, which need it most, decay least; decoupled, all weights decay by the same factor, and λ can be chosen apart from
 * γ. The lecture calls weight decay with Adam a matter of discussion: https://www.fast.ai/2018/07/02/adam-weight-decay/.
 *
 * Source: Loshchilov, Hutter, "Decoupled Weight Decay Regularization", ICLR 2019, https://arxiv.org/abs/1711.05101.
 *
 * @throws FakkelError for options outside their ranges.
 * @example
 * const net = new nn.Linear(4, 1);
 * const optimizer = new AdamW(net.parameters(), { lr: 1e-3, weightDecay: 0.05 });
 * optimizer.zeroGrad();
 * net(randn(8, 4)).square().mean().backward();
 * await optimizer.step();
 */
export class AdamW extends Adam {
  /** @internal */
  static override readonly _defaults = { ...Adam._defaults, weightDecay: 0.01 };

  protected override get isDecoupled(): boolean {
    return true;
  }
}
