/**
 * Optimizers and learning-rate schedulers, with PyTorch's names, defaults and arithmetic.
 *
 * @packageDocumentation
 */
export { Optimizer, type StateKinds, type UpdateContext, type Updated } from './optimizer.js';
export type { OptimizerOptions, ParamGroup, ParamGroupInput, Params } from './param-groups.js';
export {
  flattenOptimizerState,
  type FlatOptimizerState,
  type OptimizerStateDict,
  type ParameterStateDict,
  type ParamGroupStateDict,
  unflattenOptimizerState,
} from './state-dict.js';

export { Adadelta, type AdadeltaOptions } from './adadelta.js';
export { Adagrad, type AdagradOptions } from './adagrad.js';
export { Adam, type AdamOptions } from './adam.js';
export { Adamax, type AdamaxOptions } from './adamax.js';
export { AdamW, type AdamWOptions } from './adamw.js';
export { LAMB, type LAMBOptions } from './lamb.js';
export { LARS, type LARSOptions } from './lars.js';
export { NAdam, type NAdamOptions } from './nadam.js';
export { RAdam, type RAdamOptions } from './radam.js';
export { RMSprop, type RMSpropOptions } from './rmsprop.js';
export { type Measured, StochasticDiagonalLM, type StochasticDiagonalLMOptions } from './sdlm.js';
export { SGD, type SGDOptions } from './sgd.js';
export { trainSteps } from './train-steps.js';

export { LRScheduler, type SchedulerOptions, type SchedulerStateDict } from './schedulers/lr-scheduler.js';
export { CosineAnnealingLR, type CosineAnnealingLROptions } from './schedulers/cosine-annealing.js';
export { ExponentialLR, type ExponentialLROptions } from './schedulers/exponential.js';
export { LambdaLR, type LambdaLROptions } from './schedulers/lambda.js';
export { MultiStepLR, type MultiStepLROptions, StepLR, type StepLROptions } from './schedulers/step.js';
