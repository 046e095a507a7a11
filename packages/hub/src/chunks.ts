/**
 * Streams as loops.
 */

/** What a stream gives, until it ends or the loop is left. Streams themselves can't be looped over in all browsers. */
export async function* chunksOf<T>(stream: ReadableStream<T>): AsyncGenerator<T, void, undefined> {
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    await reader.cancel().catch(() => undefined); // its error was thrown above
  }
}
