/**
 * From a folder of JPEG files to batches of 224×224 images: Fakkel's DataLoader beside PyTorch's, with as many workers.
 */
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeImages } from '../data/images.js';
import type { Epoch, EpochRequest, LoadRequest } from '../data/protocol.js';
import { ENGINE_TITLES, loaderCommandOf } from '../engines/index.js';
import { EngineProcess } from '../engines/process.js';
import { familyTicks } from '../machine/processes.js';
import type { QuietWatch } from '../machine/quiet.js';
import type { Options } from '../options.js';
import { formatNumber, formatTable, median } from '../report/table.js';

const BATCH = 32;
/** Of /proc. */
const MS_A_TICK = 10;
const PAUSE_MS = 200;

interface Contender {
  readonly engine: 'fakkel' | 'pytorch';
  readonly workers: number;
  readonly process: EngineProcess;
  /** Of each round. */
  readonly epochs: (Epoch & { readonly cpuMs: number })[];
  /** The first epoch, which starts the workers. */
  readonly first: Epoch;
}

export interface DataResult {
  readonly titles: readonly string[];
  /** What the images are. */
  readonly images: string;
  readonly measurements: readonly (Omit<Contender, 'process'> & { readonly memory: number | undefined })[];
  readonly faults: readonly string[];
}

export async function measureData(
  { engines, workers, rounds, quick }: Options,
  folder: string,
  watch: QuietWatch,
  say: (message: string) => void,
): Promise<DataResult> {
  const count = quick ? 64 : 512;
  say(`writing ${count} images`);
  const root = path.join(folder, 'images');
  const bytes = await writeImages(root, count);
  const titles = new Set<string>();
  const contenders: Contender[] = [];
  for (const numWorkers of workers) {
    for (const engine of ['fakkel', 'pytorch'] as const) {
      const command = loaderCommandOf(engine);
      if (!engines.includes(engine)) continue;
      if (typeof command === 'string') {
        titles.add(command);
        continue;
      }
      say(`${ENGINE_TITLES[engine]}, ${numWorkers} workers: first epoch`);
      const process = await EngineProcess.start(command);
      titles.add(process.hello.title);
      const load: LoadRequest = { op: 'load', folder: root, batchSize: BATCH, workers: numWorkers };
      const first = await process.request<Epoch>(load);
      contenders.push({ engine, workers: numWorkers, process, epochs: [], first });
    }
  }
  for (let round = 0; round < rounds; round++) {
    await watch.wait(say);
    say(`round ${round + 1} of ${rounds}`);
    for (const { process, epochs } of contenders) {
      await sleep(PAUSE_MS);
      const before = familyTicks(process.pid);
      const request: EpochRequest = { op: 'epoch' };
      const epoch = await watch.during(process.pid, () => process.request<Epoch>(request));
      epochs.push({ ...epoch, cpuMs: (familyTicks(process.pid) - before) * MS_A_TICK });
    }
  }
  const faults = contenders.flatMap(({ engine, epochs }) =>
    epochs.every(({ images }) => images === count) ? [] : [`${engine} did not hand out ${count} images an epoch`],
  );
  const measurements = [];
  for (const { process, ...rest } of contenders) {
    measurements.push({ ...rest, memory: process.peak });
    await process.end();
  }
  const images = `${count} JPEG files of ${formatNumber(bytes / 1024)} KiB on average, batches of ${BATCH}.`;
  return { titles: [...titles], images, measurements, faults };
}

export function dataTable({ measurements }: DataResult): string {
  const rows = measurements.map(({ engine, workers, epochs, first }) => {
    const speeds = epochs.map(({ images, ms }) => (images / ms) * 1000);
    const busy = median(epochs.map(({ busyMs = NaN, ms }) => (busyMs / ms) * 100));
    return [
      String(workers),
      ENGINE_TITLES[engine],
      `${formatNumber(median(speeds))} / ${formatNumber(Math.max(...speeds))}`,
      formatNumber(median(epochs.map(({ cpuMs, images }) => cpuMs / images))),
      formatNumber(first.firstMs),
      formatNumber(median(epochs.map(({ firstMs }) => firstMs))),
      Number.isNaN(busy) ? '–' : `${formatNumber(busy)} %`,
    ];
  });
  const columns = [
    { title: 'workers' },
    { title: 'loader', align: 'left' as const },
    { title: 'images/s' },
    { title: 'processor ms an image' },
    { title: 'first batch, first epoch' },
    { title: 'later epochs' },
    { title: 'loop’s thread busy' },
  ];
  return formatTable(columns, rows);
}
