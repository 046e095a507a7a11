/**
 * Where the windows of convolutions and pools lie: `auto_pad`, paddings that differ before and after, rounding up.
 */
import { OnnxError } from '../../errors.js';
import type { Call } from '../call.js';

export interface Windows {
  readonly kernel: number[];
  readonly stride: number[];
  readonly dilation: number[];
  readonly before: number[];
  readonly after: number[];
  /** Cells beyond the padding after that rounding up makes windows reach. */
  readonly beyond: number[];
}

/** An attribute with one number for each spatial axis. */
export function perAxis(call: Call, name: string, axes: number, otherwise: number): number[] {
  const given = call.ints(name) ?? new Array<number>(axes).fill(otherwise);
  if (given.length !== axes)
    throw new OnnxError(`attribute '${name}' has ${given.length} numbers for ${axes} spatial axes.`);
  return given;
}

/** What is padded before and after, as `pads` has it: all befores, then all afters. */
export function padsOf(call: Call, axes: number): { before: number[]; after: number[] } {
  const pads = call.ints('pads') ?? new Array<number>(2 * axes).fill(0);
  if (pads.length !== 2 * axes)
    throw new OnnxError(`attribute 'pads' has ${pads.length} numbers, expected ${2 * axes}.`);
  return { before: pads.slice(0, axes), after: pads.slice(axes) };
}

export function windowsOf(call: Call, size: readonly number[], kernel: number[]): Windows {
  const axes = size.length;
  const stride = perAxis(call, 'strides', axes, 1);
  const dilation = perAxis(call, 'dilations', axes, 1);
  const reach = kernel.map((k, i) => dilation[i] * (k - 1) + 1);
  const auto = call.string('auto_pad', 'NOTSET');
  let { before, after } = padsOf(call, axes);
  if (auto === 'SAME_UPPER' || auto === 'SAME_LOWER') {
    const total = size.map((n, i) => Math.max((Math.ceil(n / stride[i]) - 1) * stride[i] + reach[i] - n, 0));
    const [less, more] = [total.map((n) => Math.floor(n / 2)), total.map((n) => Math.ceil(n / 2))];
    [before, after] = auto === 'SAME_UPPER' ? [less, more] : [more, less];
  } else if (auto === 'VALID') {
    before = before.map(() => 0);
    after = after.map(() => 0);
  } else if (auto !== 'NOTSET') {
    throw new OnnxError(`attribute 'auto_pad' is NOTSET, SAME_UPPER, SAME_LOWER or VALID, got '${auto}'.`);
  }
  const beyond = size.map((n, i) => {
    if (!call.flag('ceil_mode')) return 0;
    let last = Math.ceil((n + before[i] + after[i] - reach[i]) / stride[i]);
    // The last window starts in the input or its padding before, as in PyTorch, or ONNX since version 19.
    if (last * stride[i] >= n + before[i]) last--;
    return Math.max(last * stride[i] + reach[i] - n - before[i] - after[i], 0);
  });
  return { kernel, stride, dilation, before, after, beyond };
}

/** Pads of the last axes in the order that core's `pad` takes them. */
export const lastFirst = (before: readonly number[], after: readonly number[]): number[] =>
  before.flatMap((_, i) => [before.at(-1 - i)!, after.at(-1 - i)!]);
