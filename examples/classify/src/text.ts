/**
 * Answers as text.
 */
import { listModels, listWeights } from '@fakkel/models';
import type { Answer } from './classify.js';

/** The name of the image, and a line for each class. */
export function textOf(answer: Answer): string {
  if ('error' in answer) return `${answer.image}\n  ${answer.error}`;
  const lines = answer.guesses.map(
    ({ label, probability }) => `  ${(100 * probability).toFixed(1).padStart(5)} %  ${label}`,
  );
  return [answer.image, ...lines].join('\n');
}

/** The networks, with the weights that are published for them. */
export function listText(asJson: boolean): string {
  const models = listModels().map((name) => ({
    name,
    weights: listWeights(name).map((entry) => ({
      name: entry.name,
      isDefault: entry.isDefault,
      parameters: entry.numParams,
      acc1: entry.acc1,
      url: entry.url,
    })),
  }));
  if (asJson) return JSON.stringify(models, null, 2);
  return models
    .map(({ name, weights }) => {
      const entries = weights.map(
        (entry) => `${entry.name}${entry.isDefault ? ' (default)' : ''} ${entry.acc1.toFixed(1)} %`,
      );
      return `${name.padEnd(20)}${entries.join(', ') || 'no published weights: --weights <file>'}`;
    })
    .join('\n');
}
