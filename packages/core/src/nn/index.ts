/**
 * The `nn` namespace: modules, layers, initialization and functions.
 */
export { Buffer, Parameter, type CellOptions } from '../runtime/cell.js';
export { Module, type BackwardHook, type ForwardHook, type ForwardPreHook } from './module.js';
export {
  traceProgram,
  type ProgramOrigin,
  type ProgramSource,
  type ProgramTrace,
  type TraceProgramOptions,
} from './trace-program.js';
export {
  savedDType,
  streamStateDict,
  type LoadReport,
  type StateDict,
  type StoredTensor,
  type StreamStateDictOptions,
} from './state-dict.js';
export * as init from './init.js';
export * as functional from './functional.js';
export * as utils from './utils/index.js';
export { traceCalls, type ModuleCall, type SummaryInput, type TracedOperation, type TracedValue } from './calls.js';
export {
  summary,
  type ActivationMemory,
  type Summary,
  type SummaryOptions,
  type SummaryRow,
  type SummaryTotals,
} from './summary.js';

export * from './modules/activation.js';
export * from './modules/batchnorm.js';
export * from './modules/containers.js';
export * from './modules/conv.js';
export * from './modules/conv-transpose.js';
export * from './modules/distance.js';
export * from './modules/dropout.js';
export * from './modules/embedding.js';
export * from './modules/fold.js';
export * from './modules/instancenorm.js';
export * from './modules/linear.js';
export * from './modules/losses/index.js';
export * from './modules/normalization.js';
export * from './modules/padding.js';
export * from './modules/pixel-shuffle.js';
export * from './modules/pooling/index.js';
export * from './modules/rbf.js';
export * from './modules/upsampling.js';
export type { FactoryOptions } from './modules/factory.js';
