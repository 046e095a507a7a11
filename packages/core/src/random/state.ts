/**
 * A generator's state as bytes, in PyTorch's own layout: what `torch.get_rng_state()` holds, `Generator.setState`
 * takes, and the other way round.
 *
 * | bytes | what |
 * |---|---|
 * | 0 | seed, 64 bits |
 * | 8 | draws left in the block plus one, 32 bits; then 1 for "seeded", 32 bits |
 * | 16 | index of the next word, 64 bits |
 * | 24 | 624 words, 64 bits each, the high half zero |
 * | 5016 | three doubles; the second is the cached normal number |
 * | 5040 | 1 if there is a cached normal number, 32 bits; then padding |
 * | 5048 | a cached float32 normal number, which no CPU function uses, and padding |
 *
 * Source: PyTorch 1.13, `aten/src/ATen/CPUGeneratorImpl.cpp` (`CPUGeneratorImplState`, little-endian).
 */
import { OutOfRangeError } from '../errors.js';
import { MT19937_WORDS, Mt19937 } from './mt19937.js';

export interface GeneratorState {
  readonly seed: bigint;
  readonly engine: Mt19937;
  readonly cachedNormal: number | undefined;
}

const SEED = 0;
const LEFT = 8;
const SEEDED = 12;
const POSITION = 16;
const WORDS = 24;
const CACHED = WORDS + 8 * MT19937_WORDS + 8;
const IS_CACHED = CACHED + 16;
const STATE_BYTES = 5056;

export function encodeState({ seed, engine, cachedNormal }: GeneratorState): Uint8Array {
  const view = new DataView(new ArrayBuffer(STATE_BYTES));
  view.setBigUint64(SEED, seed, true);
  view.setInt32(LEFT, engine.left, true);
  view.setInt32(SEEDED, 1, true);
  view.setUint32(POSITION, engine.position, true);
  engine.words.forEach((word, i) => view.setUint32(WORDS + 8 * i, word, true));
  if (cachedNormal !== undefined) {
    view.setFloat64(CACHED, cachedNormal, true);
    view.setInt32(IS_CACHED, 1, true);
  }
  return new Uint8Array(view.buffer);
}

export function decodeState(state: Uint8Array): GeneratorState {
  if (state.length !== STATE_BYTES) {
    throw new OutOfRangeError(
      `Generator.setState: expected the ${STATE_BYTES} bytes of getState() or torch.get_rng_state(), got ${state.length}`,
    );
  }
  const view = new DataView(state.buffer, state.byteOffset, STATE_BYTES);
  const left = view.getInt32(LEFT, true);
  const position = view.getUint32(POSITION, true);
  const valid = view.getInt32(SEEDED, true) === 1 && left >= 1 && left <= MT19937_WORDS && position <= MT19937_WORDS;
  // The next draw reads words[position] unless it makes a new block first.
  if (!valid || (left > 1 && position + left > MT19937_WORDS + 1)) {
    throw new OutOfRangeError(
      `Generator.setState: not a state of mt19937 (left=${left}, next=${position}); the bytes are corrupt`,
    );
  }
  const engine = new Mt19937(0);
  for (let i = 0; i < MT19937_WORDS; i++) engine.words[i] = view.getUint32(WORDS + 8 * i, true);
  engine.left = left;
  engine.position = position;
  const cached = view.getInt32(IS_CACHED, true) !== 0;
  return {
    seed: view.getBigUint64(SEED, true),
    engine,
    cachedNormal: cached ? view.getFloat64(CACHED, true) : undefined,
  };
}
