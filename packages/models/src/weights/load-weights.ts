/**
 * Models with published weights, or with those of a file.
 */
import { FakkelError, type nn } from '@fakkel/core';
import type { WeightsRules } from '../builder.js';

/** Where the weights of a model come from. */
export interface WeightsOptions {
  /** 'DEFAULT': the best that torchvision has published; the name of another entry; or an address or path of a file. */
  weights: 'DEFAULT' | (string & {}) | URL;
}

/** Makes a model and gives it weights. */
export async function loadWeights<M extends nn.Module, O extends object>(
  modelName: string,
  options: O & WeightsOptions,
  _make: (options: O) => M,
  _rules: WeightsRules<M, O>,
): Promise<M> {
  throw new FakkelError(`${modelName}: weights can't be loaded yet (${String(options.weights)})`);
}
