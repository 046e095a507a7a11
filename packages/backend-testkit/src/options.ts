/**
 * What a backend says of itself, and what a test is.
 */
import type { Backend } from '@fakkel/core';
import type { FloatDType } from './golden.js';
import type { ToleranceOptions } from './tolerance.js';

export interface BackendTestOptions {
  /** Makes the backend under test; called once for the whole kit. */
  readonly create: () => Backend | Promise<Backend>;
  /** How the tests are headed. Default: the backend's own name. */
  readonly name?: string;
  /** Default: 1e-5 in float32 and 1e-9 in float64, relative to the number and to the largest one in the tensor. */
  readonly tolerance?: ToleranceOptions;
  /**
   * What does not work yet, and why. A key is the id of a test, or its beginning up to a slash: `conv2d` names every
   * test of conv2d, `conv2d/dilation 2/gradient` both precisions of one. Every test that a gap names has to fail: a
   * gap that is closed, or that names nothing, is an error.
   */
  readonly knownGaps?: Readonly<Record<string, string>>;
  /** The float types to test. Default: those that the backend's capabilities name. */
  readonly dtypes?: readonly FloatDType[];
}

/** One test, without a runner. */
export interface BackendTest {
  /** `conv2d/dilation 2/gradient/float32`: the op or suite, the sample, the check, the precision. */
  readonly id: string;
  readonly run: () => Promise<void>;
}

/** What the suites make tests from. */
export interface SuiteContext {
  readonly backend: Backend;
  /** The oracle: the reference backend. */
  readonly reference: Backend;
  readonly dtypes: readonly FloatDType[];
  readonly tolerance: ToleranceOptions;
}
