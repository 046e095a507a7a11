/**
 * The files that all engines of a comparison read: weights and a batch, made once by Fakkel.
 */
import { manualSeed, randint, randn, saveSafetensors, type Tensor } from '@fakkel/core';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Task } from '../engines/protocol.js';
import { batchShape, type NetworkName, networkSpec } from '../networks/index.js';

/** Writes them to `folder`; the same numbers at each call. */
export async function writeFiles(folder: string, network: NetworkName, quick: boolean): Promise<Omit<Task, 'phase'>> {
  const spec = networkSpec(network);
  manualSeed(0);
  const net = spec.make(0);
  const shape = batchShape(network, quick);
  const batch = new Map<string, Tensor>([
    ['x', randn(shape)],
    ['y', randint(0, spec.classes, [shape[0]], { dtype: 'int32' })],
  ]);
  const weights = path.join(folder, `${network}.safetensors`);
  const file = path.join(folder, `${network}.batch.safetensors`);
  writeFileSync(weights, await saveSafetensors(net));
  writeFileSync(file, await saveSafetensors(batch));
  net.dispose();
  return { network, weights, batch: file, lr: spec.lr, momentum: 0.9 };
}
