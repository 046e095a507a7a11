/**
 * Calling a network to see what it does, and leaving no trace.
 */
import { modes } from '../graph/modes.js';
import { dropoutKeys } from '../random/dropout-keys.js';
import { defaultGenerator } from '../random/generator.js';
import { type Module, setMode } from './module.js';

/**
 * Runs `fn` with the network in training or evaluation mode, or as it is. What `fn` assigns to parameters and buffers is
 * forgotten; modes and random generators are restored.
 */
export function dryRun<T>(model: Module, training: boolean | undefined, fn: () => T): T {
  const saved = model.modules().map((module) => [module, module.training] as const);
  const [random, keys] = [defaultGenerator.getState(), dropoutKeys.getState()];
  const { dry } = modes;
  modes.dry = true;
  try {
    if (training !== undefined) model.train(training);
    return fn();
  } finally {
    modes.dry = dry;
    defaultGenerator.setState(random);
    dropoutKeys.setState(keys);
    if (training !== undefined) {
      // What a class adds to train() is undone too.
      model.train(saved[0][1]);
      // Each by itself: a module with two parents may be in another mode than one of them.
      for (const [module, mode] of saved) setMode(module, mode);
    }
  }
}
