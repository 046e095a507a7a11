/**
 * A worker: it makes the dataset, then batches, one request after the other.
 */
import { FakkelError } from '@fakkel/core';
import { makeFromModule } from '../from-module.js';
import * as data from '../index.js';
import type { Recipe } from '../portable.js';
import { setWorkerInfo } from '../worker-info.js';
import { type Answer, BatchMaker, type Collate } from './batch-maker.js';
import { sendError } from './errors.js';
import { importModule } from './import-module.js';
import { unpack } from './packing.js';
import type { FromWorker, Open, Port, ToWorker } from './protocol.js';

export function serve(port: Port<FromWorker, ToWorker>): void {
  let opened: Promise<BatchMaker | undefined> = Promise.resolve(undefined);
  port.onMessage((message) => {
    if (message.kind === 'open') {
      opened = open(message).catch((error: unknown) => {
        port.post({ kind: 'broken', error: sendError(error) }, []);
        return undefined;
      });
    } else {
      void opened.then((maker) => maker?.answer(message).then((answer) => post(port, answer)));
    }
  });
}

/** What can't be sent is said instead. */
function post(port: Port<FromWorker, ToWorker>, [message, transfer]: Answer): void {
  try {
    port.post(message, transfer);
  } catch (error) {
    const ticket = message.kind === 'broken' ? -1 : message.ticket;
    port.post({ kind: 'failed', ticket, error: sendError(error) }, []);
  }
}

async function open({ dataset, collate, initFn, id, numWorkers, shared }: Open): Promise<BatchMaker> {
  setWorkerInfo({ id, numWorkers });
  const made = (await unpack(dataset, make)) as ConstructorParameters<typeof BatchMaker>[0];
  const collateFn = typeof collate === 'string' ? collate : ((await unpack(collate, make)) as Collate);
  if (initFn) await ((await unpack(initFn, make)) as (id: number) => unknown)(id);
  return new BatchMaker(made, collateFn, id, shared);
}

function make(recipe: Recipe): unknown {
  if (recipe.module !== undefined) return makeFromModule(recipe, recipe.args, importModule);
  const found = recipe.name
    .split('.')
    .reduce<unknown>((scope, name) => (scope as Record<string, unknown> | undefined)?.[name], data);
  if (typeof found !== 'function') {
    throw new FakkelError(`@fakkel/data exports no class ${recipe.name}, of which a worker should make an object`);
  }
  return Reflect.construct(found, recipe.args) as unknown;
}
