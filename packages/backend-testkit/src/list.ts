/**
 * The conformance kit without a test runner: a list of named tests, for pages in a browser and other runners.
 *
 * @packageDocumentation
 */
import { referenceBackend } from '@fakkel/core';
import type { FloatDType } from './golden.js';
import { withKnownGaps } from './known-gaps.js';
import type { BackendTest, BackendTestOptions, SuiteContext } from './options.js';
import { adjointTests } from './suites/adjoint.js';
import { cellTests } from './suites/cells.js';
import { contractTests } from './suites/contract.js';
import { goldenTests } from './suites/golden.js';
import { sampleTests } from './suites/samples.js';
import { secondDerivativeTests } from './suites/second-derivatives.js';

export { expectClose, type Tolerance } from './compare.js';
export type { FloatDType } from './golden.js';
export type { BackendTest, BackendTestOptions } from './options.js';
export type { ToleranceLike, ToleranceOptions, Tolerances } from './tolerance.js';

/** The tests of one backend, and what to call when they have run. */
export interface BackendTestList {
  readonly name: string;
  readonly tests: readonly BackendTest[];
  /** Disposes of the backend. */
  readonly dispose: () => Promise<void>;
}

/**
 * Makes the backend and lists its tests; running one rejects where the backend is wrong. Tests are independent of each
 * other, but share the backend, so they run one after the other.
 *
 * @example
 * // not run: it takes a minute
 * const { tests } = await listBackendTests({ create: () => referenceBackend.create({}) });
 * for (const { id, run } of tests) await run().catch((error) => console.error(id, error.message));
 */
export async function listBackendTests(options: BackendTestOptions): Promise<BackendTestList> {
  const backend = await options.create();
  const reference = await referenceBackend.create({});
  const floats: readonly FloatDType[] = ['float32', 'float64'];
  const dtypes = options.dtypes ?? floats.filter((dtype) => backend.capabilities.dtypes.includes(dtype));
  const context: SuiteContext = { backend, reference, dtypes, tolerance: options.tolerance ?? {} };
  const suites = [contractTests, cellTests, goldenTests, sampleTests, adjointTests, secondDerivativeTests];
  const tests = suites.flatMap((suite) => suite(context));
  return {
    name: options.name ?? backend.name,
    tests: withKnownGaps(tests, options.knownGaps),
    dispose: async () => {
      await backend.dispose();
      await reference.dispose();
    },
  };
}
