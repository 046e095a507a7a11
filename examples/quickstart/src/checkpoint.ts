/**
 * Checkpoints: all of a run in one safetensors file, from which it continues exactly.
 *
 * Tensors (weights, normalizer, optimizer state) are the file's tensors. Numbers and generator states are JSON in its
 * metadata; JSON gives every finite double back as it was.
 */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import {
  defaultGenerator,
  dropoutKeys,
  FakkelError,
  loadSafetensors,
  SafetensorsError,
  saveSafetensors,
  type Tensor,
} from '@fakkel/core';
import type { DataLoaderState } from '@fakkel/data';
import { flattenOptimizerState, type SchedulerStateDict, unflattenOptimizerState } from '@fakkel/optim';
import { UsageError } from './errors.js';
import { writeAtomically } from './files.js';
import type { History } from './history.js';
import type { Settings } from './options.js';
import type { EpochSums, Run, TrainSettings } from './run.js';

export const CHECKPOINT_FILE = 'checkpoint.safetensors';

/** Whose checkpoint it is: key of the file's metadata. */
export type Example = 'quickstart' | 'fashion-mnist' | 'degradation';
/** The version of what is there. */
const VERSION = 1;
/** What the names of the model's tensors begin with. */
const MODEL = 'model.';

interface State<S> {
  readonly version: typeof VERSION;
  readonly settings: S;
  /** The device as it was asked for, and the engine that this gave. */
  readonly device: string;
  readonly engine: string;
  readonly history: History;
  readonly epoch: EpochSums;
  readonly scheduler: SchedulerStateDict;
  readonly loader: DataLoaderState;
  /** Generators, base64. */
  readonly generator: string;
  readonly dropoutKeys: string;
}

export interface Checkpoint<S = Settings> {
  readonly file: string;
  readonly state: State<S>;
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

export async function saveCheckpoint<S extends TrainSettings>(
  file: string,
  run: Run<S>,
  example: Example = 'quickstart',
): Promise<void> {
  // Everything is taken now, before anything is awaited: one moment of the run.
  const state: State<S> = {
    version: VERSION,
    settings: run.settings,
    device: run.device.name,
    engine: run.device.backend.name,
    history: run.history,
    epoch: run.epoch,
    scheduler: run.scheduler.stateDict(),
    loader: run.loader.stateDict(),
    generator: toBase64(defaultGenerator.getState()),
    dropoutKeys: toBase64(dropoutKeys.getState()),
  };
  const metadata = JSON.stringify(state);
  const model = [...run.model.stateDict()].map(([name, tensor]) => [MODEL + name, tensor] as const);
  const optimizer = flattenOptimizerState(run.optimizer.stateDict());
  const bytes = await saveSafetensors(new Map([...model, ...optimizer.tensors]), {
    [example]: metadata,
    ...optimizer.metadata,
  });
  await writeAtomically(file, bytes);
}

/**
 * Reads a checkpoint.
 *
 * @param where the file, or the folder it is in.
 * @param example whose checkpoint it has to be.
 * @throws UsageError if there is none, or the file is another one.
 */
export async function readCheckpoint<S = Settings>(
  where: string,
  example: Example = 'quickstart',
): Promise<Checkpoint<S>> {
  const isFolder = (await stat(where).catch(() => undefined))?.isDirectory() ?? false;
  const file = isFolder ? path.join(where, CHECKPOINT_FILE) : where;
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    throw new UsageError(
      `--resume: can't read ${file} (${(cause as Error).message}). Give the folder that a run was written to, or the ` +
        `${CHECKPOINT_FILE} in it.`,
      { cause },
    );
  }
  try {
    const { tensors, metadata } = loadSafetensors(bytes);
    const state = JSON.parse(metadata[example] ?? 'null') as State<S> | null;
    if (state?.version === VERSION) return { file, state, tensors, metadata };
  } catch (cause) {
    if (!(cause instanceof SafetensorsError || cause instanceof SyntaxError)) throw cause;
    throw new UsageError(`--resume: ${file} is damaged, or no checkpoint: ${cause.message}`, { cause });
  }
  throw new UsageError(
    `--resume: ${file} is no checkpoint of ${example}: it has no entry '${example}' of version ${VERSION} in its metadata. ` +
      `A run goes on from its ${CHECKPOINT_FILE}; model.safetensors holds weights alone.`,
  );
}

/**
 * Puts a new run of the same settings where the one that was saved stood.
 *
 * @throws UsageError if they do not fit together: the data has changed.
 */
export function restore<S extends TrainSettings>(run: Run<S>, { file, state, tensors, metadata }: Checkpoint<S>): void {
  const model = [...tensors].filter(([name]) => name.startsWith(MODEL));
  try {
    run.model.loadStateDict(new Map(model.map(([name, tensor]) => [name.slice(MODEL.length), tensor])));
    run.optimizer.loadStateDict(unflattenOptimizerState({ tensors, metadata }));
    run.scheduler.loadStateDict(state.scheduler);
    run.loader.loadStateDict(state.loader);
  } catch (cause) {
    if (!(cause instanceof FakkelError)) throw cause;
    throw new UsageError(`--resume: ${file} does not fit the data. Has it changed since?\n${cause.message}`, { cause });
  }
  run.history = state.history;
  run.epoch = state.epoch;
  // Last: making the model has drawn from it.
  defaultGenerator.setState(fromBase64(state.generator));
  dropoutKeys.setState(fromBase64(state.dropoutKeys));
}

const toBase64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
const fromBase64 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'base64'));
