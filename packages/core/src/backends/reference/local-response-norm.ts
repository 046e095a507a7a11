/**
 * Local response normalization: windows over channels, in double precision.
 */
import type { TypedArray } from '../../dtype.js';
import { type HostCall, type KernelTable, scratch, splitAt } from './kernel.js';

interface Windows {
  readonly channels: number;
  /** Positions of a channel. */
  readonly inner: number;
  /** Channels before and after, in the forward pass; the adjoint has them the other way round. */
  readonly before: number;
  readonly after: number;
}

/** sums[c] = Σ values[j] with j from c − before to c + after, for the channels of one sample. */
function windowSums(values: Float64Array, sums: Float64Array, { channels, inner, before, after }: Windows): void {
  sums.fill(0, 0, channels * inner);
  for (let c = 0; c < channels; c++) {
    for (let j = Math.max(0, c - before); j <= Math.min(channels - 1, c + after); j++) {
      for (let i = 0; i < inner; i++) sums[c * inner + i] += values[j * inner + i];
    }
  }
}

/** Calls `each` for every sample with its start and k + alpha/size · Σ x². */
function forSamples(
  { attrs, inputAvals }: HostCall,
  [x, alpha, k]: readonly TypedArray[],
  each: (start: number, denominators: Float64Array, windows: Windows) => void,
): void {
  const { size } = attrs as { size: number };
  const { outer: batch, size: channels, inner } = splitAt(inputAvals[0].shape, 1);
  const windows = { channels, inner, before: Math.floor(size / 2), after: Math.floor((size - 1) / 2) };
  const volume = channels * inner;
  const squares = scratch('lrn squares', volume);
  const denominators = scratch('lrn denominators', volume);
  for (let n = 0; n < batch; n++) {
    const start = n * volume;
    for (let i = 0; i < volume; i++) squares[i] = x[start + i] * x[start + i];
    windowSums(squares, denominators, windows);
    for (let i = 0; i < volume; i++) denominators[i] = k[0] + (alpha[0] * denominators[i]) / size;
    each(start, denominators, windows);
  }
}

/** y = x · s^−beta */
function localResponseNorm(call: HostCall): void {
  const [x] = call.inputs;
  const [y] = call.outputs;
  const { beta } = call.attrs as { beta: number };
  forSamples(call, call.inputs, (start, s, { channels, inner }) => {
    for (let i = 0; i < channels * inner; i++) y[start + i] = x[start + i] * Math.pow(s[i], -beta);
  });
}

/** dx = g · s^−beta − 2 · alpha · beta / size · x · Σ g x s^(−beta − 1) over the channels that x is in the windows of. */
function localResponseNormGrad(call: HostCall): void {
  const [g, ...inputs] = call.inputs;
  const [x, alpha] = inputs;
  const [dx] = call.outputs;
  const { size, beta } = call.attrs as { size: number; beta: number };
  forSamples(call, inputs, (start, s, windows) => {
    const volume = windows.channels * windows.inner;
    const shares = scratch('lrn shares', volume);
    const sums = scratch('lrn sums', volume);
    for (let i = 0; i < volume; i++) {
      const direct = g[start + i] * Math.pow(s[i], -beta);
      shares[i] = (direct * x[start + i]) / s[i];
      dx[start + i] = direct;
    }
    windowSums(shares, sums, { ...windows, before: windows.after, after: windows.before });
    const factor = (2 * alpha[0] * beta) / size;
    for (let i = 0; i < volume; i++) dx[start + i] -= factor * x[start + i] * sums[i];
  });
}

export const responseNormKernels: KernelTable = { localResponseNorm, localResponseNormGrad };
