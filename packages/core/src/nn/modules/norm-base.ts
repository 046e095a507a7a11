/**
 * What batch and instance normalization layers share: parameters and running statistics, one number a channel.
 */
import { checkOptions } from '../../ops/arguments.js';
import type { Buffer, Parameter } from '../../runtime/cell.js';
import { constant_, ones_, zeros_ } from '../init.js';
import { Module } from '../module.js';
import { pyBool, pyFloat } from '../python.js';
import { checkCount, checkNumber, emptyParameter, filledBuffer, type FactoryOptions } from './factory.js';

export interface NormBaseOptions extends FactoryOptions {
  /** Added to the variance. */
  eps: number;
  /** How much a batch weighs in the running statistics; null: all batches so far weigh the same. */
  momentum: number | null;
  /** Whether the layer has a weight and a bias. */
  affine: boolean;
  /** Whether it keeps running statistics. */
  trackRunningStats: boolean;
}

const OPTIONS = [
  'eps',
  'momentum',
  'affine',
  'trackRunningStats',
  'dtype',
  'device',
] satisfies (keyof NormBaseOptions)[];

/** Checks the options of a layer by name, and fills in what is left out. */
export function withDefaults<O extends object>(layer: string, options: O, defaults: NormBaseOptions): NormBaseOptions {
  checkOptions(layer, options, OPTIONS);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaults, ...(Object.fromEntries(given) as Partial<NormBaseOptions>) };
}

/** The base of batch and instance normalization. */
export abstract class NormBase extends Module {
  static override stateNames: Readonly<Record<string, string>> = {
    runningMean: 'running_mean',
    runningVar: 'running_var',
    numBatchesTracked: 'num_batches_tracked',
  };

  readonly eps: number;
  readonly momentum: number | null;
  readonly affine: boolean;
  readonly trackRunningStats: boolean;
  weight: Parameter | null;
  bias: Parameter | null;
  runningMean: Buffer | null = null;
  runningVar: Buffer | null = null;
  /** Batches seen in training. int32 here; PyTorch's int64 in files. */
  numBatchesTracked: Buffer | null = null;

  constructor(
    readonly numFeatures: number,
    options: NormBaseOptions,
  ) {
    super();
    const layer = new.target.name;
    const { eps, momentum, affine, trackRunningStats, dtype = 'float32', device } = options;
    checkCount(layer, 'numFeatures', numFeatures, 1);
    checkNumber(layer, 'eps', eps, 0);
    if (momentum !== null) checkNumber(layer, 'momentum', momentum, 0, 1);
    this.eps = eps;
    this.momentum = momentum;
    this.affine = affine;
    this.trackRunningStats = trackRunningStats;
    this.weight = affine ? emptyParameter(layer, [numFeatures], options) : null;
    this.bias = affine ? emptyParameter(layer, [numFeatures], options) : null;
    if (this.weight) ones_(this.weight);
    if (trackRunningStats) {
      this.runningMean = filledBuffer(0, [numFeatures], dtype, device);
      this.runningVar = filledBuffer(1, [numFeatures], dtype, device);
      this.numBatchesTracked = filledBuffer(0, [], 'int32', device, { savedDtype: 'int64' });
    }
  }

  /** Forgets the running statistics. */
  resetRunningStats(): void {
    if (this.runningMean) zeros_(this.runningMean);
    if (this.runningVar) ones_(this.runningVar);
    if (this.numBatchesTracked) constant_(this.numBatchesTracked, 0);
  }

  /** Forgets the running statistics, and sets weight to 1 and bias to 0. */
  resetParameters(): void {
    this.resetRunningStats();
    if (this.weight) ones_(this.weight);
    if (this.bias) zeros_(this.bias);
  }

  override extraRepr(): string {
    const momentum = this.momentum === null ? 'None' : pyFloat(this.momentum);
    return (
      `${this.numFeatures}, eps=${pyFloat(this.eps)}, momentum=${momentum}, affine=${pyBool(this.affine)}, ` +
      `track_running_stats=${pyBool(this.trackRunningStats)}`
    );
  }
}
