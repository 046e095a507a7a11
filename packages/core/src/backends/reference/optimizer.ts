/**
 * Updates of optimizers without Adam's moments, as PyTorch computes them. A step is made from the state as it is kept:
 * rounded, and infinite where the dtype can't hold a square.
 */
import type { TypedArray } from '../../dtype.js';
import type { HostCall, KernelTable } from './kernel.js';

/** The gradient's sign: against it is downhill. */
export const ascent = ({ attrs }: HostCall): number => (attrs.maximize ? -1 : 1);

function sgdUpdate(call: HostCall): void {
  const [p, g, [lr], [momentum], [dampening], [weightDecay], buffer] = call.inputs;
  const [nextP, nextBuffer] = call.outputs;
  const sign = ascent(call);
  const taken = 1 - dampening;
  const n = p.length;
  if (!call.attrs.buffered) {
    for (let i = 0; i < n; i++) nextP[i] = p[i] - lr * (sign * g[i] + weightDecay * p[i]);
  } else if (call.attrs.nesterov) {
    for (let i = 0; i < n; i++) {
      const d = sign * g[i] + weightDecay * p[i];
      const b = momentum * buffer[i] + taken * d;
      nextBuffer[i] = b;
      nextP[i] = p[i] - lr * (d + momentum * b);
    }
  } else {
    for (let i = 0; i < n; i++) {
      const b = momentum * buffer[i] + taken * (sign * g[i] + weightDecay * p[i]);
      nextBuffer[i] = b;
      nextP[i] = p[i] - lr * b;
    }
  }
}

function adagradUpdate(call: HostCall): void {
  const [p, g, sum, [rate], [eps], [weightDecay]] = call.inputs;
  const [nextP, nextSum] = call.outputs;
  const sign = ascent(call);
  for (let i = 0; i < p.length; i++) {
    const d = sign * g[i] + weightDecay * p[i];
    nextSum[i] = sum[i] + d * d;
    nextP[i] = p[i] - (rate * d) / (Math.sqrt(nextSum[i]) + eps);
  }
}

function adadeltaUpdate(call: HostCall): void {
  const [p, g, square, acc, [lr], [newWeight], [eps], [weightDecay]] = call.inputs;
  const [nextP, nextSquare, nextAcc] = call.outputs;
  const sign = ascent(call);
  const rho = 1 - newWeight;
  for (let i = 0; i < p.length; i++) {
    const d = sign * g[i] + weightDecay * p[i];
    nextSquare[i] = rho * square[i] + newWeight * d * d;
    const delta = (Math.sqrt(acc[i] + eps) / Math.sqrt(nextSquare[i] + eps)) * d;
    nextAcc[i] = rho * acc[i] + newWeight * delta * delta;
    nextP[i] = p[i] - lr * delta;
  }
}

function rmspropUpdate(call: HostCall): void {
  const [p, g, square, [lr], [newWeight], [eps], [weightDecay], [momentum], ...optional] = call.inputs;
  const [nextP, nextSquare, ...nextOptional] = call.outputs;
  const { centered, buffered } = call.attrs;
  const [mean, nextMean] = centered ? [optional[0], nextOptional[0]] : [];
  const [buffer, nextBuffer] = buffered ? [optional.at(-1)!, nextOptional.at(-1)!] : [];
  const sign = ascent(call);
  const alpha = 1 - newWeight;
  for (let i = 0; i < p.length; i++) {
    const d = sign * g[i] + weightDecay * p[i];
    nextSquare[i] = alpha * square[i] + newWeight * d * d;
    let variance = nextSquare[i];
    if (mean) {
      const m = (nextMean![i] = alpha * mean[i] + newWeight * d);
      nextP[i] = variance - m * m;
      variance = nextP[i]; // rounded: a difference that float32 can't hold is 0, and not below
    }
    let step = d / (Math.sqrt(variance) + eps);
    if (buffer) {
      step += momentum * buffer[i];
      nextBuffer![i] = step;
    }
    nextP[i] = p[i] - lr * step;
  }
}

function larsUpdate(call: HostCall): void {
  const [p, g, buffer, [lr], [momentum], [weightDecay], [trustCoefficient]] = call.inputs;
  const [nextP, nextBuffer] = call.outputs;
  const sign = ascent(call);
  const w = l2(p);
  const ratio = trustRatio(trustCoefficient * w, l2(g) + weightDecay * w);
  const rate = call.attrs.layerwise ? lr * ratio : lr;
  for (let i = 0; i < p.length; i++) {
    const b = momentum * buffer[i] + rate * (sign * g[i] + weightDecay * p[i]);
    nextBuffer[i] = b;
    nextP[i] = p[i] - b;
  }
}

/** The Euclidean norm. */
export function l2(x: TypedArray): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += x[i] * x[i];
  return Math.sqrt(sum);
}

/** w / r; 1 where one of them is 0. */
export const trustRatio = (w: number, r: number): number => (w !== 0 && r !== 0 ? w / r : 1);

export const optimizerKernels: KernelTable = { sgdUpdate, adagradUpdate, adadeltaUpdate, rmspropUpdate, larsUpdate };
