/**
 * Room for timers, signals and drawing in loops that await only microtasks.
 */

/** Milliseconds after which a loop lets others in: a frame at 60 Hz. */
const SLICE = 16;

// One clock for all loaders, so that many short epochs let others in as one long epoch does.
let last = performance.now();

/** Waits for a macrotask if the last one was more than 16 ms ago: signals, timers and progress bars get their turn. */
export async function breathe(): Promise<void> {
  if (performance.now() - last < SLICE) return;
  await macrotask();
  last = performance.now();
}

function macrotask(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') {
      setImmediate(resolve);
    } else {
      // setTimeout is clamped to 4 ms in browsers when nested.
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        port1.close();
        resolve();
      };
      port2.postMessage(null);
    }
  });
}
