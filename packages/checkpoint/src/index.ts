/**
 * PyTorch's checkpoint files and safetensors, read and written without Python.
 *
 * @packageDocumentation
 */
export { CheckpointError } from './errors.js';
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
export type { StateDictOptions } from './state-dict.js';
