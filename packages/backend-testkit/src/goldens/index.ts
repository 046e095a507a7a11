// Made by tools/goldens/ops.py: do not edit.
import type { GoldenCase } from '../golden.js';
import { cases as unary } from './unary.js';
import { cases as binary } from './binary.js';
import { cases as logic } from './logic.js';
import { cases as reduction } from './reduction.js';
import { cases as statistics } from './statistics.js';
import { cases as softmax } from './softmax.js';
import { cases as movement } from './movement.js';
import { cases as movementMore } from './movement-more.js';
import { cases as indexing } from './indexing.js';
import { cases as sorting } from './sorting.js';
import { cases as linear } from './linear.js';
import { cases as conv1d } from './conv1d.js';
import { cases as conv2d } from './conv2d.js';
import { cases as conv2dGroups } from './conv2d-groups.js';
import { cases as convTranspose } from './conv-transpose.js';
import { cases as maxPool } from './max-pool.js';
import { cases as avgPool } from './avg-pool.js';
import { cases as fold } from './fold.js';
import { cases as interpolation } from './interpolation.js';
import { cases as interpolationCubic } from './interpolation-cubic.js';
import { cases as shuffles } from './shuffles.js';
import { cases as vectors } from './vectors.js';
import { cases as poolingMore } from './pooling-more.js';
import { cases as volumes } from './volumes.js';
import { cases as activation } from './activation.js';
import { cases as rectifiers } from './rectifiers.js';
import { cases as gates } from './gates.js';
import { cases as loss } from './loss.js';
import { cases as lossRegression } from './loss-regression.js';
import { cases as lossProbabilities } from './loss-probabilities.js';
import { cases as lossMargins } from './loss-margins.js';
import { cases as normalization } from './normalization.js';
import { cases as layerNorm } from './layer-norm.js';
import { cases as localResponseNorm } from './local-response-norm.js';
import { cases as optimizer } from './optimizer.js';
import { cases as random } from './random.js';
import { cases as dropout } from './dropout.js';
import { cases as gradientTools } from './gradient-tools.js';

/** Every golden case. */
export const GOLDENS: readonly GoldenCase[] = [
  ...unary,
  ...binary,
  ...logic,
  ...reduction,
  ...statistics,
  ...softmax,
  ...movement,
  ...movementMore,
  ...indexing,
  ...sorting,
  ...linear,
  ...conv1d,
  ...conv2d,
  ...conv2dGroups,
  ...convTranspose,
  ...maxPool,
  ...avgPool,
  ...fold,
  ...interpolation,
  ...interpolationCubic,
  ...shuffles,
  ...vectors,
  ...poolingMore,
  ...volumes,
  ...activation,
  ...rectifiers,
  ...gates,
  ...loss,
  ...lossRegression,
  ...lossProbabilities,
  ...lossMargins,
  ...normalization,
  ...layerNorm,
  ...localResponseNorm,
  ...optimizer,
  ...random,
  ...dropout,
  ...gradientTools,
];
