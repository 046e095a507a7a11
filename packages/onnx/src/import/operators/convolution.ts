/**
 * Convolutions and matrix products.
 */
import {
  conv1d,
  conv2d,
  conv3d,
  convTranspose1d,
  convTranspose2d,
  convTranspose3d,
  einsum,
  linear,
  type Tensor,
} from '@fakkel/core';
import { OnnxError } from '../../errors.js';
import type { Call, OperatorTable } from '../call.js';
import { lastFirst, padsOf, perAxis, windowsOf } from './windows.js';

/** A function for one, two or three spatial axes. */
export function byAxes<F>(fns: readonly [F, F, F], axes: number): F {
  const fn = fns[axes - 1] as F | undefined;
  if (fn === undefined) throw new OnnxError(`it has ${axes} spatial axes, supported are 1 to 3.`);
  return fn;
}

function conv(call: Call): Tensor {
  const [x, weight, bias] = [call.tensor(0), call.tensor(1), call.optional(2)];
  const axes = weight.ndim - 2;
  const fn = byAxes([conv1d, conv2d, conv3d], axes);
  const { stride, dilation, before, after } = windowsOf(call, x.shape.slice(2), weight.shape.slice(2));
  const options = { stride, dilation, groups: call.int('group', 1) };
  const even = before.every((n, i) => n === after[i] && n >= 0);
  if (even) return fn(x, weight, bias, { ...options, padding: before });
  return fn(x.pad(lastFirst(before, after)), weight, bias, options);
}

/**
 * The full transposed convolution with what `pads` says cut off. `output_shape` says how much that is in sum; the odd one
 * goes to the end with SAME_UPPER, to the beginning otherwise.
 */
function convTranspose(call: Call): Tensor {
  const [x, weight, bias] = [call.tensor(0), call.tensor(1), call.optional(2)];
  const axes = weight.ndim - 2;
  const stride = perAxis(call, 'strides', axes, 1);
  const dilation = perAxis(call, 'dilations', axes, 1);
  const extra = perAxis(call, 'output_padding', axes, 0);
  const auto = call.string('auto_pad', 'NOTSET');
  const wanted = call.ints('output_shape')?.slice(-axes);
  const full = x.shape.slice(2).map((n, i) => stride[i] * (n - 1) + dilation[i] * (weight.shape[i + 2] - 1) + 1);
  let { before, after } = padsOf(call, axes);
  const target = wanted ?? (auto.startsWith('SAME') ? x.shape.slice(2).map((n, i) => n * stride[i]) : undefined);
  if (auto === 'VALID' && !wanted) [before, after] = [before.map(() => 0), after.map(() => 0)];
  if (target) {
    const total = full.map((n, i) => n + extra[i] - target[i]);
    const [less, more] = [total.map((n) => Math.floor(n / 2)), total.map((n) => Math.ceil(n / 2))];
    [before, after] = auto === 'SAME_UPPER' ? [less, more] : [more, less];
  }
  const fn = byAxes([convTranspose1d, convTranspose2d, convTranspose3d], axes);
  const options = { stride, dilation, groups: call.int('group', 1) };
  if (before.every((n, i) => n === after[i] && n >= 0 && (extra[i] < stride[i] || extra[i] < dilation[i]))) {
    return fn(x, weight, bias, { ...options, padding: before, outputPadding: extra });
  }
  // The bias is in the cells that are added, too, so it comes last.
  const y = fn(x, weight, null, options).pad(
    lastFirst(
      before.map((n) => -n),
      after.map((n, i) => extra[i] - n),
    ),
  );
  return bias ? y.add(bias.reshape([bias.numel(), ...new Array<number>(axes).fill(1)])) : y;
}

/** alpha · A · B + beta · C, with A and B transposed where asked. */
function gemm(call: Call): Tensor {
  const [alpha, beta] = [call.float('alpha', 1), call.float('beta', 1)];
  const [x, weight, bias] = [call.tensor(0), call.tensor(1), beta === 0 ? null : call.optional(2)];
  const isBias = bias === null || (beta === 1 && bias.ndim === 1 && bias.shape[0] === weight.shape[0]);
  // A linear layer, and a `Gemm` again when the module is exported.
  if (alpha === 1 && isBias && !call.flag('transA') && call.flag('transB')) return linear(x, weight, bias);
  const a = call.flag('transA') ? x.t() : x;
  const product = a.matmul(call.flag('transB') ? weight.t() : weight);
  const scaled = alpha === 1 ? product : product.mul(alpha);
  return bias ? scaled.add(beta === 1 ? bias : bias.mul(beta)) : scaled;
}

export const convolution: OperatorTable = {
  Conv: conv,
  ConvTranspose: convTranspose,
  Gemm: gemm,
  MatMul: (call) => call.tensor(0).matmul(call.tensor(1)),
  Einsum: (call) => einsum(call.string('equation', ''), ...call.values().map((_, i) => call.tensor(i))),
};
