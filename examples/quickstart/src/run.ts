/**
 * Everything that changes while training, in one place: what a checkpoint has to keep.
 */
import { type Device, manualSeed, nn } from '@fakkel/core';
import { DataLoader, type RunningNormalizer } from '@fakkel/data';
import { Adam, ExponentialLR, type LRScheduler, type Optimizer, SGD } from '@fakkel/optim';
import type { Data, Sample } from './data.js';
import type { History } from './history.js';
import { buildModel } from './model.js';
import type { Settings } from './options.js';

/** The settings that the loop needs to know. */
export interface TrainSettings {
  readonly epochs: number;
  readonly batchSize: number;
}

export interface Run<S extends TrainSettings = Settings> {
  readonly settings: S;
  readonly device: Device;
  readonly model: nn.Sequential;
  readonly normalizer: RunningNormalizer;
  /** What training minimizes. */
  readonly criterion: nn.CrossEntropyLoss;
  readonly optimizer: Optimizer;
  readonly scheduler: LRScheduler;
  /** After what the scheduler takes a step. */
  readonly schedulePer: 'step' | 'epoch';
  /** Training images in random order; it knows how far into the epoch it is. */
  readonly loader: DataLoader<Sample>;
  history: History;
  /** The epoch under way. */
  epoch: EpochSums;
}

/** Sums over the part of an epoch that is done. */
export interface EpochSums {
  images: number;
  /** Of each image's loss. */
  loss: number;
  correct: number;
  seconds: number;
  /** Learning rate of the last step. */
  lr: number;
}

export const noSums = (): EpochSums => ({ images: 0, loss: 0, correct: 0, seconds: 0, lr: 0 });

/** What one tries first. */
export const MOMENTUM = 0.9;

/** A new run: the same settings and data give the same numbers, on the same engine. */
export function createRun(settings: Settings, data: Data, device: Device): Run {
  manualSeed(settings.seed);
  const { model, normalizer } = buildModel(settings.model, data.classes.length);
  const { lr } = settings;
  const optimizer: Optimizer =
    settings.optimizer === 'adam'
      ? new Adam(model.parameters(), { lr })
      : new SGD(model.parameters(), { lr, momentum: MOMENTUM });
  return {
    settings,
    device,
    model,
    normalizer,
    criterion: new nn.CrossEntropyLoss(),
    optimizer,
    scheduler: new ExponentialLR(optimizer, { gamma: settings.gamma }),
    schedulePer: 'epoch',
    loader: new DataLoader(data.train, { batchSize: settings.batchSize, shuffle: true }),
    history: { steps: [], epochs: [] },
    epoch: noSums(),
  };
}
