/**
 * Where a loader stands in its epoch, saved so that it can be continued exactly.
 *
 * The order of an epoch follows from the state of the generators at its start, so that is what is saved, with the
 * number of batches handed out. Continuing draws the epoch's indices again and skips those batches; no sample is
 * loaded for it.
 */
import { FakkelError, type Generator } from '@fakkel/core';

/** What `DataLoader.stateDict()` gives: plain JSON. */
export interface DataLoaderState {
  /** Samples of the dataset, to notice another one; null if it is iterable and does not say how many. */
  readonly samples: number | null;
  /** Batches of the epoch that have been handed out. */
  readonly batch: number;
  /** Batches of indices that have been drawn: more than `batch` with workers or prefetching. */
  readonly drawn: number;
  /** Generators at the start of the epoch, the default one first, base64; left out between epochs. */
  readonly start?: readonly string[];
  /** The generators that belong to the loader and its sampler, where they stood when this was saved. */
  readonly now: readonly string[];
  /** Of an iterable dataset, inside an epoch: how far its stream had been handed out. */
  readonly stream?: StreamPosition;
}

/** A place in the stream of an iterable dataset. */
export interface StreamPosition {
  /** Samples before it. */
  readonly count: number;
  /** What the stream's own `stateDict()` said there, if it has one. */
  readonly state?: unknown;
}

/** Throws unless `state` may be one of a loader with so many samples and generators. */
export function checkState(state: DataLoaderState, samples: number | null, generators: number): void {
  const size = (count: number | null): string => (count === null ? 'a stream' : `${count} samples`);
  if (state.samples !== samples) {
    throw new FakkelError(
      `DataLoader.loadStateDict: the state is of a dataset of ${size(state.samples)}, this is one of ${size(samples)}`,
    );
  }
  if (state.now.length !== generators - 1 || (state.start && state.start.length !== generators)) {
    throw new FakkelError(
      `DataLoader.loadStateDict: the state is of a loader with ${state.now.length} generators of its own, this one ` +
        `has ${generators - 1}`,
    );
  }
}

/** The generators' states, base64. */
export function saveGenerators(generators: readonly Generator[]): string[] {
  return generators.map((generator) => btoa(String.fromCharCode(...generator.getState())));
}

/** Puts generators where they stood when their states were saved. */
export function restoreGenerators(generators: readonly Generator[], states: readonly string[]): void {
  generators.forEach((generator, i) => {
    generator.setState(Uint8Array.from(atob(states[i]), (c) => c.charCodeAt(0)));
  });
}

/**
 * What `draw` gives from the generators as they were when `states` were saved. Afterwards they stand as before: others
 * may have drawn from them since.
 */
export function drawAgain<T>(generators: readonly Generator[], states: readonly string[], draw: () => T): T {
  const before = generators.map((generator) => generator.getState());
  try {
    restoreGenerators(generators, states);
    return draw();
  } finally {
    generators.forEach((generator, i) => generator.setState(before[i]));
  }
}
