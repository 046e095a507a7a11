/**
 * Optimizer updates, as PyTorch's `SGD` and `Adam` compute them.
 */
import type { HostCall, KernelTable } from './kernel.js';

function sgdUpdate({ inputs, outputs: [nextP, nextBuffer], attrs }: HostCall): void {
  const [p, g, buffer, [lr], [momentum], [dampening], [weightDecay]] = inputs;
  const sign = attrs.maximize ? -1 : 1;
  const taken = 1 - dampening;
  const n = p.length;
  if (attrs.nesterov) {
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

function adamUpdate({ inputs, outputs: [nextP, nextAvg, nextSquare], attrs }: HostCall): void {
  const [p, g, avg, square, [lr], [beta1], [beta2], [eps], [weightDecay], [correction1], [correction2]] = inputs;
  const sign = attrs.maximize ? -1 : 1;
  const step = lr / correction1;
  const root = Math.sqrt(correction2);
  for (let i = 0; i < p.length; i++) {
    const d = sign * g[i] + weightDecay * p[i];
    const m = beta1 * avg[i] + (1 - beta1) * d;
    const v = beta2 * square[i] + (1 - beta2) * d * d;
    nextAvg[i] = m;
    nextSquare[i] = v;
    nextP[i] = p[i] - (step * m) / (Math.sqrt(v) / root + eps);
  }
}

export const optimizerKernels: KernelTable = { sgdUpdate, adamUpdate };
