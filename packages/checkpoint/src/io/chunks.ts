/**
 * Reading in parts.
 */

/** Read at a time, so that progress is reported in between. */
const CHUNK_BYTES = 8 * (1 << 20);

export async function inChunks(
  target: Uint8Array,
  read: (chunk: Uint8Array, at: number) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < target.length; at += CHUNK_BYTES) await read(target.subarray(at, at + CHUNK_BYTES), at);
}
