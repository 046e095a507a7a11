/**
 * Loads a file into a model, and prints the most memory that this process had beyond what it had before there was a model:
 * `node --conditions=@fakkel/source --import tsx memory-child.ts <file> <reference|onnxruntime> <widths>`.
 */
import { device, getDefaultDevice, nn, setDefaultDevice } from '@fakkel/core';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { loadInto } from '../src/index.js';

const [file, backend, widths] = process.argv.slice(2);

/** In bytes, of `/proc/self/status`. */
const status = (row: string): number =>
  1024 * Number(new RegExp(`^${row}:\\s+(\\d+) kB`, 'm').exec(readFileSync('/proc/self/status', 'utf8'))![1]);

export function makeModel(sizes: readonly number[]): nn.Module {
  return new nn.Sequential(...sizes.slice(1).map((size, i) => new nn.Linear(sizes[i], size)));
}

setDefaultDevice(await device(backend));
const small = makeModel([2, 2]);
await small.parameters()[0].square().sum().item(); // what a first run takes is not the model's
globalThis.gc?.();
writeFileSync('/proc/self/clear_refs', '5'); // the peak starts anew
const before = status('VmRSS');

const start = performance.now();
const model = makeModel(widths.split(',').map(Number));
const built = performance.now();
let events = 0;
await loadInto(model, file, { onProgress: () => events++ });
const loaded = performance.now();
const sum = await model.parameters().at(-1)!.sum().item(); // reaches the device
const peak = status('VmHWM') - before;
console.log(
  JSON.stringify({
    device: getDefaultDevice().name,
    size: statSync(file).size,
    peak,
    ratio: peak / statSync(file).size,
    sum,
    events,
    seconds: { build: (built - start) / 1000, load: (loaded - built) / 1000 },
  }),
);
process.exit(0);
