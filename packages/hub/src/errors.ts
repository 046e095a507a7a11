/**
 * What a download that fails throws.
 */
import { FakkelError } from '@fakkel/core';

/** A file that could not be downloaded, or is not the one that was asked for. */
export class DownloadError extends FakkelError {
  override name = 'DownloadError';

  /**
   * @param message - All of it: the file, what went wrong, what to do.
   * @param url - The address of the file.
   * @param reason - What went wrong alone, for errors that say the rest in their own way.
   */
  constructor(
    message: string,
    readonly url: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** What went wrong, with a remedy of its own: not every failure is one of the network. */
export class Problem extends FakkelError {
  constructor(
    message: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The bytes that came are not those that were asked for. */
export const damaged = (wrong: string): Problem =>
  new Problem(wrong, 'What came is removed. Try again; if it stays so, the address has another file.');
