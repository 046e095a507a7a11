/**
 * Random numbers of one sample, whoever loads it: the loader's thread or a worker, sooner or later.
 */
import { Generator } from '@fakkel/core';
import type { SampleContext } from './dataset.js';

/**
 * The seed of a sample's generator: 32 bits, which is what the generator uses of a seed. In one epoch no two samples
 * have the same one, since each word of the key is mixed in by a one-to-one function.
 *
 * @param baseSeed - What the loader drew at the start of the epoch.
 * @param index - Of the sample; its place, where samples are streamed.
 * @param occurrence - How often the index came in this epoch before: a sample that is drawn twice is augmented twice.
 */
export function sampleSeed(baseSeed: bigint, index: number, occurrence: number): number {
  const high = Math.floor(index / 2 ** 32);
  return murmur3(Number(baseSeed & 0xffffffffn), Number(baseSeed >> 32n), high, occurrence, index % 2 ** 32);
}

/**
 * MurmurHash3 (x86, 32 bits) of whole words, with seed 0.
 *
 * Source: A. Appleby, `MurmurHash3.cpp`, 2011, public domain.
 */
export function murmur3(...words: readonly number[]): number {
  let hash = 0;
  for (const word of words) {
    hash ^= Math.imul(rotate(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593);
    hash = Math.imul(rotate(hash, 13), 5) + 0xe6546b64;
  }
  hash ^= 4 * words.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const rotate = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));

/** The context of the sample with this seed. Its generator is made when it is asked for: 624 words of state. */
export class SeededContext implements SampleContext {
  private made: Generator | undefined;

  constructor(private readonly seed: number) {}

  get generator(): Generator {
    return (this.made ??= new Generator(this.seed));
  }
}
