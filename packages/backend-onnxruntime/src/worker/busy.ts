/**
 * Whether the worker is at work, as both threads see it. A process that exits ends its workers, and one that ends inside
 * ONNX Runtime takes the process down with SIGABRT (`Napi::Error`), or hangs: who exits waits for the run to end.
 */
const REQUESTS = 0;
const CLOSING = 1;

/** Longer than any run is likely to take; a process that is stuck may then end as it likes. */
const PATIENCE_MS = 60_000;

export type Busy = Int32Array<SharedArrayBuffer>;

export const makeBusy = (): Busy => new Int32Array(new SharedArrayBuffer(8));

/** In the worker: whether it may begin with a request. {@link leave} follows. */
export function enter(busy: Busy): boolean {
  Atomics.add(busy, REQUESTS, 1);
  if (Atomics.load(busy, CLOSING) === 0) return true;
  leave(busy);
  return false;
}

export function leave(busy: Busy): void {
  Atomics.sub(busy, REQUESTS, 1);
  Atomics.notify(busy, REQUESTS);
}

/** Lets the worker finish what it has begun, and begin with nothing more; holds this thread meanwhile. */
export function close(busy: Busy): void {
  Atomics.store(busy, CLOSING, 1);
  const end = performance.now() + PATIENCE_MS;
  for (let left = PATIENCE_MS; left > 0; left = end - performance.now()) {
    const requests = Atomics.load(busy, REQUESTS);
    if (requests === 0) return;
    Atomics.wait(busy, REQUESTS, requests, left);
  }
}
