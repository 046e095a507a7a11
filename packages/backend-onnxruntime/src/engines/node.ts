/**
 * onnxruntime-node, in the thread that calls it.
 */
import { BackendUnavailableError } from '@fakkel/core';
import type { InferenceSession, InferenceSessionFactory, TensorConstructor } from 'onnxruntime-common';
import type { Engine, EngineSession } from './engine.js';
import { HostMemory } from './host-memory.js';

export interface NodeEngineOptions {
  /** Threads of an operator. Default: the processors. */
  readonly threads?: number;
}

async function loadOrt(): Promise<{ InferenceSession: InferenceSessionFactory; Tensor: TensorConstructor }> {
  try {
    return await import('onnxruntime-node');
  } catch (cause) {
    throw new BackendUnavailableError(
      'onnxruntime: the package onnxruntime-node is missing or does not load here. Install it with ' +
        '`npm install onnxruntime-node`.',
      { cause },
    );
  }
}

export async function createNodeEngine(options: NodeEngineOptions = {}): Promise<Engine> {
  const ort = await loadOrt();
  const sessionOptions: InferenceSession.SessionOptions = {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: options.threads ?? 0,
    logSeverityLevel: 3,
  };
  return {
    name: 'onnxruntime:cpu',
    target: { provider: 'cpu', blockSize: 1 },
    resident: false,
    blocking: true,
    freezes: true,
    memory: new HostMemory(ort.Tensor),
    lost: new Promise(() => {}),
    createSession: async (model): Promise<EngineSession> => {
      const session = await ort.InferenceSession.create(model, sessionOptions);
      return {
        run: async (feeds, fetches) => {
          await session.run(feeds, fetches);
        },
        release: () => session.release(),
      };
    },
    dispose: async () => {},
  };
}
