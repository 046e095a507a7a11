/**
 * The module that a worker thread runs.
 */
import { builtin, isNode } from '../node.js';
import type { FromWorker, ToWorker } from './protocol.js';
import { serve } from './serve.js';

if (isNode) {
  const { parentPort } = await builtin('node:worker_threads');
  serve({
    post: (message, transfer) => parentPort!.postMessage(message, transfer),
    onMessage: (listener) => parentPort!.on('message', listener),
  });
} else {
  const scope = globalThis as unknown as MessagePort;
  serve({
    post: (message: FromWorker, transfer) => scope.postMessage(message, [...transfer]),
    onMessage: (listener) => (scope.onmessage = ({ data }: MessageEvent<ToWorker>) => listener(data)),
  });
}
