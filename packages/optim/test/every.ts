/** Every optimizer with all that it may keep, and another value for each of its numbers. */
import type { Parameter } from '@fakkel/core';
import {
  Adadelta,
  Adagrad,
  Adam,
  Adamax,
  AdamW,
  LAMB,
  LARS,
  NAdam,
  type Optimizer,
  RAdam,
  RMSprop,
  SGD,
} from '../src/index.js';

type Params = Parameter[] | ({ params: Parameter[] } & Record<string, unknown>)[];

export interface Entry {
  readonly name: string;
  readonly options: object;
  /** Every option that is a number, or numbers. */
  readonly others: Readonly<Record<string, number | readonly number[]>>;
  /** Bytes of state, in parameters. */
  readonly state: number;
  /** Options given here come on top. */
  readonly make: (params: Params, options?: object) => Optimizer;
}

type Class = new (params: never, options: never) => Optimizer;

const entry = (of: Class, name: string, options: object, others: Entry['others'], state: number): Entry => ({
  ...{ name, options, others, state },
  make: (params, more = {}) => new of(params as never, { ...options, ...more } as never),
});

const sgd = { lr: 0.05, momentum: 0.9, weightDecay: 0.01 };
const sgdOthers = { lr: 0.02, momentum: 0.5, weightDecay: 0.1 };
const adam = { lr: 0.05, betas: [0.8, 0.9], weightDecay: 0.01 };
const adamOthers = { lr: 0.02, betas: [0.5, 0.99], eps: 0.1, weightDecay: 0.1 };

export const EVERY: readonly Entry[] = [
  entry(SGD, 'SGD', { ...sgd, dampening: 0.1 }, { ...sgdOthers, dampening: 0.3 }, 1),
  entry(SGD, 'SGD, Nesterov', { ...sgd, nesterov: true }, sgdOthers, 1),
  entry(SGD, 'SGD, look-ahead', { ...sgd, nesterov: 'look-ahead' }, sgdOthers, 1),
  entry(SGD, 'SGD without momentum', { lr: 0.05, weightDecay: 0.01 }, { lr: 0.02, weightDecay: 0.1 }, 0),
  entry(
    Adagrad,
    'Adagrad',
    { lr: 0.1, lrDecay: 0.1, weightDecay: 0.01, initialAccumulatorValue: 0.1 },
    { lr: 0.05, lrDecay: 0.5, weightDecay: 0.1, eps: 0.1 },
    1,
  ),
  entry(Adadelta, 'Adadelta', { eps: 1e-3, weightDecay: 0.01 }, { lr: 0.5, rho: 0.5, eps: 0.01, weightDecay: 0.1 }, 2),
  entry(
    RMSprop,
    'RMSprop',
    { centered: true, momentum: 0.5, weightDecay: 0.01 },
    { lr: 0.02, alpha: 0.5, eps: 0.1, weightDecay: 0.1, momentum: 0.9 },
    3,
  ),
  entry(Adam, 'Adam', adam, adamOthers, 2),
  entry(Adam, 'Adam without bias correction', { ...adam, biasCorrection: false }, adamOthers, 2),
  entry(Adam, 'AMSGrad', { ...adam, amsgrad: true }, adamOthers, 3),
  entry(AdamW, 'AdamW', adam, adamOthers, 2),
  entry(Adamax, 'Adamax', adam, adamOthers, 2),
  entry(NAdam, 'NAdam', adam, { ...adamOthers, momentumDecay: 0.5 }, 2),
  entry(RAdam, 'RAdam', adam, adamOthers, 2),
  entry(LARS, 'LARS', { lr: 2, weightDecay: 0.01 }, { ...sgdOthers, lr: 1, trustCoefficient: 0.01 }, 1),
  entry(LAMB, 'LAMB', adam, adamOthers, 2),
];
