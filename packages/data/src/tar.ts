/**
 * Tar archives, compressed with gzip or not, read as they stream by: no more than the file under way is in memory.
 */
import { FakkelError } from '@fakkel/core';
import { createTarDecoder, type ParsedTarEntry } from 'modern-tar';

/** An archive that is damaged or ends early. */
export class TarError extends FakkelError {
  override name = 'TarError';
}

/** A regular file in an archive. */
export interface TarFile {
  /** Its path in the archive. */
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** Its contents; to be asked for before the next file is. What is not asked for is skipped. */
  read(): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * The regular files of a tar archive, in order.
 *
 * @param bytes - The archive; told to stop when the loop over the files is left.
 * @param name - How errors call it.
 * @throws TarError saying after which file the archive is damaged or ends.
 */
export async function* readTar(
  bytes: AsyncIterable<Uint8Array>,
  name: string,
): AsyncGenerator<TarFile, void, undefined> {
  const source = bytes[Symbol.asyncIterator]() as AsyncIterator<Uint8Array, undefined>;
  let broken: Error | undefined; // what reading the archive failed with, which is not the archive's fault
  let where = 'before its first file';
  let reader: ReadableStreamDefaultReader<ParsedTarEntry> | undefined;
  const explained = <T>(reading: Promise<T>): Promise<T> =>
    reading.catch((cause: unknown) => {
      throw broken ?? damaged(name, where, cause);
    });
  try {
    const first = await source.next();
    if (first.done) throw new TarError(`${name}: the archive is empty`);
    const stream = streamOf(source, first.value, (error) => (broken = error));
    // Strict: checksums, and an end that is marked as such.
    const entries = (isGzip(first.value) ? gunzip(stream) : stream).pipeThrough(createTarDecoder({ strict: true }));
    reader = entries.getReader();
    for (;;) {
      const { done, value: entry } = await explained(reader.read());
      if (done) return;
      const { header, body } = entry;
      where = `in ${header.name}`;
      let isRead = false;
      const read = (): Promise<Uint8Array<ArrayBuffer>> => {
        isRead = true;
        return explained(readAll(body));
      };
      if ((header.type ?? 'file') === 'file') yield { name: header.name, size: header.size, read };
      // Not body.cancel(): in modern-tar 0.8 that may end the next file's body instead.
      if (!isRead) await explained(body.pipeTo(new WritableStream()));
      where = `after ${header.name}`;
    }
  } finally {
    await reader?.cancel().catch(() => undefined);
    await source.return?.();
  }
}

function damaged(name: string, where: string, cause: unknown): TarError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new TarError(`${name}: the tar archive is damaged or cut short ${where} (${reason.replace(/\.$/, '')})`, {
    cause,
  });
}

const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

function gunzip(stream: ReadableStream<Uint8Array<ArrayBuffer>>): ReadableStream<Uint8Array<ArrayBuffer>> {
  return stream.pipeThrough(new DecompressionStream('gzip'));
}

function streamOf(
  source: AsyncIterator<Uint8Array, undefined>,
  first: Uint8Array,
  onError: (error: Error) => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    start: (controller) => controller.enqueue(first as Uint8Array<ArrayBuffer>),
    async pull(controller) {
      try {
        const next = await source.next();
        if (next.done) controller.close();
        else controller.enqueue(next.value as Uint8Array<ArrayBuffer>);
      } catch (error) {
        onError(error instanceof Error ? error : new Error(String(error)));
        controller.error(error);
      }
    },
  });
}

async function readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const reader: ReadableStreamDefaultReader<Uint8Array> = stream.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    length += value.length;
  }
  const out = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}
