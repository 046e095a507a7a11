/**
 * The curvature of a loss along each weight.
 */
import { curvatureOf, lossCurvature } from '../../autograd/curvature.js';
import { AutogradError, FakkelError, ShapeError } from '../../errors.js';
import { checkTensor, describe } from '../../graph/record.js';
import { isTensor, type Tensor } from '../../graph/tensor.js';
import { checkOptions } from '../../ops/arguments.js';
import { composed } from '../../ops/compose.js';
import { formatAval, sameShape } from '../../shape.js';

/** What {@link diagonalGaussNewton} begins with: the loss, or the curvature of the outputs. */
export interface DiagonalGaussNewtonOptions {
  /** The loss, a scalar made of the outputs: a sum or mean over samples. Its second derivatives to them are computed. */
  loss?: Tensor;
  /** ∂²loss/∂outputs², where it is known: for cross-entropy p (1 − p) / N, for the mean squared error 2 / numel. */
  curvature?: Tensor;
  /** Keep the tape, so that `loss.backward()` may follow. Default true. */
  retainGraph?: boolean;
}

/**
 * The diagonal of the Gauss–Newton approximation of the Hessian: for each parameter w an estimate of ∂²loss/∂w², by
 * propagating second derivatives back from the outputs as gradients are, with the squares of what gradients are
 * multiplied with:
 *
 * ```text
 * y = A x            h_x = (A∘A)ᵀ h_y      matrix products, convolutions, sums; to the weights too: h_w = Σ h_y x²
 * y = f(x)           h_x = f′(x)² h_y      elementwise
 * x read n times     h_x = Σ h_x           weights that are shared, batches, residual connections
 * ```
 *
 * It is not negative where the loss is convex in the outputs. Left out are f″ (Gauss–Newton) and all that lies off the
 * diagonal; for a linear model it is exact. With the mean loss of a batch it is the mean over the samples of each one's
 * second derivatives.
 *
 * Operations whose Jacobian has none of these forms (softmax, layer normalization, batch normalization in training mode)
 * are an error, not an approximation; the loss, which begins at `outputs`, may be anything. A third party's op says its
 * form as `jacobian` in its definition.
 *
 * When to use: for step sizes of each weight's own (`StochasticDiagonalLM` of `@fakkel/optim`), or to see how the
 * curvature differs between layers.
 *
 * Source: LeCun, Bottou, Bengio, Haffner, "Gradient-based learning applied to document recognition", 1998, appendix C;
 * Becker, LeCun, "Improving the convergence of back-propagation learning with second order methods", 1988.
 *
 * @param outputs Of the network, where it ends and the loss begins: `[N, …]`, N samples.
 * @param parameters Whose curvature is asked for.
 * @param options The `loss`, or the `curvature` of the outputs, in their shape.
 * @returns One tensor a parameter, in its shape; zeros for one that the outputs do not depend on.
 * @throws AutogradError for an operation that second derivatives do not pass through, naming it.
 * @example
 * const net = new nn.Sequential(new nn.Linear(4, 8), new nn.Tanh(), new nn.Linear(8, 3));
 * const outputs = net(randn([16, 4]));
 * const loss = nn.functional.crossEntropy(outputs, randint(0, 3, [16]));
 * const curvature = nn.utils.diagonalGaussNewton(outputs, net.parameters(), { loss });
 * await curvature[0].mean().item();
 */
export function diagonalGaussNewton(
  outputs: Tensor,
  parameters: Iterable<Tensor>,
  options: DiagonalGaussNewtonOptions,
): Tensor[] {
  const name = 'diagonalGaussNewton';
  checkTensor(name, outputs);
  checkOptions(name, options, ['loss', 'curvature', 'retainGraph']);
  const { loss, curvature, retainGraph = true } = options;
  if ((loss === undefined) === (curvature === undefined)) {
    throw new FakkelError(
      `${name}: give the { loss } that is made of the outputs, or their { curvature }: one of them`,
    );
  }
  if (!outputs.requiresGrad) {
    throw new AutogradError(
      `${name}: the outputs ${formatAval(outputs)} do not depend on anything that requires gradients. Were they recorded ` +
        `inside noGrad, or detached?`,
    );
  }
  const list = [...parameters];
  list.forEach((parameter, i) => {
    if (!isTensor(parameter)) {
      throw new TypeError(`${name}: expected a parameter at index ${i}, got ${describe(parameter)}`);
    }
  });
  return composed(() => {
    const seed = curvature ?? ofLoss(name, loss!, outputs, retainGraph);
    checkTensor(name, seed);
    if (!sameShape(seed.shape, outputs.shape)) {
      throw new ShapeError(
        `${name}: the curvature has the shape of the outputs, ${formatAval(outputs)}; got ${formatAval(seed)}`,
      );
    }
    return curvatureOf(name, [outputs], [seed], list, retainGraph);
  });
}

function ofLoss(name: string, loss: Tensor, outputs: Tensor, retainGraph: boolean): Tensor {
  checkTensor(name, loss);
  if (loss.numel() !== 1) {
    throw new ShapeError(`${name}: the loss is a scalar, got ${formatAval(loss)}. Reduce it (.sum(), .mean()).`);
  }
  return lossCurvature(name, loss, outputs, retainGraph);
}
