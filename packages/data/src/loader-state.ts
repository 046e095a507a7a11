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
  /** Samples of the dataset, to notice another one. */
  readonly samples: number;
  /** Batches of the epoch that have been handed out. */
  readonly batch: number;
  /** Batches of indices that have been drawn: more than `batch` with prefetching. */
  readonly drawn: number;
  /** Generators at the start of the epoch, the default one first, base64; left out between epochs. */
  readonly start?: readonly string[];
  /** The generators that belong to the loader and its sampler, where they stood when this was saved. */
  readonly now: readonly string[];
}

/** An epoch under way. */
export class EpochPosition {
  /** Batches handed out. */
  batch = 0;
  private drawn = 0;
  private exhausted = false;
  /** Drawn before the state was saved, and not handed out by then. */
  private readonly waiting: (readonly number[])[] = [];

  private constructor(
    private readonly generators: readonly Generator[],
    private readonly startStates: readonly Generator[] | undefined,
    private readonly iterator: Iterator<readonly number[]>,
  ) {}

  /** @param begin - Draws the base seed and starts the sampler. */
  static start(generators: readonly Generator[], begin: () => Iterator<readonly number[]>): EpochPosition {
    const states = generators.map((g) => g.clone());
    return new EpochPosition(generators, states, begin());
  }

  /** No epoch: what is saved outside loops. */
  static between(generators: readonly Generator[]): EpochPosition {
    return new EpochPosition(generators, undefined, [][Symbol.iterator]());
  }

  /** The epoch of `state` again, up to where it was saved. */
  static resume(
    state: DataLoaderState,
    generators: readonly Generator[],
    begin: () => Iterator<readonly number[]>,
  ): EpochPosition {
    const before = generators.map((g) => g.getState());
    try {
      generators.forEach((g, i) => g.setState(fromBase64(state.start![i])));
      const position = EpochPosition.start(generators, begin);
      for (let i = 0; i < state.drawn; i++) {
        const indices = position.draw();
        if (indices && i >= state.batch) position.waiting.push(indices);
      }
      position.batch = state.batch;
      return position;
    } finally {
      // Others may have drawn from the same generators since the epoch began.
      generators.forEach((g, i) => g.setState(before[i]));
    }
  }

  /** The next batch of indices, or undefined at the end. */
  next(): readonly number[] | undefined {
    return this.waiting.shift() ?? this.draw();
  }

  private draw(): readonly number[] | undefined {
    if (this.exhausted) return undefined;
    const result = this.iterator.next();
    this.drawn++;
    if (!result.done) return result.value;
    this.exhausted = true;
    return undefined;
  }

  /** Lets the sampler clean up. */
  end(): void {
    if (!this.exhausted) this.iterator.return?.();
    this.exhausted = true;
  }

  save(samples: number): DataLoaderState {
    return {
      samples,
      batch: this.batch,
      drawn: this.drawn,
      ...(this.startStates && { start: this.startStates.map((g) => toBase64(g.getState())) }),
      now: this.generators.slice(1).map((g) => toBase64(g.getState())),
    };
  }

  /** Throws unless `state` may be one of a loader with so many samples and generators. */
  static check(state: DataLoaderState, samples: number, generators: number): void {
    if (state.samples !== samples) {
      throw new FakkelError(
        `DataLoader.loadStateDict: the state is of a dataset with ${state.samples} samples, this one has ${samples}`,
      );
    }
    if (state.now.length !== generators - 1 || (state.start && state.start.length !== generators)) {
      throw new FakkelError(
        `DataLoader.loadStateDict: the state is of a loader with ${state.now.length} generators of its own, this one ` +
          `has ${generators - 1}`,
      );
    }
  }

  /** Puts the loader's own generators where they stood when `state` was saved. */
  static restoreOwn(state: DataLoaderState, generators: readonly Generator[]): void {
    generators.slice(1).forEach((g, i) => g.setState(fromBase64(state.now[i])));
  }
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function fromBase64(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
}
