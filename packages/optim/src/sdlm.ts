import {
  Cell,
  commit,
  enableGrad,
  FakkelError,
  isTensor,
  nn,
  type Parameter,
  scalarInput,
  type Tensor,
  zerosLike,
} from '@fakkel/core';
import { hidden } from './hidden.js';
import { Optimizer, type StateKinds, type UpdateContext, type Updated, withDefaults } from './optimizer.js';
import { kindOf, type ParamGroup, type ParamGroupInput, type Params } from './param-groups.js';
import { checkAtLeastZero } from './validation.js';

/** Options of {@link StochasticDiagonalLM}. */
export interface StochasticDiagonalLMOptions {
  /** Global learning rate η. Required here or in every group; 0.0005 at first in the paper, which steps after each sample. */
  lr: number;
  /** μ: keeps the steps of flat weights finite; they are at most η / μ. Default 0.02, as in the paper. */
  mu?: number;
  /**
   * γ: how much a new estimate of the curvature weighs against those before, from 0 to 1. Default 1: it takes their place, as
   * in the paper, where each comes from 500 samples. Take less for estimates from few samples.
   */
  gamma?: number;
  /** Weight decay λ (L2 penalty). Default 0. */
  weightDecay?: number;
  /** Climb instead of descend. Default false. */
  maximize?: boolean;
}

type Options = Required<StochasticDiagonalLMOptions>;

const DEFAULTS = { mu: 0.02, gamma: 1, weightDecay: 0, maximize: false };

/**
 * What the curvature is estimated from: the output of the network on a batch and the mean loss that is made of it, or the
 * second derivatives of that loss to the outputs. See `nn.utils.diagonalGaussNewton`.
 */
export type Measured = { outputs: Tensor; loss: Tensor } | { outputs: Tensor; curvature: Tensor };

/**
 * The stochastic diagonal Levenberg–Marquardt method, by which LeNet-5 was trained in 1998: gradient descent with a
 * step size of each weight's own, small where the loss is curved.
 *
 * ```text
 * g ← ∇f(w) + λ w                          (−∇f(w) with maximize)
 * w ← w − η / (μ + h) · g
 * h ← (1 − γ) h + γ ĥ                      in updateCurvature, before each pass over the data; h ← ĥ the first time
 * ```
 *
 * ĥ is the mean over some samples of the diagonal of the Gauss–Newton approximation of the Hessian, ∂²f/∂w² without terms
 * that could be negative, computed by propagating second derivatives back: `nn.utils.diagonalGaussNewton` says how, and
 * through which layers. Before the first {@link StochasticDiagonalLM.updateCurvature} h is 0, and the step η / μ.
 *
 * When to use: to train the networks of the paper as it did; for small batches, and layers whose curvatures differ by
 * orders of magnitude (shared weights). Adam does so from first derivatives alone, with any network.
 *
 * Source: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998, section III.B and
 * appendix C; LeCun, Bottou, Orr, Müller, "Efficient BackProp", 1998, section 9.
 *
 * @throws FakkelError for negative options, μ = 0, or γ outside 0 to 1.
 * @example
 * const net = new nn.Sequential(new nn.Linear(4, 8), new nn.Tanh(), new nn.Linear(8, 3));
 * const criterion = new nn.CrossEntropyLoss();
 * const optimizer = new StochasticDiagonalLM(net.parameters(), { lr: 0.02 });
 * const data = Array.from({ length: 4 }, () => [randn(16, 4), randint(0, 3, [16])] as const);
 *
 * for (let epoch = 0; epoch < 3; epoch++) {
 *   await optimizer.updateCurvature(data.slice(0, 2), ([x, y]) => {
 *     const outputs = net(x);
 *     return { outputs, loss: criterion(outputs, y) };
 *   });
 *   for (const [x, y] of data) {
 *     optimizer.zeroGrad();
 *     criterion(net(x), y).backward();
 *     await optimizer.step();
 *   }
 * }
 */
export class StochasticDiagonalLM extends Optimizer<Options> {
  constructor(params: Iterable<Parameter>, options: StochasticDiagonalLMOptions);
  constructor(
    params: Iterable<ParamGroupInput<StochasticDiagonalLMOptions>>,
    options?: Partial<StochasticDiagonalLMOptions>,
  );
  constructor(params: Params<StochasticDiagonalLMOptions>, options: Partial<StochasticDiagonalLMOptions> = {}) {
    super(
      params as Params<Options>,
      withDefaults<Options>('StochasticDiagonalLM', options, { lr: undefined as unknown as number, ...DEFAULTS }),
    );
  }

  protected get stateKinds(): StateKinds {
    return { estimates: 'number', curvature: 'tensor' };
  }

  protected override validate({ lr, mu, gamma, weightDecay }: ParamGroup<Options>): void {
    const numbers = { 'learning rate': lr, 'mu value': mu, 'gamma value': gamma, 'weightDecay value': weightDecay };
    checkAtLeastZero('StochasticDiagonalLM', numbers);
    if (mu === 0)
      throw new FakkelError('StochasticDiagonalLM: mu must be > 0: a flat weight would take infinite steps.');
    if (gamma > 1) throw new FakkelError(`StochasticDiagonalLM: Invalid gamma value: ${gamma}. It must be ≤ 1.`);
  }

  protected update({ parameter, gradient, group, tensor, input }: UpdateContext<Options>): Updated {
    const slope = group.maximize ? gradient.neg() : gradient;
    const g = slope.add(parameter.mul(input('weightDecay', group.weightDecay)));
    const rate = input('lr', group.lr).div(tensor('curvature').add(input('mu', group.mu)));
    return { parameter: parameter.sub(rate.mul(g)) };
  }

  /**
   * Estimates the curvature anew: the mean over all samples of `batches`, one run a batch. Weights do not move. The
   * paper does so before each pass over the data, with 500 samples.
   *
   * Curvature that is negative, which a loss that is not convex in the outputs may give, counts as 0.
   *
   * @param batches Some samples: a data loader, a list of batches, or what else can be iterated.
   * @param measure Calls the network on a batch and gives its `outputs` `[N, …]` with the mean `loss` over the N samples.
   * @returns How many samples there were.
   * @throws FakkelError if there are none; what `nn.utils.diagonalGaussNewton` throws. The curvature is as before then.
   */
  async updateCurvature<B>(batches: Iterable<B> | AsyncIterable<B>, measure: (batch: B) => Measured): Promise<number> {
    const sums = new Map<Parameter, Cell>();
    for (const parameter of this.paramGroups.flatMap(({ params }) => params)) {
      const zeros = hidden(() => zerosLike(parameter));
      sums.set(parameter, new Cell(zeros, { name: `curvature of ${parameter.label}`, role: 'optimizer' }));
    }
    let samples = 0;
    try {
      for await (const batch of batches) {
        const measured = enableGrad(() => measure(batch));
        samples += await this.addCurvature(sums, measured);
      }
      if (samples === 0) throw new FakkelError(`${this.name}.updateCurvature: expected at least one batch, got none`);
      await this.moveState(({ parameter, group, number, tensor, input }) => {
        const estimates = number('estimates') ?? 0;
        const gamma = input('gamma', estimates === 0 ? 1 : group.gamma);
        const mean = sums.get(parameter)!.div(input('samples', samples));
        const before = tensor('curvature');
        return { estimates: estimates + 1, curvature: before.add(mean.clamp(0).sub(before).mul(gamma)) };
      });
    } finally {
      for (const sum of sums.values()) sum.dispose();
    }
    return samples;
  }

  /** Adds a batch's curvature, times its samples, in a run of its own; gives the number of samples. */
  private async addCurvature(sums: ReadonlyMap<Parameter, Cell>, measured: Measured): Promise<number> {
    const { outputs, ...from } = { ...measured };
    if (!isTensor(outputs)) {
      throw new TypeError(
        `${this.name}.updateCurvature: expected { outputs, loss } for a batch, got ${kindOf(measured)}. outputs is what the ` +
          `network gives, loss is made of it; values are not awaited there.`,
      );
    }
    const samples = outputs.shape[0] ?? 1;
    const cells = [...sums.values()];
    hidden(() => {
      const found = nn.utils.diagonalGaussNewton(outputs, sums.keys(), { ...from, retainGraph: false });
      cells.forEach((sum, i) => sum.assign(sum.add(found[i].mul(scalarInput(samples, sum.dtype, sum.device)))));
    });
    const devices = new Set(cells.map((cell) => cell.device));
    await Promise.all(
      [...devices].map((device) =>
        commit(
          cells.filter((cell) => cell.device === device),
          device,
        ),
      ),
    );
    return samples;
  }
}
