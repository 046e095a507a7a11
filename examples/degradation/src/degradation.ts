/**
 * All networks, one after the other, and what is written about them.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { type Device, setDefaultDevice } from '@fakkel/core';
import { DataLoader } from '@fakkel/data';
import { CHECKPOINT_FILE, readCheckpoint, restore, saveCheckpoint } from '../../quickstart/src/checkpoint.js';
import { openDevice } from '../../quickstart/src/device.js';
import { UsageError } from '../../quickstart/src/errors.js';
import { makeFolder, writeAtomically } from '../../quickstart/src/files.js';
import { count, deviceText, percent } from '../../quickstart/src/format.js';
import type { EpochRecord } from '../../quickstart/src/history.js';
import { flag } from '../../quickstart/src/options.js';
import type { Progress } from '../../quickstart/src/progress.js';
import type { Run } from '../../quickstart/src/run.js';
import { train } from '../../quickstart/src/train.js';
import { type Data, DATA_SETS, loadData } from './data.js';
import { type Options, type Settings, settingsOf } from './options.js';
import { createRun, nameOf, type Network, type NetworkSettings } from './run.js';

/** The contents of `results.json`. */
export interface Results {
  readonly settings: Settings;
  readonly device: string;
  readonly networks: readonly (Network & { readonly parameters: number; readonly epochs: readonly EpochRecord[] })[];
}

/**
 * Trains the networks that are not trained yet, and draws all of them.
 *
 * @param signal aborted to stop after the present step.
 * @returns the results, or null if the run was stopped before its end.
 */
export async function degradation(options: Options, progress: Progress, signal: AbortSignal): Promise<Results | null> {
  const settings = settingsOf(options);
  const engine = await openDevice(options.device, options.threads);
  setDefaultDevice(engine);
  const data = await loadData(settings);
  const output = await makeFolder(options.output);
  progress.note(
    `Training error on ${count(data.train.length)} images of ${DATA_SETS[settings.data].title}, on ${deviceText(engine)}`,
  );

  const networks: Results['networks'][number][] = [];
  for (const layers of options.layers) {
    for (const kind of ['plain', 'residual'] as const) {
      const network = { kind, layers };
      const run = await trainNetwork({ ...settings, ...network }, { data, engine, output, progress, signal });
      if (!run) {
        progress.note('Stopped. The same command again goes on.');
        return null;
      }
      const parameters = run.model.parameters().reduce((sum, parameter) => sum + parameter.numel(), 0);
      networks.push({ ...network, parameters, epochs: run.history.epochs });
      run.model.dispose();
    }
  }

  for (const { epochs, ...network } of networks) {
    const { train, validation, msPerStep } = epochs.at(-1)!;
    progress.note(
      `${nameOf(network).padEnd(11)}  training error ${percent(1 - train.accuracy).padStart(6)}  ` +
        `validation error ${percent(1 - validation.accuracy).padStart(6)}  ${msPerStep.toFixed(0)} ms a step`,
    );
  }
  const results = { settings, device: deviceText(engine), networks };
  // Loaded here, after the training: a charting library takes its time.
  const { figure } = await import('./figure.js');
  await writeAtomically(path.join(output, 'results.json'), `${JSON.stringify(results, null, 1)}\n`);
  await writeAtomically(path.join(output, 'degradation.svg'), figure(results));
  progress.note(`wrote ${['results.json', 'degradation.svg'].map((name) => path.join(output, name)).join(', ')}`);
  return results;
}

interface Around {
  readonly data: Data;
  readonly engine: Device;
  readonly output: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** One network, from its start or from its checkpoint; null if it was stopped. */
async function trainNetwork(settings: NetworkSettings, around: Around): Promise<Run<NetworkSettings> | null> {
  const { data, engine, progress, signal } = around;
  const name = nameOf(settings);
  const file = path.join(await makeFolder(path.join(around.output, name)), CHECKPOINT_FILE);
  const run = createRun(settings, data, engine);
  if (existsSync(file)) {
    const checkpoint = await readCheckpoint<NetworkSettings>(file, 'degradation');
    refuseOthers(around.output, checkpoint.state.settings, settings);
    restore(run, checkpoint);
  } else {
    await run.normalizer.fit(new DataLoader(data.plain, { batchSize: 256 })); // training images only
  }
  const { length } = run.history.epochs;
  progress.note(`${name}: ${length === 0 ? 'from the start' : `${length} of ${settings.epochs} epochs are done`}`);
  const save = (): Promise<void> => saveCheckpoint(file, run, 'degradation');
  return (await train(run, data, { progress, signal, save })) ? run : null;
}

/** A folder holds networks that can be compared: all trained in the same way. */
function refuseOthers(folder: string, saved: Settings, wanted: Settings): void {
  for (const name of ['data', 'images', 'epochs', 'batchSize', 'lr', 'seed'] as const) {
    if (saved[name] === wanted[name]) continue;
    throw new UsageError(
      `--output: ${folder} holds networks that were trained with ${flag(name)} ${saved[name]}, not ${wanted[name]}. ` +
        `Name another folder, or remove it.`,
    );
  }
}
