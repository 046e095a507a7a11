/**
 * The keys of dropout masks. Dropout has a counter-based generator of its own, so that its masks are the same on every
 * backend, and so that using it never moves the numbers that `rand` and the initializers draw.
 */
import { OutOfRangeError } from '../errors.js';
import { checkSeed, DEFAULT_SEED } from './seed.js';
import { threefry2x32 } from './threefry.js';

const STATE_BYTES = 16;
const COUNTER_LIMIT = Number.MAX_SAFE_INTEGER;

/**
 * A stream of keys for `threefryUniform`: key i is Threefry of the counter i under the seed, so no two keys of a seed are
 * equal.
 *
 * @example
 * const keys = new DropoutKeys(0);
 * const [k0, k1] = keys.nextKey();
 * // threefryUniform(mask, k0, k1) draws with it
 */
export class DropoutKeys {
  private seed: bigint;
  private counter = 0;

  /** @param seed - From −2⁶³ to 2⁶⁴ − 1; PyTorch's default seed if left out. */
  constructor(seed: number | bigint = DEFAULT_SEED) {
    this.seed = checkSeed('DropoutKeys', seed);
  }

  /** Starts the stream of `seed` from its first key. */
  manualSeed(seed: number | bigint): this {
    this.seed = checkSeed('DropoutKeys.manualSeed', seed);
    this.counter = 0;
    return this;
  }

  /** The next key: two words from 0 to 2³² − 1. */
  nextKey(): [number, number] {
    const seedLow = Number(this.seed & 0xffffffffn);
    const seedHigh = Number(this.seed >> 32n);
    const counter = this.counter++;
    return threefry2x32(seedLow, seedHigh, counter >>> 0, Math.floor(counter / 2 ** 32));
  }

  /** The state in 16 bytes: seed, then the number of keys drawn, both as little-endian 64-bit integers. */
  getState(): Uint8Array {
    const view = new DataView(new ArrayBuffer(STATE_BYTES));
    view.setBigUint64(0, this.seed, true);
    view.setBigUint64(8, BigInt(this.counter), true);
    return new Uint8Array(view.buffer);
  }

  /**
   * Continues where the generator that gave `state` stood.
   *
   * @throws If `state` is not from `getState`; nothing is changed then.
   */
  setState(state: Uint8Array): this {
    if (state.length !== STATE_BYTES) {
      throw new OutOfRangeError(
        `DropoutKeys.setState: expected the ${STATE_BYTES} bytes of getState(), got ${state.length}`,
      );
    }
    const view = new DataView(state.buffer, state.byteOffset, STATE_BYTES);
    const counter = view.getBigUint64(8, true);
    if (counter > BigInt(COUNTER_LIMIT)) {
      throw new OutOfRangeError(
        `DropoutKeys.setState: a count of ${counter} keys is not from getState(); the state is corrupt`,
      );
    }
    this.seed = view.getBigUint64(0, true);
    this.counter = Number(counter);
    return this;
  }
}

/** The keys that `Dropout` draws; `manualSeed` restarts them. */
export const dropoutKeys: DropoutKeys = new DropoutKeys();
