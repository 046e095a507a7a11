/**
 * The other side of `WorkerBackend`: runs the backend in a worker thread of Node.
 */
import { BackendError, type DeviceBuffer, type Executable, FakkelError, formatAval } from '@fakkel/core';
import type { MessagePort } from 'node:worker_threads';
import { OrtBackend } from '../backend.js';
import { createNodeEngine } from '../engines/node.js';
import { type Busy, enter, leave } from './busy.js';
import { sendError } from './errors.js';
import type { FromWorker, Notice, Request, ToWorker } from './protocol.js';

/** Uploads of at least this size get their arrays back. */
const REUSED_BYTES = 64 * 1024;

async function serve(port: MessagePort, busy: Busy): Promise<void> {
  let backend: OrtBackend | undefined;
  const buffers = new Map<number, DeviceBuffer>();
  /** Why a buffer is not there: uploads and fills have no answer of their own, so each request that names it gets this. */
  const failures = new Map<number, Error>();
  const executables = new Map<number, Executable>();
  /** The arrays of large uploads, and those that go back with the next answer. */
  const uploads = new Map<number, ArrayBuffer>();
  let returned: ArrayBuffer[] = [];

  /** The buffer is released: its array, if it came with an upload, is free. */
  function giveBack(id: number): void {
    const array = uploads.get(id);
    if (!array) return;
    uploads.delete(id);
    returned.push(array);
  }

  function buffer(id: number): DeviceBuffer {
    const held = buffers.get(id);
    if (held) return held;
    throw failures.get(id) ?? new BackendError(`onnxruntime: buffer ${id} is not in the worker thread`);
  }

  function note(notice: Notice): void {
    switch (notice.kind) {
      case 'upload':
        buffers.set(notice.buffer, backend!.adopt(notice.data, notice.aval));
        if (notice.data.byteLength >= REUSED_BYTES) uploads.set(notice.buffer, notice.data.buffer as ArrayBuffer);
        return;
      case 'fill':
        buffers.set(notice.buffer, backend!.fill(notice.value, notice.aval));
        return;
      case 'release': {
        const held = buffers.get(notice.buffer);
        if (held) backend!.release(held);
        buffers.delete(notice.buffer);
        failures.delete(notice.buffer);
        giveBack(notice.buffer);
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
        inputs.forEach((id, i) => {
          if (!donated[i]) return;
          buffers.delete(id);
          uploads.delete(id); // its array is an output's from now on
        });
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

  function noteAll(notices: readonly Notice[]): void {
    for (const notice of notices) {
      try {
        note(notice);
      } catch (error) {
        if (notice.kind === 'upload' || notice.kind === 'fill') failures.set(notice.buffer, noticeError(notice, error));
      }
    }
  }

  // One message after the other: a release does not overtake the run that reads the buffer, and the answer to `dispose`
  // is the last.
  let last: Promise<void> = Promise.resolve();
  port.on('message', ({ id, request, notices }: ToWorker) => {
    if (!enter(busy)) return;
    const reply = (message: Omit<FromWorker, 'id'>): void => {
      if (id === undefined) return;
      const data = message.data?.map((array) => array.buffer as ArrayBuffer) ?? [];
      port.postMessage({ id, ...message, returned, stats: backend?.stats() } satisfies FromWorker, [
        ...data,
        ...returned,
      ]);
      returned = [];
    };
    last = last
      .then(() => {
        noteAll(notices);
        return request ? answer(request) : {};
      })
      .then(reply, (error: unknown) => reply({ error: sendError(error) }))
      .finally(() => leave(busy));
  });
}

/** The error of an upload or a fill that could not be done. */
function noticeError({ kind, aval }: Extract<Notice, { aval: unknown }>, error: unknown): Error {
  if (error instanceof FakkelError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new BackendError(`${kind}: onnxruntime can't make ${formatAval(aval)}: ${message}`, { cause: error });
}

const threads = await import('node:worker_threads');
if (threads.parentPort) await serve(threads.parentPort, (threads.workerData as { busy: Busy }).busy);
