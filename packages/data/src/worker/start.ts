/**
 * Starting worker threads: Node's, or the browser's.
 */
import { builtin, isNode } from '../node.js';
import type { FromWorker, Port, ToWorker } from './protocol.js';

/** A thread, seen from the one that started it. */
export interface Thread extends Port<ToWorker, FromWorker> {
  /** Tells why it ended, or failed outside of any request; it may tell more than once. */
  onEnd(listener: (why: string, cause?: unknown) => void): void;
  /** Whether the process stays for it. */
  hold(held: boolean): void;
  /** Ends it, whatever it does; resolves when it is gone. */
  terminate(): Promise<void>;
}

/** Makes a worker of the browser, which runs `@fakkel/data/worker`. */
export type WebWorkerFactory = () => Worker;

/** @param webWorker - Needed where there is no Node. */
export async function startThread(name: string, webWorker: WebWorkerFactory | undefined): Promise<Thread> {
  return isNode ? startInNode(name) : overWebWorker(webWorker!());
}

async function startInNode(name: string): Promise<Thread> {
  const { Worker } = await builtin('node:worker_threads');
  const isSource = import.meta.url.endsWith('.ts');
  // Not written out: bundlers for browsers would look for it, and find this file in it again.
  const file = `./thread.${isSource ? 'ts' : 'js'}`;
  const url = new URL(file, import.meta.url);
  const worker = isSource
    ? new Worker(runSource(url), { eval: true, name, execArgv: ['--conditions=@fakkel/source'] })
    : new Worker(url, { name, ...flags() });
  // Whoever waits for a batch holds the process.
  worker.unref();
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    onMessage: (listener) => worker.on('message', listener),
    onEnd: (listener) => {
      worker.on('error', (error: unknown) => listener(`failed: ${messageOf(error)}`, error));
      worker.on('messageerror', (error) => listener(`sent what can't be read: ${error.message}`, error));
      worker.on('exit', (code) => listener(`ended by itself, with code ${code}`));
    },
    hold: (held) => (held ? worker.ref() : worker.unref()),
    terminate: async () => void (await worker.terminate()),
  };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** This thread's flags are the worker's too, but for `node --input-type=module -e …`, which is about no file. */
function flags(): { execArgv?: string[] } {
  const { execArgv } = process;
  if (!execArgv.some((flag) => flag.startsWith('--input-type'))) return {};
  const isOfCode = (flag: string): boolean => /^(--input-type|-e|--eval|-p|--print|-pe)\b/.test(flag);
  return {
    execArgv: execArgv.filter((flag, i) => (flag.startsWith('-') ? !isOfCode(flag) : !isOfCode(execArgv[i - 1]))),
  };
}

/** What is published is JavaScript; sources run through tsx, which a worker of Node 20 has to register itself. */
const runSource = (url: URL): string =>
  `import('tsx/esm/api').then(({ register }) => { register(); return import(${JSON.stringify(url)}); })`;

function overWebWorker(worker: Worker): Thread {
  return {
    post: (message, transfer) => worker.postMessage(message, [...transfer]),
    onMessage: (listener) => (worker.onmessage = ({ data }: MessageEvent<FromWorker>) => listener(data)),
    onEnd: (listener) => {
      worker.onerror = ({ message, error }) => listener(`failed: ${message || 'its module was not loaded'}`, error);
      worker.onmessageerror = () => listener(`sent what can't be read`);
    },
    hold: () => undefined,
    terminate: async () => worker.terminate(),
  };
}
