/**
 * Known gaps: tests that are expected to fail, each with a reason, and that say so when they no longer do.
 */
import type { BackendTest } from './options.js';

/**
 * Turns the tests that `gaps` names into tests that pass only while the gap is there.
 *
 * @throws TypeError for a gap without a reason.
 */
export function withKnownGaps(
  tests: readonly BackendTest[],
  gaps: Readonly<Record<string, string>> = {},
): readonly BackendTest[] {
  const keys = Object.keys(gaps);
  for (const key of keys) {
    if (!gaps[key].trim())
      throw new TypeError(`knownGaps: '${key}' has no reason. Say why it fails and what would mend it.`);
  }
  const met = new Set<string>();
  const result = tests.map((test) => {
    const key = keys.find((k) => test.id === k || test.id.startsWith(`${k}/`));
    if (key === undefined) return test;
    met.add(key);
    return { id: `${test.id} (known gap)`, run: () => expectFailure(test, key, gaps[key]) };
  });
  for (const key of keys) {
    if (met.has(key)) continue;
    const message = `knownGaps: '${key}' names no test. A key is the id of a test or its beginning up to a slash.`;
    result.push({ id: `${key} (known gap)`, run: () => Promise.reject(new Error(message)) });
  }
  return result;
}

async function expectFailure(test: BackendTest, key: string, reason: string): Promise<void> {
  try {
    await test.run();
  } catch {
    return;
  }
  throw new Error(
    `knownGaps: ${test.id} passes now, but '${key}' says: ${reason}. Remove the gap, or let it name only the tests that fail.`,
  );
}
