/**
 * The updates of Adam and its relatives, each one op: `@fakkel/optim` records them, backends may fuse them.
 *
 * As in `optimizer-updates.ts`, averages are given 1 − β. Bias corrections are 1 − β₁ᵗ and 1 − β₂ᵗ in step t.
 */
import type { Tensor } from '../graph/tensor.js';
import { maximum } from './arithmetic.js';
import { where } from './logic.js';
import { average, defineUpdate, oneMinus, trustRatio } from './update-op.js';

/** The next averages of the gradient and of its square. */
const moments = (
  d: Tensor,
  t: Readonly<Record<'expAvg' | 'expAvgSq' | 'oneMinusBeta1' | 'oneMinusBeta2', Tensor>>,
): { expAvg: Tensor; expAvgSq: Tensor } => ({
  expAvg: average(t.expAvg, t.oneMinusBeta1, d),
  expAvgSq: average(t.expAvgSq, t.oneMinusBeta2, d.square()),
});

/**
 * 1 / (√(v / c) + eps) as a quotient, √c / (√v + eps · √c): the number above joins a rate, and v is left without a factor,
 * which would be one more pass over all parameters.
 */
const corrected = (v: Tensor, eps: Tensor, correction: Tensor): readonly [above: Tensor, below: Tensor] => {
  const above = correction.sqrt();
  return [above, v.sqrt().add(eps.mul(above))];
};

/**
 * One step of PyTorch's `Adam`, or `decoupled` of its `AdamW`. With d = gradient + weightDecay · parameter, or decoupled
 * d = gradient and w = (1 − lr · weightDecay) · parameter:
 *
 * expAvg ← β₁ · expAvg + (1 − β₁) · d; expAvgSq ← β₂ · expAvgSq + (1 − β₂) · d²;
 * parameter ← w − lr / biasCorrection1 · expAvg / (√v / √biasCorrection2 + eps),
 *
 * v being expAvgSq, or with `amsgrad` maxExpAvgSq ← max(maxExpAvgSq, expAvgSq).
 *
 * Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2014; Loshchilov and Hutter, "Decoupled weight
 * decay regularization", 2017; Reddi, Kale and Kumar, "On the convergence of Adam and beyond", 2018.
 *
 * @returns The next parameter and averages, to be assigned.
 */
export const adamUpdate = defineUpdate({
  name: 'adamUpdate',
  state: ['expAvg', 'expAvgSq'],
  numbers: ['lr', 'oneMinusBeta1', 'oneMinusBeta2', 'eps', 'weightDecay', 'biasCorrection1', 'biasCorrection2'],
  flags: ['decoupled', 'amsgrad'],
  optional: { maxExpAvgSq: 'amsgrad' },
  next({ parameter, gradient, lr, eps, weightDecay, ...t }, { decoupled, amsgrad }) {
    const d = decoupled ? gradient : gradient.add(parameter.mul(weightDecay));
    const w = decoupled ? parameter.mul(oneMinus(lr.mul(weightDecay))) : parameter;
    const { expAvg, expAvgSq } = moments(d, t);
    const maxExpAvgSq = amsgrad ? maximum(t.maxExpAvgSq, expAvgSq) : undefined;
    const [above, below] = corrected(maxExpAvgSq ?? expAvgSq, eps, t.biasCorrection2);
    const rate = lr.mul(above).div(t.biasCorrection1);
    return { parameter: w.sub(expAvg.mul(rate).div(below)), expAvg, expAvgSq, maxExpAvgSq };
  },
});

/**
 * One step of PyTorch's `Adamax`. With d = gradient + weightDecay · parameter:
 *
 * expAvg ← β₁ · expAvg + (1 − β₁) · d; expInf ← max(β₂ · expInf, |d| + eps); parameter ← parameter − rate · expAvg / expInf.
 *
 * Source: Kingma and Ba, 2014, section 7.1.
 *
 * @returns The next parameter and state, to be assigned.
 */
export const adamaxUpdate = defineUpdate({
  name: 'adamaxUpdate',
  state: ['expAvg', 'expInf'],
  numbers: ['rate', 'oneMinusBeta1', 'beta2', 'eps', 'weightDecay'],
  next({ parameter, gradient, rate, oneMinusBeta1, beta2, eps, weightDecay, ...t }) {
    const d = gradient.add(parameter.mul(weightDecay));
    const expAvg = average(t.expAvg, oneMinusBeta1, d);
    const expInf = maximum(t.expInf.mul(beta2), d.abs().add(eps));
    return { parameter: parameter.sub(expAvg.mul(rate).div(expInf)), expAvg, expInf };
  },
});

/**
 * One step of PyTorch's `NAdam`. With d = gradient + weightDecay · parameter and the averages of {@link adamUpdate}:
 *
 * parameter ← parameter − (gradientRate · d + averageRate · expAvg) / (√(expAvgSq / biasCorrection2) + eps).
 *
 * Source: Dozat, "Incorporating Nesterov momentum into Adam", 2016.
 *
 * @returns The next parameter and averages, to be assigned.
 */
export const nadamUpdate = defineUpdate({
  name: 'nadamUpdate',
  state: ['expAvg', 'expAvgSq'],
  numbers: ['gradientRate', 'averageRate', 'oneMinusBeta1', 'oneMinusBeta2', 'eps', 'weightDecay', 'biasCorrection2'],
  next({ parameter, gradient, gradientRate, averageRate, eps, weightDecay, biasCorrection2, ...t }) {
    const d = gradient.add(parameter.mul(weightDecay));
    const { expAvg, expAvgSq } = moments(d, t);
    const [above, below] = corrected(expAvgSq, eps, biasCorrection2);
    const step = d
      .mul(gradientRate.mul(above))
      .add(expAvg.mul(averageRate.mul(above)))
      .div(below);
    return { parameter: parameter.sub(step), expAvg, expAvgSq };
  },
});

/**
 * One step of PyTorch's `RAdam`. With d = gradient + weightDecay · parameter and the averages of {@link adamUpdate}:
 *
 * parameter ← parameter − rate · expAvg / (√expAvgSq + eps), or, while `isAdaptive` is 0, − rate · expAvg. It is a number
 * and no flag, so that the steps before and after are one program.
 *
 * Source: Liu et al., "On the variance of the adaptive learning rate and beyond", 2019.
 *
 * @returns The next parameter and averages, to be assigned.
 */
export const radamUpdate = defineUpdate({
  name: 'radamUpdate',
  state: ['expAvg', 'expAvgSq'],
  numbers: ['rate', 'isAdaptive', 'oneMinusBeta1', 'oneMinusBeta2', 'eps', 'weightDecay'],
  next({ parameter, gradient, rate, isAdaptive, eps, weightDecay, ...t }) {
    const d = gradient.add(parameter.mul(weightDecay));
    const { expAvg, expAvgSq } = moments(d, t);
    const root = where(isAdaptive.ne(0), expAvgSq.sqrt().add(eps), 1);
    return { parameter: parameter.sub(expAvg.mul(rate).div(root)), expAvg, expAvgSq };
  },
});

/**
 * One step of LAMB. With w the parameter, the averages of {@link adamUpdate} (of the gradient alone), and
 *
 * r = expAvg / biasCorrection1 / (√(expAvgSq / biasCorrection2) + eps) + weightDecay · w:
 * parameter ← w − lr · ‖w‖ / ‖r‖ · r; the quotient is 1 where a norm is 0, and without `layerwise`.
 *
 * Source: You et al., "Large batch optimization for deep learning: training BERT in 76 minutes", 2019, algorithm 2.
 *
 * @returns The next parameter and averages, to be assigned.
 */
export const lambUpdate = defineUpdate({
  name: 'lambUpdate',
  state: ['expAvg', 'expAvgSq'],
  numbers: ['lr', 'oneMinusBeta1', 'oneMinusBeta2', 'eps', 'weightDecay', 'biasCorrection1', 'biasCorrection2'],
  flags: ['layerwise'],
  next({ parameter, gradient, lr, eps, weightDecay, biasCorrection1, biasCorrection2, ...t }, { layerwise }) {
    const { expAvg, expAvgSq } = moments(gradient, t);
    const [above, below] = corrected(expAvgSq, eps, biasCorrection2);
    const r = expAvg.mul(above.div(biasCorrection1)).div(below).add(parameter.mul(weightDecay));
    const rate = layerwise ? lr.mul(trustRatio(parameter.norm(), r.norm())) : lr;
    return { parameter: parameter.sub(r.mul(rate)), expAvg, expAvgSq };
  },
});
