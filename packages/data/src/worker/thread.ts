/**
 * The module that a worker thread runs; `@fakkel/data/worker` for browsers, whose bundlers have to find it.
 */
import { builtin, isNode } from '../node.js';
import type { ToWorker } from './protocol.js';
import { serve } from './serve.js';

if (isNode) {
  void builtin('node:worker_threads').then(({ parentPort }) => {
    serve({
      post: (message, transfer) => parentPort!.postMessage(message, transfer),
      onMessage: (listener) => parentPort!.on('message', listener),
    });
  });
} else {
  const scope = globalThis as unknown as MessagePort;
  serve({
    post: (message, transfer) => scope.postMessage(message, [...transfer]),
    onMessage: (listener) => (scope.onmessage = ({ data }: MessageEvent<ToWorker>) => listener(data)),
  });
}
