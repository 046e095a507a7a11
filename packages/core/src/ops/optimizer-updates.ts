/**
 * The updates of optimizers without Adam's moments, each one op: `@fakkel/optim` records them, backends may fuse them.
 *
 * An average that decays by β is given 1 − β: in float32 that is exact where β is near 1, and 1 − (1 − β) rounds to β,
 * while 1 − β of a rounded β = 0.999 is off by 1e-5.
 */
import { average, defineUpdate, oneMinus, trustRatio } from './update-op.js';

/**
 * One step of stochastic gradient descent, as PyTorch's `SGD`. With d = gradient + weightDecay · parameter:
 *
 * parameter ← parameter − lr · d, or with momentum (`buffered`)
 * momentumBuffer ← momentum · momentumBuffer + (1 − dampening) · d, parameter ← parameter − lr · momentumBuffer,
 * or with Nesterov momentum parameter ← parameter − lr · (d + momentum · momentumBuffer).
 *
 * Dampening is 0 in the first step, in which PyTorch sets the buffer to the gradient.
 *
 * @returns The next parameter and momentum buffer, to be assigned.
 */
export const sgdUpdate = defineUpdate({
  name: 'sgdUpdate',
  state: [],
  numbers: ['lr', 'momentum', 'dampening', 'weightDecay'],
  flags: ['buffered', 'nesterov'],
  optional: { momentumBuffer: 'buffered' },
  next({ parameter, gradient, momentumBuffer, lr, momentum, dampening, weightDecay }, { buffered, nesterov }) {
    const d = gradient.add(parameter.mul(weightDecay));
    const buffer = buffered ? momentumBuffer.mul(momentum).add(d.mul(oneMinus(dampening))) : undefined;
    const direction = buffer && nesterov ? d.add(buffer.mul(momentum)) : (buffer ?? d);
    return { parameter: parameter.sub(direction.mul(lr)), momentumBuffer: buffer };
  },
});

/**
 * One step of PyTorch's `Adagrad`. With d = gradient + weightDecay · parameter:
 *
 * sum ← sum + d²; parameter ← parameter − rate · d / (√sum + eps).
 *
 * Source: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization", 2011.
 *
 * @returns The next parameter and sum, to be assigned.
 */
export const adagradUpdate = defineUpdate({
  name: 'adagradUpdate',
  state: ['sum'],
  numbers: ['rate', 'eps', 'weightDecay'],
  next({ parameter, gradient, sum, rate, eps, weightDecay }) {
    const d = gradient.add(parameter.mul(weightDecay));
    const nextSum = sum.add(d.square());
    return { parameter: parameter.sub(d.mul(rate).div(nextSum.sqrt().add(eps))), sum: nextSum };
  },
});

/**
 * One step of PyTorch's `Adadelta`. With d = gradient + weightDecay · parameter:
 *
 * squareAvg ← ρ · squareAvg + (1 − ρ) · d²; δ = √(accDelta + eps) / √(squareAvg + eps) · d;
 * accDelta ← ρ · accDelta + (1 − ρ) · δ²; parameter ← parameter − lr · δ.
 *
 * Source: Zeiler, "ADADELTA: an adaptive learning rate method", 2012.
 *
 * @returns The next parameter and averages, to be assigned.
 */
export const adadeltaUpdate = defineUpdate({
  name: 'adadeltaUpdate',
  state: ['squareAvg', 'accDelta'],
  numbers: ['lr', 'oneMinusRho', 'eps', 'weightDecay'],
  next({ parameter, gradient, squareAvg, accDelta, lr, oneMinusRho, eps, weightDecay }) {
    const d = gradient.add(parameter.mul(weightDecay));
    const square = average(squareAvg, oneMinusRho, d.square());
    const delta = accDelta.add(eps).sqrt().div(square.add(eps).sqrt()).mul(d);
    return {
      parameter: parameter.sub(delta.mul(lr)),
      squareAvg: square,
      accDelta: average(accDelta, oneMinusRho, delta.square()),
    };
  },
});

/**
 * One step of PyTorch's `RMSprop`. With d = gradient + weightDecay · parameter:
 *
 * squareAvg ← α · squareAvg + (1 − α) · d²; v = squareAvg, or centered, with gradAvg ← α · gradAvg + (1 − α) · d,
 * v = squareAvg − gradAvg²; s = d / (√v + eps); parameter ← parameter − lr · s, or with momentum (`buffered`)
 * momentumBuffer ← momentum · momentumBuffer + s, parameter ← parameter − lr · momentumBuffer.
 *
 * Source: Tieleman and Hinton, "Lecture 6.5: rmsprop", 2012; centered: Graves, "Generating sequences with recurrent
 * neural networks", 2013.
 *
 * @returns The next parameter and state, to be assigned.
 */
export const rmspropUpdate = defineUpdate({
  name: 'rmspropUpdate',
  state: ['squareAvg'],
  numbers: ['lr', 'oneMinusAlpha', 'eps', 'weightDecay', 'momentum'],
  flags: ['centered', 'buffered'],
  optional: { gradAvg: 'centered', momentumBuffer: 'buffered' },
  next(
    { parameter, gradient, squareAvg, gradAvg, momentumBuffer, lr, oneMinusAlpha, eps, weightDecay, momentum },
    { centered, buffered },
  ) {
    const d = gradient.add(parameter.mul(weightDecay));
    const square = average(squareAvg, oneMinusAlpha, d.square());
    const mean = centered ? average(gradAvg, oneMinusAlpha, d) : undefined;
    const variance = mean ? square.sub(mean.square()) : square;
    const step = d.div(variance.sqrt().add(eps));
    const buffer = buffered ? momentumBuffer.mul(momentum).add(step) : undefined;
    return {
      parameter: parameter.sub((buffer ?? step).mul(lr)),
      squareAvg: square,
      gradAvg: mean,
      momentumBuffer: buffer,
    };
  },
});

/**
 * One step of LARS. With w the parameter, g its gradient, and, with `layerwise`, the layer's own rate
 * λ = trustCoefficient · ‖w‖ / (‖g‖ + weightDecay · ‖w‖), which is 1 where either side is 0, and without `layerwise`:
 *
 * momentumBuffer ← momentum · momentumBuffer + lr · λ · (g + weightDecay · w); parameter ← parameter − momentumBuffer.
 *
 * Source: You, Gitman and Ginsburg, "Large batch training of convolutional networks", 2017, algorithm 1.
 *
 * @returns The next parameter and momentum buffer, to be assigned.
 */
export const larsUpdate = defineUpdate({
  name: 'larsUpdate',
  state: ['momentumBuffer'],
  numbers: ['lr', 'momentum', 'weightDecay', 'trustCoefficient'],
  flags: ['layerwise'],
  next({ parameter, gradient, momentumBuffer, lr, momentum, weightDecay, trustCoefficient }, { layerwise }) {
    const d = gradient.add(parameter.mul(weightDecay));
    const [w, g] = [parameter.norm(), gradient.norm()];
    const rate = layerwise ? lr.mul(trustRatio(w.mul(trustCoefficient), g.add(w.mul(weightDecay)))) : lr;
    const buffer = momentumBuffer.mul(momentum).add(d.mul(rate));
    return { parameter: parameter.sub(buffer), momentumBuffer: buffer };
  },
});
