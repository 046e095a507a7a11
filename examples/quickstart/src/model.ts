/**
 * The models of the quickstart: LeNet-5 twice, each behind a normalizer that is saved with it.
 */
import { nn } from '@fakkel/core';
import { RunningNormalizer } from '@fakkel/data';
import { lenet5, lenet5Original } from '@fakkel/models';
import { UsageError } from './errors.js';

const NETWORKS = {
  lenet5: { title: 'LeNet-5', build: (numClasses: number) => lenet5({ numClasses }) },
  'lenet5-original': {
    title: 'LeNet-5 of 1998',
    build(numClasses: number) {
      if (numClasses === 10) return lenet5Original();
      throw new UsageError(
        `--model lenet5-original: the network of 1998 has ten classes, the data has ${numClasses}. Use --model lenet5.`,
      );
    },
  },
};

export type ModelName = keyof typeof NETWORKS;

/** What `--model` takes. */
export const MODELS = Object.keys(NETWORKS) as ModelName[];

export const titleOf = (name: ModelName): string => NETWORKS[name].title;

export interface Classifier {
  /** Takes images as they are, `[N, 1, 32, 32]` from 0 to 1, and gives logits, `[N, classes]`. */
  readonly model: nn.Sequential;
  readonly normalizer: RunningNormalizer;
}

/** A network with fresh weights, drawn from the default generator. */
export function buildModel(name: ModelName, classes: number): Classifier {
  const normalizer = new RunningNormalizer(1);
  // One module, so that one file holds both, and whoever loads it can't forget to normalize.
  return { model: new nn.Sequential({ normalizer, net: NETWORKS[name].build(classes) }), normalizer };
}
