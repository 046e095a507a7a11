import { expect, test } from 'vitest';
import { DropoutKeys } from './dropout-keys.js';
import { threefry2x32 } from './threefry.js';

test('key i is Threefry of the counter i under the seed', () => {
  const keys = new DropoutKeys(2n ** 32n * 7n + 5n);
  expect(keys.nextKey()).toEqual(threefry2x32(5, 7, 0, 0));
  expect(keys.nextKey()).toEqual(threefry2x32(5, 7, 1, 0));
});

test('no key of a seed repeats, and seeds that share their low 32 bits differ', () => {
  const keys = new DropoutKeys(0);
  const seen = new Set(Array.from({ length: 10_000 }, () => String(keys.nextKey())));
  expect(seen.size).toBe(10_000);
  expect(seen.has(String(new DropoutKeys(2n ** 32n).nextKey()))).toBe(false);
});

test('manualSeed restarts', () => {
  const keys = new DropoutKeys(1);
  const first = keys.nextKey();
  expect(keys.manualSeed(2).nextKey()).not.toEqual(first);
  expect(keys.manualSeed(1).nextKey()).toEqual(first);
});

test('saved and restored midway, the keys go on, beyond 2^32 of them too', () => {
  const keys = new DropoutKeys(-1);
  keys.nextKey();
  const state = keys.getState();
  const next = [keys.nextKey(), keys.nextKey()];
  const other = new DropoutKeys().setState(state);
  expect([other.nextKey(), other.nextKey()]).toEqual(next);

  new DataView(state.buffer).setBigUint64(8, 2n ** 32n + 3n, true);
  expect(other.setState(state).nextKey()).toEqual(threefry2x32(0xffffffff, 0xffffffff, 3, 1));
});

test('bytes that are no state change nothing', () => {
  const keys = new DropoutKeys(4);
  const state = keys.getState();
  expect(() => keys.setState(new Uint8Array(3))).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: DropoutKeys.setState: expected the 16 bytes of getState(), got 3]`,
  );
  expect(() => keys.setState(new Uint8Array(16).fill(255))).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: DropoutKeys.setState: a count of 18446744073709551615 keys is not from getState(); the state is corrupt]`,
  );
  expect(() => keys.manualSeed(0.1)).toThrowErrorMatchingInlineSnapshot(
    `[OutOfRangeError: DropoutKeys.manualSeed: expected a whole number, got seed=0.1]`,
  );
  expect(keys.getState()).toEqual(state);
});
