/**
 * Checks of options: what is misspelt, or spelt as in Python, would otherwise be ignored silently.
 */
import { FakkelError } from '@fakkel/core';
import { nearest } from './nearest.js';

/** Options of where a model's parameters live, which all models have. */
export const FACTORY_OPTIONS = ['dtype', 'device'] as const;

/** Throws unless `options` is an object with known names. Builders take `weights` beside the options of their model. */
export function checkOptions(model: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${model}: options come as one object, { ${known.join(', ')} }; got ${String(options)}`);
  }
  for (const [key, value] of Object.entries(options)) {
    if (known.includes(key) || (key === 'weights' && value === undefined)) continue;
    const [meant] = nearest(
      key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      known,
    );
    if (key === 'pretrained') {
      throw new FakkelError(
        `${model}: unknown option 'pretrained', torchvision's of before 0.13. Published weights are loaded by a builder: ` +
          "await resnet18({ weights: 'DEFAULT' }).",
      );
    }
    throw new FakkelError(
      `${model}: unknown option '${key}'. ${meant ? `Did you mean ${meant}? ` : ''}There are: ${known.join(', ')}.`,
    );
  }
}
