/**
 * The recipe, which is the same for all networks: the paper's. The loop is the quickstart's, `quickstart/src/train.ts`.
 */
import { type Device, manualSeed, nn } from '@fakkel/core';
import { DataLoader, RunningNormalizer } from '@fakkel/data';
import { CifarResNet } from '@fakkel/models';
import { MultiStepLR, SGD } from '@fakkel/optim';
import { noSums, type Run } from '../../quickstart/src/run.js';
import type { Data } from './data.js';
import type { Settings } from './options.js';

export interface Network {
  readonly kind: 'plain' | 'residual';
  /** Layers with weights on the way from image to logits. */
  readonly layers: number;
}

/** Settings of one network's run: what its checkpoint keeps. */
export type NetworkSettings = Settings & Network;

export const nameOf = ({ kind, layers }: Network): string => `${kind}-${layers}`;

/** A new run: the same settings and data give the same numbers, on the same engine. */
export function createRun(settings: NetworkSettings, data: Data, device: Device): Run<NetworkSettings> {
  const { kind, layers, epochs, batchSize, lr } = settings;
  manualSeed(settings.seed);
  const normalizer = new RunningNormalizer(data.channels);
  const net = new CifarResNet(layers, {
    inChannels: data.channels,
    numClasses: data.classes.length,
    shortcut: kind === 'plain' ? 'none' : 'A', // neither has parameters: both networks have the same ones
  });
  const model = new nn.Sequential({ normalizer, net });
  const optimizer = new SGD(model.parameters(), { lr, momentum: 0.9, weightDecay: 1e-4 });
  return {
    settings,
    device,
    model,
    normalizer,
    criterion: new nn.CrossEntropyLoss(),
    optimizer,
    // The paper: after 32,000 and 48,000 of 64,000 steps.
    scheduler: new MultiStepLR(optimizer, { milestones: [Math.round(epochs / 2), Math.round((epochs * 3) / 4)] }),
    schedulePer: 'epoch',
    loader: new DataLoader(data.train, { batchSize, shuffle: true }),
    history: { steps: [], epochs: [] },
    epoch: noSums(),
  };
}
