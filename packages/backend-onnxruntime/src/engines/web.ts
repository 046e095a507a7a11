/**
 * onnxruntime-web's WASM build, in the thread that calls it: browsers, workers, and Node for tests.
 */
import { encodeModel } from '@fakkel/onnx';
import type { TypedArray } from '@fakkel/core';
import type { InferenceSession } from 'onnxruntime-common';
import type { Engine, EngineSession } from './engine.js';
import { HostMemory } from './host-memory.js';
import { LOG_NOTHING, type OrtWeb, startOrtWeb, type WebOptions } from './ort-web.js';

export async function createWasmEngine(ort: OrtWeb, options: WebOptions = {}): Promise<Engine> {
  const name = 'onnxruntime:wasm';
  const sessionOptions: InferenceSession.SessionOptions = {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
    logSeverityLevel: LOG_NOTHING,
  };
  const turns = await startOrtWeb(name, ort, options, sessionOptions);
  return {
    name,
    target: { provider: 'wasm', blockSize: 1 },
    resident: false,
    blocking: true,
    freezes: true,
    memory: new HostMemory(ort.Tensor),
    lost: new Promise(() => {}),
    createSession: (model): Promise<EngineSession> =>
      turns.take(async () => {
        const session = await ort.InferenceSession.create(encodeModel(model), sessionOptions);
        return {
          run: (feeds, fetches) =>
            turns.take(async () => {
              // This build takes preallocated outputs on the host, and then writes them to its own memory alone.
              const results = await session.run(feeds, Object.keys(fetches), { logSeverityLevel: LOG_NOTHING });
              for (const [output, { data }] of Object.entries(fetches)) {
                (data as TypedArray).set(results[output].data as TypedArray);
              }
            }),
          release: () => turns.take(() => session.release()),
        };
      }),
    dispose: async () => {},
  };
}
