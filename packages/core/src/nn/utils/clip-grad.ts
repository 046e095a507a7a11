/**
 * Clipping gradients, between `backward()` and `step()`. Clipping is recorded as everything else: forward pass, backward
 * pass, clipping and update are one program.
 */
import { NonFiniteError, OutOfRangeError } from '../../errors.js';
import { asRule, noGrad } from '../../graph/modes.js';
import { describe, scalarInput } from '../../graph/record.js';
import { isTensor, type Tensor } from '../../graph/tensor.js';
import { checkOptions } from '../../ops/arguments.js';
import { composed } from '../../ops/compose.js';
import { zeros } from '../../ops/creation.js';
import { cat, stack } from '../../ops/joining.js';
import { Cell, Parameter } from '../../runtime/cell.js';

/** Options of {@link clipGradNorm_}. */
export interface ClipGradNormOptions {
  /** Order p of the norm: any number, or `Infinity` for the largest absolute value. Default 2. */
  normType?: number;
  /** Whether a norm that is NaN or infinite is an error. Default false: the gradients become NaN or 0, as in PyTorch. */
  errorIfNonfinite?: boolean;
}

/**
 * Scales the gradients of all parameters together, so that their norm is at most `maxNorm`:
 *
 * ```text
 * ‖g‖ = (Σ |gᵢ|ᵖ)^(1/p)        over all elements of all gradients
 * g ← g · min(1, maxNorm / (‖g‖ + 10⁻⁶))
 * ```
 *
 * Parameters without a gradient are passed over. Call it between `backward()` and `step()`: nothing is run by it, the
 * clipping is part of the step's program, and another `maxNorm` compiles nothing. The norm that it returns comes with the
 * step, as the loss does: read it afterwards.
 *
 * When to use: where single batches have gradients many times larger than usual, and one step would undo what hundreds
 * have learned (recurrent networks; large learning rates without warm-up). Watch the norm that is returned: 1 to 10 times
 * its usual value is a place for `maxNorm`.
 *
 * Source: Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", 2013; the form is that of
 * `torch.nn.utils.clip_grad_norm_`.
 *
 * @param parameters Parameters, or other tensors with a `grad`; one, or several. Their dtypes may differ.
 * @param maxNorm The largest norm, at least 0. An input of the program.
 * @param options `normType` (2), `errorIfNonfinite` (false). With the latter, the run that computes the norm, usually the
 *   step's, checks it: `step()` rejects with a NonFiniteError that names the parameters, no parameter and no state of the
 *   optimizer has changed, and the gradients are gone: begin the next step with `zeroGrad()`. That run needs room for a second copy of the parameters.
 * @returns The norm before clipping, of rank 0; 0 where no parameter has a gradient.
 * @throws OutOfRangeError for a maxNorm below 0; AutogradError for a gradient that a `step()` has used.
 * @example
 * const net = new nn.Linear(4, 2);
 * net(randn([8, 4])).square().sum().backward();
 * const norm = nn.utils.clipGradNorm_(net.parameters(), 1);
 * // await optimizer.step(), then
 * await norm.item();
 */
export function clipGradNorm_(
  parameters: Tensor | Iterable<Tensor>,
  maxNorm: number,
  options: ClipGradNormOptions = {},
): Tensor {
  const name = 'clipGradNorm_';
  checkBound(name, 'maxNorm', maxNorm);
  checkOptions(name, options, ['normType', 'errorIfNonfinite']);
  const { normType = 2, errorIfNonfinite = false } = options;
  if (typeof normType !== 'number' || Number.isNaN(normType)) {
    throw new TypeError(`${name}: normType is a number or Infinity, got ${describe(normType)}`);
  }
  const gradients = gradientsOf(name, parameters);
  if (gradients.length === 0) return zeros([]);
  return noGrad(() =>
    composed(() => {
      const { device } = gradients[0].gradient;
      const norms = stack(gradients.map(({ gradient }) => gradient.norm(normType).to(device)));
      const total = norms.norm(normType);
      if (errorIfNonfinite) guard(norms, total, gradients);
      const factor = scalarInput(maxNorm, total.dtype, device).div(asRule(() => total.add(1e-6)));
      const clipped = asRule(() => factor.clamp(null, 1));
      for (const { gradient, replace } of gradients) replace(gradient.mul(clipped.to(gradient.device)));
      return total;
    }),
  );
}

/**
 * Limits every element of the gradients to [−clipValue, clipValue]. NaN stays NaN. Parameters without a gradient are
 * passed over. Recorded as {@link clipGradNorm_} is, between `backward()` and `step()`.
 *
 * When to use: rarely; unlike {@link clipGradNorm_} it changes the direction of the step.
 *
 * @param parameters Parameters, or other tensors with a `grad`; one, or several.
 * @param clipValue The largest absolute value, at least 0. An input of the program.
 * @throws OutOfRangeError for a clipValue below 0; AutogradError for a gradient that a `step()` has used.
 * @example
 * const w = new nn.Parameter(tensor([1, -2]));
 * w.mul(tensor([10, 0.1])).sum().backward();
 * nn.utils.clipGradValue_(w, 1);
 * await w.grad!.toArray(); // [1, 0.1]
 */
export function clipGradValue_(parameters: Tensor | Iterable<Tensor>, clipValue: number): void {
  const name = 'clipGradValue_';
  checkBound(name, 'clipValue', clipValue);
  for (const { gradient, replace } of gradientsOf(name, parameters)) {
    noGrad(() => composed(() => replace(gradient.clamp(-clipValue, clipValue))));
  }
}

interface Gradient {
  readonly of: Tensor;
  readonly gradient: Tensor;
  readonly replace: (gradient: Tensor) => void;
}

function gradientsOf(name: string, parameters: Tensor | Iterable<Tensor>): Gradient[] {
  const list: readonly unknown[] = isTensor(parameters) ? [parameters] : [...parameters];
  return list.flatMap((parameter, i): Gradient[] => {
    if (!isTensor(parameter)) {
      const pair =
        Array.isArray(parameter) && 'a pair of name and parameter. Pass net.parameters(), not net.namedParameters().';
      throw new TypeError(`${name}: expected a parameter at index ${i}, got ${pair || describe(parameter)}`);
    }
    if (parameter instanceof Parameter) {
      const gradient = parameter._takeGradient(name);
      return gradient ? [{ of: parameter, gradient, replace: (g) => parameter._replaceGradient(g) }] : [];
    }
    const gradient = parameter.grad;
    return gradient ? [{ of: parameter, gradient, replace: (g) => (parameter.grad = g) }] : [];
  });
}

/** Makes the run that computes the norms fail where one is not finite. */
function guard(norms: Tensor, total: Tensor, gradients: readonly Gradient[]): void {
  const labels = gradients.map(({ of }, i) => (of instanceof Cell ? of.label : `tensor ${i}`));
  const all = cat([norms, total.reshape([1]).to(norms.dtype)]);
  all._guard = (values) => {
    const norm = values[values.length - 1];
    if (Number.isFinite(norm)) return null;
    const bad = labels.filter((_, i) => !Number.isFinite(values[i]));
    const whose = bad.length > 0 ? `not finite: ${bad.join(', ')}` : 'each is finite, together they overflow';
    return new NonFiniteError(
      `clipGradNorm_: the norm of the gradients is ${norm} (${whose}). No parameter has changed. Lower the learning rate, ` +
        `find the operation with checkNumerics(true), or leave errorIfNonfinite out to go on.`,
    );
  };
  all.device._runtime.markVisible(all);
}

function checkBound(name: string, what: string, value: number): void {
  if (typeof value === 'number' && value >= 0) return;
  const got = typeof value === 'number' ? String(value) : describe(value);
  throw new OutOfRangeError(`${name}: ${what} is a number of at least 0, got ${got}`);
}
