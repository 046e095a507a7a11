/**
 * A device on ONNX Runtime in this thread, whose engine counts its sessions and fails on demand.
 */
import { Device } from '@fakkel/core';
import { OrtBackend } from '../src/backend.js';
import type { Engine } from '../src/engines/engine.js';
import { createNodeEngine } from '../src/engines/node.js';

export interface Sessions {
  /** Made so far. */
  made: number;
  /** Made and not released. */
  live: number;
  /** The most that were there at once. */
  peak: number;
  /** Thrown by the next session that is made, or the next run. */
  failBuild: Error | null;
  failRun: Error | null;
}

export interface Counting {
  readonly device: Device;
  readonly backend: OrtBackend;
  readonly sessions: Sessions;
}

export async function countingDevice(options: { readonly sessions?: number } = {}): Promise<Counting> {
  const engine = await createNodeEngine();
  const sessions: Sessions = { made: 0, live: 0, peak: 0, failBuild: null, failRun: null };
  const take = (which: 'failBuild' | 'failRun'): void => {
    const error = sessions[which];
    sessions[which] = null;
    if (error) throw error;
  };
  const createSession: Engine['createSession'] = async (model) => {
    take('failBuild');
    const session = await engine.createSession(model);
    sessions.made++;
    sessions.peak = Math.max(sessions.peak, ++sessions.live);
    return {
      run: async (feeds, fetches) => {
        take('failRun');
        await session.run(feeds, fetches);
      },
      release: async () => {
        sessions.live--;
        await session.release();
      },
    };
  };
  const backend = new OrtBackend({ ...engine, createSession }, options);
  return { device: new Device('counting', backend), backend, sessions };
}
