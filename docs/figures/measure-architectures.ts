/**
 * Measures inference on this machine, for architectures-time.svg: writes architectures-time.json. Run it while nothing else
 * runs; it takes minutes and some gigabytes of memory.
 *
 * node --conditions=@fakkel/source --import tsx docs/figures/measure-architectures.ts
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { device } from '@fakkel/core';
import { compareModels } from '@fakkel/models';
import { NAMES } from './architectures.js';

const comparison = await compareModels(NAMES, {
  input: [4, 3, 224, 224],
  measure: 'inference',
  device: await device('cpu'),
  warmup: 3,
  rounds: 7,
});
console.log(comparison.toString());
const file = join(import.meta.dirname, 'architectures-time.json');
writeFileSync(file, `${JSON.stringify(comparison.toJSON(), null, 2)}\n`);
process.exit();
