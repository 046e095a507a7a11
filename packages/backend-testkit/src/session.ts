/**
 * One test on one device: made for it, gone after it, with nothing left over.
 */
import { Device, opTable, type Backend, type Unsupported } from '@fakkel/core';
import { track, type TrackedBackend, type TrackOptions } from './tracking.js';

/** What a test is given. */
export interface Session {
  readonly device: Device;
  readonly backend: TrackedBackend;
}

/**
 * Runs `body` on a device of its own over `backend`.
 *
 * What core still holds is released afterwards, so a difference is the backend's own.
 *
 * @throws Error if the backend counts other live buffers afterwards than before: something inside a run leaked.
 */
export async function onDevice<T>(
  backend: Backend,
  body: (session: Session) => Promise<T>,
  options: TrackOptions = {},
): Promise<T> {
  const before = backend.stats().liveBuffers;
  const tracked = track(backend, options);
  const device = new Device(backend.name, tracked);
  const result = await withCleanup(
    () => body({ device, backend: tracked }),
    () => device.dispose(),
  );
  const after = backend.stats().liveBuffers;
  if (after !== before) throw new Error(`leak: ${before} live buffers before the test, ${after} after it`);
  return result;
}

/** Cleans up after `body` in any case; of two failures the body's own is the one to report. */
export async function withCleanup<T>(body: () => Promise<T>, cleanUp: () => Promise<void>): Promise<T> {
  let result: T;
  try {
    result = await body();
  } catch (error) {
    await cleanUp().catch(() => undefined);
    throw error;
  }
  await cleanUp();
  return result;
}

/** Leaves out every op that has a decomposition. */
export const withoutComposites: TrackOptions = {
  supports: (op): true | Unsupported =>
    opTable().get(op)?.decompose === undefined || { reason: 'this test runs composites decomposed' },
};
