/**
 * A published file from the first mirror that has it.
 */
import { FakkelError } from '@fakkel/core';
import { download as downloadFile, DownloadError, fetchFile, type DownloadProgress } from '@fakkel/hub';

/**
 * Downloads `name` from the first of `mirrors` that has it.
 *
 * @param mirrors - Addresses that end in `/`.
 * @param name - Name of the file.
 * @param options - `md5` that it must have; `folder` to keep it in, else it is in memory alone (in browsers, with one, in
 * their cache); `retries` of each mirror; `onProgress`.
 * @throws FakkelError saying what went wrong at each mirror.
 */
export async function download(
  mirrors: readonly string[],
  name: string,
  options: {
    md5?: string | undefined;
    folder?: string | undefined;
    retries?: number;
    onProgress?: ((progress: DownloadProgress) => void) | undefined;
  },
): Promise<Uint8Array> {
  const { md5, folder, ...rest } = options;
  const failures: string[] = [];
  for (const mirror of mirrors) {
    const url = mirror + name;
    try {
      const all = { ...rest, name, checksum: { md5 } };
      const file = folder === undefined ? await fetchFile(url, all) : await downloadFile(url, { ...all, folder });
      return await file.bytes();
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      failures.push(`${url}: ${error.reason}`);
    }
  }
  throw new FakkelError(failures.join('; '));
}
