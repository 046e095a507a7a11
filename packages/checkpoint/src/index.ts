/**
 * PyTorch's checkpoint files and safetensors, read and written without Python.
 *
 * @packageDocumentation
 */
export { CheckpointError } from './errors.js';
export type { CheckpointTarget } from './io/sink.js';
export type { CheckpointSource } from './io/source.js';
export {
  load,
  loadInto,
  loadStateDict,
  type CheckpointValue,
  type LoadIntoOptions,
  type LoadOptions,
  type LoadProgress,
  type LoadStateDictOptions,
  type ReadOptions,
} from './load.js';
export { optimizerState, type LoadedOptimizerState } from './optimizer-state.js';
export { save, type SaveOptions } from './save.js';
export { saveSharded, type SaveShardedOptions } from './save-sharded.js';
export type { StateDictOptions } from './state-dict.js';
