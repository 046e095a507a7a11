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

export { AveragedModel, type AveragedModelOptions, type AvgFn } from './averaging/averaged-model.js';
export { getEmaAvgFn, getSwaAvgFn, updateBn } from './averaging/averaged-model.js';
export { SWALR, type SWALROptions } from './averaging/swa-lr.js';

export {
  LRScheduler,
  type Scheduler,
  type SchedulerOptions,
  type SchedulerStateDict,
} from './schedulers/lr-scheduler.js';
export {
  type Chainable,
  ChainedScheduler,
  type ChainedSchedulerStateDict,
  SequentialLR,
  type SequentialLROptions,
  type SequentialLRStateDict,
} from './schedulers/composed.js';
export { CosineAnnealingLR, type CosineAnnealingLROptions } from './schedulers/cosine-annealing.js';
export { CyclicLR, type CyclicLROptions } from './schedulers/cyclic.js';
export { ExponentialLR, type ExponentialLROptions } from './schedulers/exponential.js';
export { InverseSqrtLR, type InverseSqrtLROptions } from './schedulers/inverse-sqrt.js';
export { LambdaLR, type LambdaLROptions, MultiplicativeLR, type MultiplicativeLROptions } from './schedulers/lambda.js';
export { OneCycleLR, type OneCycleLROptions } from './schedulers/one-cycle.js';
export {
  ReduceLROnPlateau,
  type ReduceLROnPlateauOptions,
  type ReduceLROnPlateauStateDict,
} from './schedulers/plateau.js';
export { PolynomialLR, type PolynomialLROptions } from './schedulers/polynomial.js';
export { MultiStepLR, type MultiStepLROptions, StepLR, type StepLROptions } from './schedulers/step.js';
export { ConstantLR, type ConstantLROptions, LinearLR, type LinearLROptions } from './schedulers/warm-up.js';
export { CosineAnnealingWarmRestarts, type CosineAnnealingWarmRestartsOptions } from './schedulers/warm-restarts.js';
