/**
 * Batch normalization over all axes but the channels, standardization of rows (layer, group and instance normalization),
 * and dropout.
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

/** Both passes in double precision, as in batchNorm. */
function standardize({ inputs: [x, eps], inputAvals, outputs: [y, means, variances] }: HostCall): void {
  const [rows, length] = inputAvals[0].shape;
  for (let r = 0; r < rows; r++) {
    const [start, end] = [r * length, (r + 1) * length];
    let total = 0;
    for (let i = start; i < end; i++) total += x[i];
    const mean = total / length;
    let squares = 0;
    for (let i = start; i < end; i++) squares += (x[i] - mean) * (x[i] - mean);
    const inverse = 1 / Math.sqrt(squares / length + eps[0]);
    for (let i = start; i < end; i++) y[i] = (x[i] - mean) * inverse;
    means[r] = mean;
    variances[r] = squares / length;
  }
}

/** dx = (g − Σg/m − y · Σ(g y)/m) / σ with m elements a row; y is the output of `standardize`. */
function standardizeGrad({ inputs: [g, y, variances, eps], inputAvals, outputs: [dx] }: HostCall): void {
  const [rows, length] = inputAvals[1].shape;
  for (let r = 0; r < rows; r++) {
    const [start, end] = [r * length, (r + 1) * length];
    let sum = 0;
    let dot = 0;
    for (let i = start; i < end; i++) {
      sum += g[i];
      dot += g[i] * y[i];
    }
    const inverse = 1 / Math.sqrt(variances[r] + eps[0]);
    for (let i = start; i < end; i++) dx[i] = (g[i] - sum / length - (y[i] * dot) / length) * inverse;
  }
}

function dropout({ inputs: [x, p, key], outputs: [y] }: HostCall): void {
  threefryUniform(y as Float32Array | Float64Array, key[0], key[1]);
  const probability = p[0];
  const keep = 1 - probability;
  // What is dropped is x · 0, so that NaN shows.
  for (let i = 0; i < y.length; i++) y[i] = y[i] >= probability ? x[i] / keep : x[i] * 0;
}

export const normalizationKernels: KernelTable = {
  batchNorm,
  batchNormGrad,
  batchNormInference,
  standardize,
  standardizeGrad,
  dropout,
};
