/**
 * Builders: what makes a model by its name.
 */
import type { nn } from '@fakkel/core';
import { loadWeights, type WeightsOptions } from './weights/load-weights.js';

/**
 * Makes a model: at once with initial weights, or, with `weights`, a promise of one that has them.
 *
 * @example
 * import { resnet18 } from '@fakkel/models';
 * const net = resnet18({ numClasses: 10 });
 */
export interface Builder<M extends nn.Module = nn.Module, O extends object = object> {
  (options: O & WeightsOptions): Promise<M>;
  (options?: O & { weights?: undefined }): M;
  /** The name in the registry, `'resnet18'`. */
  readonly modelName: string;
}

/**
 * What a builder does about published weights beside loading them: torchvision's special cases. They hold for files of
 * torchvision's, not for other files.
 */
export interface WeightsRules<M, O> {
  /** The options that the file was made with, `{ auxLogits: true }`, from those of the user, without the weights'. */
  prepare?(options: O): O;
  /** What the model becomes once it has the weights. `options` are the user's. */
  finish?(model: M, options: O): M;
}

/** A builder of the given name. */
export function builder<M extends nn.Module, O extends object>(
  modelName: string,
  make: (options: O) => M,
  rules: WeightsRules<M, O> = {},
): Builder<M, O> {
  const build = (options: O & Partial<WeightsOptions> = {} as O): M | Promise<M> => {
    const { weights } = options;
    return weights === undefined ? make(options) : loadWeights(modelName, { ...options, weights }, make, rules);
  };
  return Object.assign(build, { modelName }) as Builder<M, O>;
}
