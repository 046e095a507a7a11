/**
 * The engine's side of the protocol, for engines in Node: answers requests until stdin ends.
 */
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { decodeTensors, type HostTensor } from './safetensors.js';
import type { Hello, Reply, Request, Steps, Task } from './protocol.js';

/** A batch in host memory; every step begins with it. */
export interface HostBatch {
  readonly x: Float32Array;
  readonly shape: readonly number[];
  readonly y: Int32Array;
}

export interface Loaded {
  /** One step: the loss in training, the logits `[N, classes]` in inference. */
  step(batch: HostBatch): Promise<number | Float32Array>;
  /** Milliseconds that were spent in the backend's `run` until now. */
  runMs?(): number;
}

export interface Engine extends Hello {
  load(task: Task, weights: ReadonlyMap<string, HostTensor>): Promise<Loaded>;
}

/** Thrown for what an engine has not got. */
export class CannotError extends Error {}

export async function serve(engine: Engine): Promise<void> {
  const say = (reply: Reply<unknown>): void => void process.stdout.write(`${JSON.stringify(reply)}\n`);
  let loaded: Loaded;
  let batch: HostBatch;
  say({ ok: { title: engine.title, threads: engine.threads } });
  for await (const line of createInterface(process.stdin)) {
    const request = JSON.parse(line) as Request;
    try {
      if (request.op === 'load') {
        batch = readBatch(request.batch);
        loaded = await engine.load(request, decodeTensors(readFileSync(request.weights)));
        globalThis.gc?.(); // the file is no part of what a step needs
        say({ ok: null });
      } else {
        say({ ok: await steps(loaded!, firstRows(batch!, request.rows), request.count) });
      }
    } catch (error) {
      if (error instanceof CannotError) say({ cannot: error.message });
      else say({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  }
  process.exit();
}

async function steps(loaded: Loaded, batch: HostBatch, count: number): Promise<Steps> {
  const ms: number[] = [];
  const outside: number[] = [];
  const losses: number[] = [];
  let logits: number[] | undefined;
  for (let i = 0; i < count; i++) {
    const runBefore = loaded.runMs?.() ?? 0;
    const start = performance.now();
    const result = await loaded.step(batch);
    const elapsed = performance.now() - start;
    ms.push(elapsed);
    if (loaded.runMs) outside.push(elapsed - (loaded.runMs() - runBefore));
    if (typeof result === 'number') losses.push(result);
    else {
      losses.push(crossEntropy(result, batch.y));
      logits = [...result.subarray(0, result.length / batch.y.length)];
    }
  }
  return { ms, losses, ...(loaded.runMs && { outside }), ...(logits && { logits }) };
}

function readBatch(file: string): HostBatch {
  const tensors = decodeTensors(readFileSync(file));
  const { data, shape } = tensors.get('x')!;
  return { x: data as Float32Array, shape, y: tensors.get('y')!.data as Int32Array };
}

function firstRows(batch: HostBatch, rows = batch.shape[0]): HostBatch {
  const [, ...image] = batch.shape;
  const size = image.reduce((n, d) => n * d, 1);
  return { x: batch.x.subarray(0, rows * size), shape: [rows, ...image], y: batch.y.subarray(0, rows) };
}

/** The mean of log Σ exp(logits) − logit of the label. */
function crossEntropy(logits: Float32Array, labels: Int32Array): number {
  const classes = logits.length / labels.length;
  let sum = 0;
  labels.forEach((label, i) => {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    const max = row.reduce((m, v) => Math.max(m, v), -Infinity);
    sum += max + Math.log(row.reduce((s, v) => s + Math.exp(v - max), 0)) - row[label];
  });
  return sum / labels.length;
}
