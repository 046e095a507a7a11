/**
 * Fakkel's DataLoader over a folder of images.
 */
import { DataLoader, ImageFolder, transforms } from '@fakkel/data';
import { performance } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import type { Hello, Reply } from '../engines/protocol.js';
import type { Epoch, LoaderRequest, LoadRequest } from './protocol.js';

const MEAN = [0.485, 0.456, 0.406];
const STD = [0.229, 0.224, 0.225];

async function open({ folder, batchSize, workers }: LoadRequest) {
  const transform = new transforms.Compose([
    new transforms.RandomResizedCrop(224),
    new transforms.RandomHorizontalFlip(),
    new transforms.ToTensor(),
    new transforms.Normalize(MEAN, STD),
  ]);
  const dataset = await ImageFolder.open(folder, { transform });
  // Kept from epoch to epoch, as PyTorch's are here.
  const kept = workers > 0 && { numWorkers: workers, persistentWorkers: true };
  return new DataLoader(dataset, { batchSize, shuffle: true, ...kept });
}

async function epoch(loader: Awaited<ReturnType<typeof open>>): Promise<Epoch> {
  const busy = performance.eventLoopUtilization();
  const start = performance.now();
  let images = 0;
  let firstMs = 0;
  for await (const [x] of loader) {
    if (images === 0) firstMs = performance.now() - start;
    images += x.shape[0];
  }
  const ms = performance.now() - start;
  return { images, ms, firstMs, busyMs: performance.eventLoopUtilization(busy).active };
}

const say = (reply: Reply<unknown>): void => void process.stdout.write(`${JSON.stringify(reply)}\n`);
say({ ok: { title: 'Fakkel', threads: 1 } satisfies Hello });
let loader: Awaited<ReturnType<typeof open>> | undefined;
for await (const line of createInterface(process.stdin)) {
  const request = JSON.parse(line) as LoaderRequest;
  try {
    if (request.op === 'load') loader = await open(request);
    say({ ok: await epoch(loader!) });
  } catch (error) {
    say({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}
process.exit();
