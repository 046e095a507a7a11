/**
 * onnxruntime-node, in the thread that calls it.
 */
import { BackendUnavailableError } from '@fakkel/core';
import { encodeModel } from '@fakkel/onnx';
import type { InferenceSession, InferenceSessionFactory, TensorConstructor } from 'onnxruntime-common';
import type { Engine, EngineSession } from './engine.js';
import { probeBlockSize } from './block-size.js';
import { HostMemory } from './host-memory.js';
import { identityModel } from './identity-model.js';
import { WEBGPU } from './webgpu-provider.js';
import { fillsInPlace, QUIET, runInPlace, withMarker } from './in-place.js';

export interface NodeEngineOptions {
  /** Threads of an operator. Default: the processors. */
  readonly threads?: number;
  /**
   * Numbers below 1e-38 count as zero: a momentum that fades into them makes products a hundred times slower. It sets
   * the mode of the thread, JavaScript's numbers too, and takes effect if the process has no session yet. For workers.
   */
  readonly flushDenormals?: boolean;
}

/** What onnxruntime-node computes with. */
export type NodeProvider = 'cpu' | 'webgpu' | 'cuda';

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

export async function createNodeEngine(
  options: NodeEngineOptions = {},
  provider: NodeProvider = 'cpu',
  own: InferenceSession.SessionOptions = {},
): Promise<Engine> {
  const ort = await loadOrt();
  const sessionOptions: InferenceSession.SessionOptions = {
    executionProviders: [provider === 'webgpu' ? WEBGPU : provider],
    graphOptimizationLevel: 'all',
    intraOpNumThreads: options.threads ?? 0,
    // A plan of one block for all intermediates comes on top of what the first run has taken: a third more memory for
    // a thirtieth of the time (ResNet-18, GoogLeNet).
    enableMemPattern: false,
    logSeverityLevel: 3,
    ...(options.flushDenormals ? { extra: { session: { set_denormal_as_zero: '1' } } } : {}),
    ...own,
  };
  if (provider === 'webgpu') await checkGpu(ort.InferenceSession, sessionOptions);
  const inPlace = await fillsInPlace(ort, sessionOptions);
  return {
    name: `onnxruntime:${provider}`,
    target: { provider, blockSize: provider === 'cpu' ? await probeBlockSize(ort) : 1 },
    // Also with WebGPU, of which this binding takes no buffer back as an input (the process aborts), and CUDA, of which
    // it has none.
    resident: false,
    blocking: true,
    freezes: true,
    memory: new HostMemory(ort.Tensor),
    lost: new Promise(() => {}),
    createSession: async (model): Promise<EngineSession> => {
      const bytes = encodeModel(inPlace ? withMarker(model) : model);
      const session = await ort.InferenceSession.create(bytes, sessionOptions);
      return {
        run: async (feeds, fetches) => {
          if (inPlace) await runInPlace(session, feeds, fetches);
          else await session.run(feeds, fetches, QUIET);
        },
        release: () => session.release(),
      };
    },
    dispose: async () => {},
  };
}

/** Whether there is a GPU, with a session that does nothing. */
async function checkGpu(
  factory: InferenceSessionFactory,
  sessionOptions: InferenceSession.SessionOptions,
): Promise<void> {
  try {
    await (await factory.create(identityModel(), sessionOptions)).release();
  } catch (cause) {
    throw new BackendUnavailableError(
      `onnxruntime:webgpu: no GPU that onnxruntime-node can use here (${(cause as Error).message.trim()}). It needs a ` +
        `driver for Vulkan, Direct3D 12 or Metal; without one, use device('onnxruntime').`,
      { cause },
    );
  }
}
