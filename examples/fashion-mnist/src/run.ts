/**
 * The recipe: what is minimized, how, and at which rate. The loop is the quickstart's, `quickstart/src/train.ts`.
 */
import { type Device, manualSeed, nn } from '@fakkel/core';
import { DataLoader, RunningNormalizer } from '@fakkel/data';
import { OneCycleLR, SGD } from '@fakkel/optim';
import { noSums, type Run } from '../../quickstart/src/run.js';
import type { Data } from './data.js';
import { NETWORKS } from './model.js';
import type { Settings } from './options.js';

/** A new run: the same settings and data give the same numbers, on the same engine. */
export function createRun(settings: Settings, data: Data, device: Device): Run<Settings> {
  const { epochs, batchSize, lr, weightDecay, labelSmoothing } = settings;
  manualSeed(settings.seed);
  const normalizer = new RunningNormalizer(1);
  // One module, so that one file holds both, and whoever loads it can't forget to normalize.
  const model = new nn.Sequential({ normalizer, net: NETWORKS[settings.model].build(data.classes.length) });
  const loader = new DataLoader(data.train, { batchSize, shuffle: true });
  const optimizer = new SGD(model.parameters(), { lr, momentum: 0.9, nesterov: true, weightDecay });
  return {
    settings,
    device,
    model,
    normalizer,
    criterion: new nn.CrossEntropyLoss({ labelSmoothing }),
    optimizer,
    // Up to `lr` in the first three tenths of all steps, then down to almost nothing; momentum moves against it.
    scheduler: new OneCycleLR(optimizer, { maxLr: lr, epochs, stepsPerEpoch: loader.length }),
    schedulePer: 'step',
    loader,
    history: { steps: [], epochs: [] },
    epoch: noSums(),
  };
}
