/**
 * Updates of Adam and its relatives, as PyTorch computes them. A step is made from the averages as they are kept: rounded,
 * and infinite where the dtype can't hold a square.
 */
import { scratch, type HostCall, type KernelTable } from './kernel.js';
import { ascent, l2, trustRatio } from './optimizer.js';

function adamUpdate(call: HostCall): void {
  const [p, g, avg, square, [lr], [weight1], [weight2], [eps], [weightDecay], ...rest] = call.inputs;
  const [[correction1], [correction2], max] = rest;
  const [nextP, nextAvg, nextSquare, nextMax] = call.outputs;
  const sign = ascent(call);
  const [penalty, kept] = call.attrs.decoupled ? [0, 1 - lr * weightDecay] : [weightDecay, 1];
  const rate = lr / correction1;
  const root = Math.sqrt(correction2);
  const divisor = max ? nextMax : nextSquare;
  for (let i = 0; i < p.length; i++) {
    const d = sign * g[i] + penalty * p[i];
    nextAvg[i] = (1 - weight1) * avg[i] + weight1 * d;
    nextSquare[i] = (1 - weight2) * square[i] + weight2 * d * d;
    if (max) nextMax[i] = Math.max(max[i], nextSquare[i]);
    nextP[i] = kept * p[i] - (rate * nextAvg[i]) / (Math.sqrt(divisor[i]) / root + eps);
  }
}

function adamaxUpdate(call: HostCall): void {
  const [p, g, avg, inf, [rate], [weight1], [beta2], [eps], [weightDecay]] = call.inputs;
  const [nextP, nextAvg, nextInf] = call.outputs;
  const sign = ascent(call);
  for (let i = 0; i < p.length; i++) {
    const d = sign * g[i] + weightDecay * p[i];
    nextAvg[i] = (1 - weight1) * avg[i] + weight1 * d;
    nextInf[i] = Math.max(beta2 * inf[i], Math.abs(d) + eps);
    nextP[i] = p[i] - (rate * nextAvg[i]) / nextInf[i];
  }
}

function nadamUpdate(call: HostCall): void {
  const [p, g, avg, square, [gradientRate], [averageRate], [weight1], [weight2], [eps], ...rest] = call.inputs;
  const [[weightDecay], [correction2]] = rest;
  const [nextP, nextAvg, nextSquare] = call.outputs;
  const sign = ascent(call);
  for (let i = 0; i < p.length; i++) {
    const d = sign * g[i] + weightDecay * p[i];
    nextAvg[i] = (1 - weight1) * avg[i] + weight1 * d;
    nextSquare[i] = (1 - weight2) * square[i] + weight2 * d * d;
    nextP[i] = p[i] - (gradientRate * d + averageRate * nextAvg[i]) / (Math.sqrt(nextSquare[i] / correction2) + eps);
  }
}

function radamUpdate(call: HostCall): void {
  const [p, g, avg, square, [rate], [isAdaptive], [weight1], [weight2], [eps], [weightDecay]] = call.inputs;
  const [nextP, nextAvg, nextSquare] = call.outputs;
  const sign = ascent(call);
  for (let i = 0; i < p.length; i++) {
    const d = sign * g[i] + weightDecay * p[i];
    nextAvg[i] = (1 - weight1) * avg[i] + weight1 * d;
    nextSquare[i] = (1 - weight2) * square[i] + weight2 * d * d;
    nextP[i] = p[i] - (rate * nextAvg[i]) / (isAdaptive ? Math.sqrt(nextSquare[i]) + eps : 1);
  }
}

function lambUpdate(call: HostCall): void {
  const [p, g, avg, square, [lr], [weight1], [weight2], [eps], [weightDecay], ...rest] = call.inputs;
  const [[correction1], [correction2]] = rest;
  const [nextP, nextAvg, nextSquare] = call.outputs;
  const sign = ascent(call);
  const step = scratch('lambUpdate', p.length).subarray(0, p.length);
  for (let i = 0; i < p.length; i++) {
    nextAvg[i] = (1 - weight1) * avg[i] + weight1 * sign * g[i];
    nextSquare[i] = (1 - weight2) * square[i] + weight2 * g[i] * g[i];
    step[i] = nextAvg[i] / correction1 / (Math.sqrt(nextSquare[i] / correction2) + eps) + weightDecay * p[i];
  }
  const rate = call.attrs.layerwise ? lr * trustRatio(l2(p), l2(step)) : lr;
  for (let i = 0; i < p.length; i++) nextP[i] = p[i] - rate * step[i];
}

export const adamKernels: KernelTable = { adamUpdate, adamaxUpdate, nadamUpdate, radamUpdate, lambUpdate };
