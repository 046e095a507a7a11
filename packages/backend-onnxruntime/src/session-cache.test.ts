import { expect, test } from 'vitest';
import type { EngineSession } from './engines/engine.js';
import { type CachedSession, SessionCache } from './session-cache.js';

/** Entries whose sessions take a while to build and to release, and the number of those that live. */
function counted() {
  const counts = { builds: 0, live: 0 };
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));
  const session = (): EngineSession => ({
    run: pause,
    release: async () => {
      await pause();
      counts.live--;
    },
  });
  const entry = (): CachedSession => ({
    session: null,
    uses: 0,
    build: async () => {
      counts.builds++;
      counts.live++;
      await pause();
      return session();
    },
  });
  return { counts, entry };
}

test('two first uses at once share one session', async () => {
  const { counts, entry } = counted();
  const cache = new SessionCache(1);
  const [old, shared] = [entry(), entry()];
  await cache.open(old); // has to go first: there is something to wait for before the build
  const use = (session: EngineSession): Promise<EngineSession> => Promise.resolve(session);
  const [a, b] = await Promise.all([cache.with(shared, use), cache.with(shared, use), cache.open(shared)]);
  expect(a).toBe(b);
  expect({ ...counts, size: cache.size }).toEqual({ builds: 2, live: 1, size: 1 });
  await cache.dispose();
  expect(counts.live).toBe(0);
});

test('more than fit, opened at once, do not wait for each other, and all are released', async () => {
  const { counts, entry } = counted();
  const cache = new SessionCache(2);
  const entries = Array.from({ length: 5 }, entry);
  await Promise.all(entries.map((each) => cache.open(each)));
  await cache.open(entry());
  expect(cache.size).toBe(2);
  await cache.dispose();
  expect(counts).toEqual({ builds: 6, live: 0 });
});

test('a build that fails is tried again at the next use', async () => {
  const { counts, entry } = counted();
  const cache = new SessionCache();
  const flaky = entry();
  const { build } = flaky;
  flaky.build = () => Promise.reject(new Error('no memory'));
  const outcomes = await Promise.allSettled([cache.open(flaky), cache.open(flaky)]);
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(cache.size).toBe(0);
  flaky.build = build;
  await cache.open(flaky);
  expect(counts).toEqual({ builds: 1, live: 1 });
});
