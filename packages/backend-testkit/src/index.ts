/**
 * The conformance tests of Fakkel backends.
 *
 * @packageDocumentation
 */
import { afterAll, describe, test } from 'vitest';
import { listBackendTests } from './list.js';
import type { BackendTestOptions } from './options.js';

export * from './list.js';

/**
 * Registers every conformance test of a backend with vitest: golden values and gradients of every op, samples against
 * the reference backend, adjoint identities, second derivatives, donation, immutability and leaks.
 *
 * @example
 * // not run: it is the test file of a plugin
 * import { defineBackendTests } from '@fakkel/backend-testkit';
 * import backend from 'fakkel-backend-mine';
 *
 * defineBackendTests({ create: () => backend.create({}) });
 */
export function defineBackendTests(options: BackendTestOptions): void {
  describe(options.name ?? 'backend', async () => {
    const { tests, dispose } = await listBackendTests(options);
    afterAll(dispose);
    for (const { id, run } of tests) test(id, run);
  });
}
