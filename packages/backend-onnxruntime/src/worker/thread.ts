/**
 * The other side of `WorkerBackend`: runs the backend in a worker thread of Node.
 */
import type { DeviceBuffer, Executable } from '@fakkel/core';
import type { MessagePort } from 'node:worker_threads';
import { OrtBackend } from '../backend.js';
import { createNodeEngine } from '../engines/node.js';
import { type Busy, enter, leave } from './busy.js';
import { sendError } from './errors.js';
import type { FromWorker, Notice, Request, ToWorker } from './protocol.js';

async function serve(port: MessagePort, busy: Busy): Promise<void> {
  let backend: OrtBackend | undefined;
  const buffers = new Map<number, DeviceBuffer>();
  const executables = new Map<number, Executable>();

  const buffer = (id: number): DeviceBuffer => buffers.get(id)!;

  function note(notice: Notice): void {
    switch (notice.kind) {
      case 'upload':
        buffers.set(notice.buffer, backend!.adopt(notice.data, notice.aval));
        return;
      case 'fill':
        buffers.set(notice.buffer, backend!.fill(notice.value, notice.aval));
        return;
      case 'release': {
        // It is not there if its upload found no memory.
        const held = buffers.get(notice.buffer);
        if (held) backend!.release(held);
        buffers.delete(notice.buffer);
        return;
      }
      case 'forget':
        executables.get(notice.executable)?.dispose();
        executables.delete(notice.executable);
        return;
      default:
        return notice satisfies never;
    }
  }

  async function answer(request: Request): Promise<Omit<FromWorker, 'id'>> {
    switch (request.kind) {
      case 'open': {
        const engine = await createNodeEngine({ flushDenormals: true, ...request.options });
        backend = new OrtBackend(engine, request.options);
        return { opened: { name: engine.name, target: engine.target } };
      }
      case 'compile':
        executables.set(request.executable, await backend!.compile(request.program, request.hints));
        return {};
      case 'run': {
        const { inputs, donated, outputs, wanted } = request;
        const results = await executables.get(request.executable)!.run(inputs.map(buffer), donated);
        inputs.forEach((id, i) => donated[i] && buffers.delete(id));
        outputs.forEach((id, i) => buffers.set(id, results[i]));
        return wanted.length > 0 ? { data: await backend!.download(wanted.map((i) => results[i])) } : {};
      }
      case 'download':
        return { data: await backend!.download(request.buffers.map(buffer)) };
      case 'dispose':
        await backend?.dispose();
        return {};
      default:
        return request satisfies never;
    }
  }

  // An upload that found no memory is the error of the request that needs it.
  let failed: unknown;
  const noteAll = (notices: readonly Notice[]): void => {
    for (const notice of notices) {
      try {
        note(notice);
      } catch (error) {
        failed ??= error;
      }
    }
  };

  // One request after the other: the answer to `dispose` is the last.
  let last: Promise<void> = Promise.resolve();
  port.on('message', ({ id, request, notices }: ToWorker) => {
    if (!enter(busy)) return;
    noteAll(notices);
    if (id === undefined || !request) return leave(busy);
    const reply = (message: Omit<FromWorker, 'id'>): void =>
      port.postMessage(
        { id, ...message, stats: backend?.stats() } satisfies FromWorker,
        message.data?.map((array) => array.buffer as ArrayBuffer),
      );
    const refused = failed;
    failed = undefined;
    const work = async (): Promise<Omit<FromWorker, 'id'>> => {
      if (refused !== undefined) throw refused as Error;
      return answer(request);
    };
    last = last
      .then(work)
      .then(reply, (error: unknown) => reply({ error: sendError(error) }))
      .finally(() => leave(busy));
  });
}

const threads = await import('node:worker_threads');
if (threads.parentPort) await serve(threads.parentPort, (threads.workerData as { busy: Busy }).busy);
