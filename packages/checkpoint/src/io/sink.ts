/**
 * Where a checkpoint is written to.
 */
import { CheckpointError } from '../errors.js';
import { builtin, isNode } from './node.js';

/** What can be written to: in Node a path or a `file:` URL, anywhere a stream. */
export type CheckpointTarget = string | URL | WritableStream<Uint8Array>;

/**
 * Writes by `write`: to a file that is there as a whole or not at all (it is written beside its place, and moved when it is
 * complete), or to a stream.
 */
export async function writeTo(
  fn: string,
  target: CheckpointTarget,
  write: (stream: WritableStream<Uint8Array>) => Promise<void>,
): Promise<void> {
  if (target instanceof WritableStream) return write(target);
  if (typeof target !== 'string' && !(target instanceof URL)) {
    throw new TypeError(
      `${fn}: expected a path, a file: URL or a WritableStream, got ${target === null ? 'null' : typeof target}`,
    );
  }
  if (!isNode)
    throw new CheckpointError(`${fn}: there are no paths in a browser; leave it out, and offer the bytes for download`);
  const [fs, { fileURLToPath }] = await Promise.all([builtin('node:fs/promises'), builtin('node:url')]);
  const text = String(target);
  if (/^https?:/i.test(text))
    throw new CheckpointError(`${fn}: ${text} is no path; files are written here, not uploaded`);
  const path = text.startsWith('file:') ? fileURLToPath(text) : text;
  const temporary = `${path}.${Math.random().toString(36).slice(2)}.part`;
  const file = await fs.open(temporary, 'wx').catch((cause: unknown) => {
    throw new CheckpointError(
      `${fn}: cannot write ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  });
  try {
    try {
      const stream = new WritableStream<Uint8Array>({
        async write(chunk) {
          for (let done = 0; done < chunk.length;) done += (await file.write(chunk, done)).bytesWritten;
        },
      });
      await write(stream);
      await file.sync();
    } finally {
      await file.close();
    }
    await fs.rename(temporary, path);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
}

/** The bytes that `write` writes; `capacity` is about how many. */
export async function writeBytes(
  capacity: number,
  write: (stream: WritableStream<Uint8Array>) => Promise<void>,
): Promise<Uint8Array> {
  let bytes = new Uint8Array(capacity);
  let length = 0;
  await write(
    new WritableStream<Uint8Array>({
      write(chunk) {
        if (length + chunk.length > bytes.length) {
          const larger = new Uint8Array(Math.ceil(1.1 * (length + chunk.length)));
          larger.set(bytes.subarray(0, length));
          bytes = larger;
        }
        bytes.set(chunk, length);
        length += chunk.length;
      },
    }),
  );
  return bytes.subarray(0, length);
}
