/**
 * Batch normalization over all axes but the channels, and dropout.
 */
import { threefryUniform } from '../../random/threefry.js';
import { type HostCall, type KernelTable, splitAt } from './kernel.js';

/** Both passes in double precision: the mean first, then squared differences from it. */
function batchNorm({ inputs: [x, weight, bias, eps], inputAvals, outputs: [y, means, variances] }: HostCall): void {
  const { outer: batch, size: channels, inner } = splitAt(inputAvals[0].shape, 1);
  const count = batch * inner;
  for (let c = 0; c < channels; c++) {
    let total = 0;
    for (let n = 0; n < batch; n++) {
      const start = (n * channels + c) * inner;
      for (let i = start; i < start + inner; i++) total += x[i];
    }
    const mean = total / count;
    let squares = 0;
    for (let n = 0; n < batch; n++) {
      const start = (n * channels + c) * inner;
      for (let i = start; i < start + inner; i++) squares += (x[i] - mean) * (x[i] - mean);
    }
    const variance = squares / count;
    const scale = weight[c] / Math.sqrt(variance + eps[0]);
    const shift = bias[c];
    for (let n = 0; n < batch; n++) {
      const start = (n * channels + c) * inner;
      for (let i = start; i < start + inner; i++) y[i] = (x[i] - mean) * scale + shift;
    }
    means[c] = mean;
    variances[c] = variance;
  }
}

/**
 * Gradient of the first output of `batchNorm`, from the batch's mean and biased variance. With x̂ = (x − mean) / σ and
 * m elements a channel: dx = weight/σ · (g − Σg/m − x̂ · Σ(g x̂)/m), dweight = Σ(g x̂), dbias = Σg.
 */
function batchNormGrad({
  inputs: [g, x, weight, means, variances, eps],
  inputAvals,
  outputs: [dx, dweight, dbias],
}: HostCall): void {
  const { outer: batch, size: channels, inner } = splitAt(inputAvals[0].shape, 1);
  const count = batch * inner;
  for (let c = 0; c < channels; c++) {
    const mean = means[c];
    const inverse = 1 / Math.sqrt(variances[c] + eps[0]);
    let sum = 0;
    let dot = 0;
    for (let n = 0; n < batch; n++) {
      const start = (n * channels + c) * inner;
      for (let i = start; i < start + inner; i++) {
        sum += g[i];
        dot += g[i] * (x[i] - mean);
      }
    }
    dot *= inverse;
    const scale = weight[c] * inverse;
    const slope = (dot / count) * inverse;
    const offset = sum / count;
    for (let n = 0; n < batch; n++) {
      const start = (n * channels + c) * inner;
      for (let i = start; i < start + inner; i++) dx[i] = scale * (g[i] - offset - (x[i] - mean) * slope);
    }
    dweight[c] = dot;
    dbias[c] = sum;
  }
}

function batchNormInference({
  inputs: [x, weight, bias, means, variances, eps],
  inputAvals,
  outputs: [y],
}: HostCall): void {
  const { outer: batch, size: channels, inner } = splitAt(inputAvals[0].shape, 1);
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      const mean = means[c];
      const scale = weight[c] / Math.sqrt(variances[c] + eps[0]);
      const shift = bias[c];
      const start = (n * channels + c) * inner;
      for (let i = start; i < start + inner; i++) y[i] = (x[i] - mean) * scale + shift;
    }
  }
}

function dropout({ inputs: [x, p, key], outputs: [y] }: HostCall): void {
  threefryUniform(y as Float32Array | Float64Array, key[0], key[1]);
  const probability = p[0];
  const keep = 1 - probability;
  // What is dropped is x · 0, so that NaN shows.
  for (let i = 0; i < y.length; i++) y[i] = y[i] >= probability ? x[i] / keep : x[i] * 0;
}

export const normalizationKernels: KernelTable = { batchNorm, batchNormGrad, batchNormInference, dropout };
