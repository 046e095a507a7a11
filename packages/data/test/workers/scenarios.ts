/**
 * What the tests of threads run in processes of their own: `node scenarios.ts <name>`. What is printed is compared.
 */
import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataLoader, type Dataset, fromModule } from '@fakkel/data';
import type { Busy } from './datasets.js';

const MODULE = new URL('./datasets.ts', import.meta.url);
const busy = (ms: number) => fromModule<Busy>(MODULE, 'Busy', 200, ms);
const threads = (): number => readdirSync('/proc/self/task').length;

/** Threads beyond those of the beginning. */
async function left(before: number): Promise<number> {
  // What has ended may be listed for a moment.
  for (let i = 0; i < 20 && threads() > before; i++) await sleep(50);
  return threads() - before;
}

const SCENARIOS: Record<string, () => Promise<void>> = {
  async 'no thread is left'() {
    const loader = new DataLoader(await busy(5), { numWorkers: 2 });
    const before = threads();
    let during = 0;
    for await (const _ of loader) {
      during = threads() - before;
      break;
    }
    console.log('with workers:', during >= 2, 'after break:', await left(before));
    try {
      for await (const _ of loader) throw new Error('of the loop');
    } catch (error) {
      console.log('after', String(error), await left(before));
    }
    for await (const _ of new DataLoader(await fromModule<Busy>(MODULE, 'Busy', 3, 1), { numWorkers: 2 }));
    console.log('after an epoch:', await left(before));
    const failing = await fromModule<Dataset<number>>(MODULE, 'accident', 'throws');
    await (async () => {
      for await (const _ of new DataLoader(failing, { numWorkers: 2 }));
    })().catch((error: unknown) => console.log(String(error).replace(/worker \d/, 'worker ?')));
    console.log('after an error:', await left(before));
    const kept = new DataLoader(await busy(5), { numWorkers: 2, persistentWorkers: true });
    for await (const _ of kept) break;
    console.log('kept:', (await left(before)) >= 2);
    await kept.close();
    console.log('after close:', await left(before));
  },

  async 'loops and loaders that are forgotten'() {
    const before = threads();
    await (async () => {
      await new DataLoader(await busy(5), { numWorkers: 1 })[Symbol.asyncIterator]().next();
      for await (const _ of new DataLoader(await busy(5), { numWorkers: 1, persistentWorkers: true })) break;
    })();
    console.log(threads() > before);
    for (let i = 0; i < 20 && threads() > before; i++) {
      await sleep(20);
      gc!();
    }
    console.log(await left(before));
  },

  async 'a loop that is not finished'() {
    const iterator = new DataLoader(await busy(5), { numWorkers: 2 })[Symbol.asyncIterator]();
    await iterator.next();
    await iterator.next();
    console.log('end of main');
  },

  async 'an awaited batch holds the process'() {
    const dataset = await fromModule<Busy>(MODULE, 'Busy', 2, 300);
    void (async () => {
      for await (const _ of new DataLoader(dataset, { numWorkers: 1 })) console.log('batch');
      console.log('end of epoch');
    })();
  },

  async interrupted() {
    for await (const _ of new DataLoader(await busy(5), { numWorkers: 2 })) console.log('batch');
  },

  async 'interrupted, with a handler'() {
    const before = threads();
    let stopped = false;
    process.once('SIGINT', () => (stopped = true));
    for await (const _ of new DataLoader(await busy(5), { numWorkers: 2 })) {
      console.log('batch');
      if (stopped) break;
    }
    console.log('threads left:', await left(before));
  },

  async 'process.exit in a loop'() {
    for await (const _ of new DataLoader(await busy(5), { numWorkers: 2 })) process.exit(7);
  },

  async 'out of memory'() {
    const fills = await fromModule<Dataset<number>>(MODULE, 'accident', 'fills');
    await (async () => {
      for await (const _ of new DataLoader(fills, { batchSize: 4, numWorkers: 1 })) console.log('batch');
    })().catch((error: unknown) => console.log(String(error)));
  },

  async 'the event loop stays free'() {
    const slow = 40;
    let last = performance.now();
    let longest = 0;
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 1);
    let n = 0;
    for await (const _ of new DataLoader(await busy(slow), { numWorkers: 1 })) {
      // The start of a thread costs this one something, too.
      if (n++ === 0) longest = 0;
      if (n === 20) break;
    }
    clearInterval(timer);
    console.log(longest < slow / 2 || `${longest} ms`);
  },
};

await SCENARIOS[process.argv[2]]();
