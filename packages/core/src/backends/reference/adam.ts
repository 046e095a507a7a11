/**
 * Updates of Adam and its relatives, as PyTorch computes them.
 */
import type { HostCall, KernelTable } from './kernel.js';
import { ascent, l2, trustRatio } from './optimizer.js';

function adamUpdate(call: HostCall): void {
  const [p, g, avg, square, [lr], [weight1], [weight2], [eps], [weightDecay], ...rest] = call.inputs;
  const [[correction1], [correction2], max] = rest;
  const [nextP, nextAvg, nextSquare, nextMax] = call.outputs;
  const sign = ascent(call);
  const [penalty, kept] = call.attrs.decoupled ? [0, 1 - lr * weightDecay] : [weightDecay, 1];
  const rate = lr / correction1;
  const root = Math.sqrt(correction2);
  for (let i = 0; i < p.length; i++) {
    const d = sign * g[i] + penalty * p[i];
    const m = (1 - weight1) * avg[i] + weight1 * d;
    let v = (1 - weight2) * square[i] + weight2 * d * d;
    nextAvg[i] = m;
    nextSquare[i] = v;
    if (max) nextMax[i] = v = Math.max(max[i], v);
    nextP[i] = kept * p[i] - (rate * m) / (Math.sqrt(v) / root + eps);
  }
}

function adamaxUpdate(call: HostCall): void {
  const [p, g, avg, inf, [rate], [weight1], [beta2], [eps], [weightDecay]] = call.inputs;
  const [nextP, nextAvg, nextInf] = call.outputs;
  const sign = ascent(call);
  for (let i = 0; i < p.length; i++) {
    const d = sign * g[i] + weightDecay * p[i];
    const m = (1 - weight1) * avg[i] + weight1 * d;
    const u = Math.max(beta2 * inf[i], Math.abs(d) + eps);
    nextAvg[i] = m;
    nextInf[i] = u;
    nextP[i] = p[i] - (rate * m) / u;
  }
}

function nadamUpdate(call: HostCall): void {
  const [p, g, avg, square, [gradientRate], [averageRate], [weight1], [weight2], [eps], ...rest] = call.inputs;
  const [[weightDecay], [correction2]] = rest;
  const [nextP, nextAvg, nextSquare] = call.outputs;
  const sign = ascent(call);
  for (let i = 0; i < p.length; i++) {
    const d = sign * g[i] + weightDecay * p[i];
    const m = (1 - weight1) * avg[i] + weight1 * d;
    const v = (1 - weight2) * square[i] + weight2 * d * d;
    nextAvg[i] = m;
    nextSquare[i] = v;
    nextP[i] = p[i] - (gradientRate * d + averageRate * m) / (Math.sqrt(v / correction2) + eps);
  }
}

function radamUpdate(call: HostCall): void {
  const [p, g, avg, square, [rate], [isAdaptive], [weight1], [weight2], [eps], [weightDecay]] = call.inputs;
  const [nextP, nextAvg, nextSquare] = call.outputs;
  const sign = ascent(call);
  for (let i = 0; i < p.length; i++) {
    const d = sign * g[i] + weightDecay * p[i];
    const m = (1 - weight1) * avg[i] + weight1 * d;
    const v = (1 - weight2) * square[i] + weight2 * d * d;
    nextAvg[i] = m;
    nextSquare[i] = v;
    nextP[i] = p[i] - (rate * m) / (isAdaptive ? Math.sqrt(v) + eps : 1);
  }
}

function lambUpdate(call: HostCall): void {
  const [p, g, avg, square, [lr], [weight1], [weight2], [eps], [weightDecay], ...rest] = call.inputs;
  const [[correction1], [correction2]] = rest;
  const [nextP, nextAvg, nextSquare] = call.outputs;
  const sign = ascent(call);
  const step = new Float64Array(p.length);
  for (let i = 0; i < p.length; i++) {
    const m = (1 - weight1) * avg[i] + weight1 * sign * g[i];
    const v = (1 - weight2) * square[i] + weight2 * g[i] * g[i];
    nextAvg[i] = m;
    nextSquare[i] = v;
    step[i] = m / correction1 / (Math.sqrt(v / correction2) + eps) + weightDecay * p[i];
  }
  const rate = call.attrs.layerwise ? lr * trustRatio(l2(p), l2(step)) : lr;
  for (let i = 0; i < p.length; i++) nextP[i] = p[i] - rate * step[i];
}

export const adamKernels: KernelTable = { adamUpdate, adamaxUpdate, nadamUpdate, radamUpdate, lambUpdate };
