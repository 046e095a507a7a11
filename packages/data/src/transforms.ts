/**
 * Transforms of samples on the host: functions from one sample to the next, for `MapDataset`.
 */
import { DTypeError, FakkelError, ShapeError } from '@fakkel/core';
import { HostArray } from './host-array.js';

/**
 * (x − mean) / std for each channel of a sample `[C, ...]`: torchvision's `Normalize`.
 *
 * @param mean - One for each channel.
 * @param std - One for each channel, not zero.
 * @returns a function from a float32 or float64 array to a new one.
 * @throws FakkelError if a deviation is zero or not finite; ShapeError where the channels are not as many.
 * @example
 * const train = new MapDataset(digits(), ([image, label]) => [normalize([0.5], [0.5])(image), label] as const);
 */
export function normalize(mean: ArrayLike<number>, std: ArrayLike<number>): (sample: HostArray) => HostArray {
  if (mean.length !== std.length) {
    throw new ShapeError(`normalize: ${mean.length} means and ${std.length} standard deviations`);
  }
  for (let i = 0; i < std.length; i++) {
    if (!Number.isFinite(mean[i]) || !Number.isFinite(std[i]) || std[i] === 0) {
      throw new FakkelError(`normalize: channel ${i} has mean ${mean[i]} and standard deviation ${std[i]}`);
    }
  }
  return (sample) => {
    const { data, shape } = sample;
    if (!(data instanceof Float32Array || data instanceof Float64Array)) {
      throw new DTypeError(`normalize: expected float32 or float64, got ${String(sample)}`);
    }
    if (shape[0] !== mean.length) {
      throw new ShapeError(
        `normalize: expected [${mean.length}, ...] for ${mean.length} channels, got ${String(sample)}`,
      );
    }
    const size = data.length / mean.length;
    const out = data.slice();
    for (let c = 0; c < mean.length; c++) {
      for (let i = c * size; i < (c + 1) * size; i++) out[i] = (out[i] - mean[c]) / std[c];
    }
    return new HostArray(out, shape, sample.dtype);
  };
}
