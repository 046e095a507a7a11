/**
 * Pooling over windows and over all positions.
 */
import {
  adaptiveAvgPool1d,
  adaptiveAvgPool2d,
  adaptiveAvgPool3d,
  avgPool1d,
  avgPool2d,
  avgPool3d,
  maxPool1d,
  maxPool2d,
  maxPool3d,
  type Tensor,
} from '@fakkel/core';
import { OnnxError } from '../../errors.js';
import type { Call, OperatorTable } from '../call.js';
import { Host } from '../host.js';
import { byAxes } from './convolution.js';
import { lastFirst, perAxis, type Windows, windowsOf } from './windows.js';

function windows(call: Call, x: Tensor): Windows {
  const size = x.shape.slice(2);
  if (call.ints('kernel_shape') === undefined) throw new OnnxError(`attribute 'kernel_shape' is missing.`);
  return windowsOf(call, size, perAxis(call, 'kernel_shape', size.length, 1));
}

/** The number of cells of one window along an axis that lie from `from` up to `to`, for each window. */
function cellsWithin(w: Windows, i: number, size: number, from: number, to: number): number[] {
  const reach = w.dilation[i] * (w.kernel[i] - 1) + 1;
  const count = Math.floor((size + w.before[i] + w.after[i] + w.beyond[i] - reach) / w.stride[i]) + 1;
  return Array.from({ length: count }, (_window, at) => {
    const start = at * w.stride[i] - w.before[i];
    return Array.from({ length: w.kernel[i] }, (_cell, k) => start + k * w.dilation[i]).filter(
      (n) => n >= from && n < to,
    ).length;
  });
}

/** Whether core's pools have this padding: the same on both sides, at most half of the kernel. */
const isEven = ({ before, after, beyond, kernel }: Windows): boolean =>
  before.every((n, i) => n === after[i] && n <= kernel[i] / 2 && beyond[i] === 0);

function maxPool(call: Call): Tensor {
  if (call.wants(1)) {
    throw new OnnxError(`its second output, the indices ('${call.node.outputs[1]}'), is not supported.`);
  }
  const x = call.tensor(0);
  const w = windows(call, x);
  const fn = byAxes([maxPool1d, maxPool2d, maxPool3d], w.kernel.length);
  const options = { stride: w.stride, dilation: w.dilation };
  if (isEven(w)) return fn(x, w.kernel, { ...options, padding: w.before });
  const after = w.after.map((n, i) => n + w.beyond[i]);
  return fn(x.pad(lastFirst(w.before, after), { value: -Infinity }), w.kernel, options);
}

function averagePool(call: Call): Tensor {
  const x = call.tensor(0);
  const w = windows(call, x);
  const countIncludePad = call.flag('count_include_pad');
  const fn = byAxes([avgPool1d, avgPool2d, avgPool3d], w.kernel.length);
  const isDilated = w.dilation.some((n) => n !== 1);
  if (isEven(w) && !isDilated) {
    return fn(x, w.kernel, { stride: w.stride, padding: w.before, countIncludePad });
  }
  if (isDilated) throw new OnnxError(`attribute 'dilations' is [${w.dilation.join(', ')}]; supported is 1.`);
  // The sum over each window, divided by how many of its cells count: a product over the axes.
  const after = w.after.map((n, i) => n + w.beyond[i]);
  const padded = x.pad(lastFirst(w.before, after));
  const sums = fn(padded, w.kernel, { stride: w.stride, divisorOverride: 1 });
  return w.kernel.reduce((y, _, i) => {
    const size = x.shape[i + 2];
    const counts = countIncludePad
      ? cellsWithin(w, i, size, -w.before[i], size + w.after[i])
      : cellsWithin(w, i, size, 0, size);
    const shape = [counts.length, ...new Array<number>(w.kernel.length - 1 - i).fill(1)];
    return y.div(new Host('float32', shape, counts).on(x.device).to(x.dtype));
  }, sums);
}

/** (Σ |x|^p)^(1/p) over windows. */
function lpPool(call: Call): Tensor {
  const x = call.tensor(0);
  const p = call.int('p', 2);
  const w = windows(call, x);
  const fn = byAxes([avgPool1d, avgPool2d, avgPool3d], w.kernel.length);
  if (w.dilation.some((n) => n !== 1)) throw new OnnxError(`attribute 'dilations' is not supported.`);
  const after = w.after.map((n, i) => n + w.beyond[i]);
  const powers = x.abs().pow(p).pad(lastFirst(w.before, after));
  return fn(powers, w.kernel, { stride: w.stride, divisorOverride: 1 }).pow(1 / p);
}

/** One window over everything, and a `GlobalAveragePool` again when the module is exported. */
function globalAverage(call: Call): Tensor {
  const x = call.tensor(0);
  return byAxes([adaptiveAvgPool1d, adaptiveAvgPool2d, adaptiveAvgPool3d], x.ndim - 2)(x, 1);
}

const spatial = (x: Tensor): number[] => x.shape.slice(2).map((_, i) => i + 2);

export const pooling: OperatorTable = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  LpPool: lpPool,
  GlobalAveragePool: globalAverage,
  GlobalMaxPool: (call) => call.tensor(0).amax(spatial(call.tensor(0)), true),
  GlobalLpPool: (call) => call.tensor(0).norm(call.int('p', 2), spatial(call.tensor(0)), true),
};
