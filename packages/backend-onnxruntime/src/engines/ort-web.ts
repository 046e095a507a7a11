/**
 * Starting onnxruntime-web: what its WASM and its WebGPU build have in common.
 *
 * A build is one module with one WASM memory for the whole page, so its settings are those of the first engine.
 */
import { BackendUnavailableError } from '@fakkel/core';
import type { Env, InferenceSession, InferenceSessionFactory, TensorConstructor } from 'onnxruntime-common';
import { identityModel } from './identity-model.js';

/** A build of onnxruntime-web. Each has a `Tensor` class of its own. */
export interface OrtWeb {
  readonly InferenceSession: InferenceSessionFactory;
  readonly Tensor: TensorConstructor;
  readonly env: Env;
}

export interface WebOptions {
  /** Threads. Default: the processors, at most 8, where the page is cross-origin isolated; else 1. */
  readonly threads?: number;
  /**
   * Where the WASM files are, if the bundler does not know: the URL of a folder that holds copies of
   * `node_modules/onnxruntime-web/dist/ort-wasm-*`, ending in a slash; or the URLs of the `.wasm` and the `.mjs` file.
   */
  readonly wasmPaths?: Env.WasmPrefixOrFilePaths;
}

/** What fails is thrown, so nothing need be written to the console: fatal errors alone. A session and a run each ask. */
export const LOG_NOTHING = 4;

/** More than this many threads are rarely faster: they wait for each other after every operator. */
const MOST_THREADS = 8;

/** Calls that take turns. */
export class Turns {
  private last: Promise<unknown> = Promise.resolve();

  take<T>(call: () => Promise<T>): Promise<T> {
    const turn = this.last.then(call);
    this.last = turn.catch(() => undefined);
    return turn;
  }
}

const started = new WeakMap<OrtWeb['env'], Promise<Turns>>();

/**
 * Loads the WASM files once, with a session that does nothing.
 *
 * @returns The turns to take: calls of one build that overlap spoil each other's stack, as `run` keeps its arguments
 *   there while it waits, and the WebGPU build can suspend one call only.
 */
export function startOrtWeb(
  name: string,
  { env, InferenceSession }: OrtWeb,
  { threads, wasmPaths }: WebOptions,
  sessionOptions: InferenceSession.SessionOptions,
): Promise<Turns> {
  let start = started.get(env);
  if (!start) {
    env.logLevel = 'fatal';
    env.wasm.numThreads = threads ?? defaultThreads();
    if (wasmPaths !== undefined) env.wasm.wasmPaths = wasmPaths;
    start = InferenceSession.create(identityModel(), sessionOptions).then(
      async (session) => {
        await session.release();
        return new Turns();
      },
      (cause: unknown) => {
        throw unavailable(name, cause);
      },
    );
    started.set(env, start);
  }
  return start;
}

function defaultThreads(): number {
  const { crossOriginIsolated, navigator } = globalThis as { crossOriginIsolated?: boolean; navigator?: Navigator };
  return crossOriginIsolated ? Math.min(navigator?.hardwareConcurrency ?? 1, MOST_THREADS) : 1;
}

function unavailable(name: string, cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (/SIMD/.test(reason)) {
    return new BackendUnavailableError(
      `${name}: this browser has no SIMD in WebAssembly. Use a browser of 2023 or later, or device('reference').`,
      { cause },
    );
  }
  return new BackendUnavailableError(
    `${name}: the WebAssembly files of onnxruntime-web do not load (${reason}). With Vite, its configuration needs ` +
      `optimizeDeps: { exclude: ['onnxruntime-web'] }; elsewhere copy node_modules/onnxruntime-web/dist/ort-wasm-* to ` +
      `where the page is served and say where: createOnnxruntime({ wasmPaths: '/ort/' }). Then reload the page.`,
    { cause },
  );
}
