/**
 * The bytes of an address as they come, over as many connections as it takes.
 *
 * Source: RFC 9110, sections 13 (conditions) and 14 (ranges).
 */
import { FakkelError } from '@fakkel/core';
import { chunksOf } from './chunks.js';
import { isNode } from './node.js';

/** Milliseconds before the first attempt to go on after a failure; doubled for each. */
const PAUSE = 250;

/** The longest that a server's Retry-After is waited for, in seconds. */
const PATIENCE = 60;

/** What says whether two answers are of one version of a file. */
export interface Version {
  /** The ETag, if the server gives one. */
  readonly etag?: string | undefined;
  /** The Last-Modified date, if the server gives one. */
  readonly lastModified?: string | undefined;
  /** Bytes in all, if the server says. */
  readonly total?: number | undefined;
}

/** Bytes, and where in the file they lie. */
export interface Piece {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Offset of the first of them. Zero once more where the file had to be begun anew. */
  readonly at: number;
  /** The version that they are of. */
  readonly version: Version;
}

export interface ReceiveOptions {
  /** Bytes that are there already. */
  readonly from?: number;
  /** The version that they are of. */
  readonly version?: Version | undefined;
  /** Attempts to go on after a failure without progress. Default 3. */
  readonly retries?: number | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The bytes of `url`. A connection that breaks is made again, and asked for the bytes from where it broke; a server that
 * can't give those, or whose file is another one by now, begins anew. An empty file gives one empty piece.
 *
 * Transient are broken connections, and the answers 408, 425, 429 and 5xx (whose Retry-After is kept to).
 *
 * @throws FakkelError saying what went wrong, without the address; the signal's reason if it is aborted.
 */
export async function* receive(url: string, options: ReceiveOptions = {}): AsyncGenerator<Piece, void, undefined> {
  const { retries = 3, signal, headers } = options;
  let position = options.from ?? 0;
  let version = position > 0 ? options.version : undefined;
  let farthest = position;
  let answered = false;
  for (let attempt = 0; ; attempt++) {
    try {
      signal?.throwIfAborted();
      const response = await fetch(url, {
        headers: { ...headers, ...rangeHeaders(position, version) },
        ...(signal && { signal }),
      });
      answered = true;
      if (response.status === 416 && position > 0) {
        await response.body?.cancel();
        if (version?.total === position && totalOf(response) === position) return; // it was all there
        position = 0;
        continue;
      }
      if (!response.ok || !response.body) {
        await response.body?.cancel();
        throw new ServerError(response.status, retryAfter(response));
      }
      const found = versionOf(response);
      const start = response.status === 206 ? startOf(response, position) : 0;
      if (start > 0 && position === 0) {
        await response.body.cancel();
        throw new Error(`the server sent bytes from ${start} on, and was asked for all of them`);
      }
      if (start > 0 && (start !== position || !sameVersion(version, found))) {
        await response.body.cancel();
        position = 0;
        version = undefined;
        continue;
      }
      version = found;
      position = start;
      yield { bytes: new Uint8Array(0), at: position, version };
      for await (const bytes of chunksOf(response.body)) {
        yield { bytes, at: position, version };
        position += bytes.length;
        if (position > farthest) {
          farthest = position;
          attempt = 0;
        }
      }
      const { total } = version;
      if (total !== undefined && position !== total) {
        throw new Error(`the connection ended after ${position} of ${total} bytes`);
      }
      return;
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (attempt >= retries || !mayPass(error, answered)) throw new FakkelError(reasonOf(error), { cause: error });
      await pause(error instanceof ServerError && error.after ? error.after * 1000 : PAUSE * 2 ** attempt, signal);
    }
  }
}

/** Whether bytes of this version can be gone on with by another process, later. */
export function isResumable({ etag, lastModified }: Version): boolean {
  return strong(etag) !== undefined || lastModified !== undefined;
}

function rangeHeaders(position: number, version: Version | undefined): Record<string, string> {
  // Ranges count the bytes of the encoding: only those of the file itself can be gone on with. Browsers ignore this one.
  if (position === 0) return { 'accept-encoding': 'identity' };
  const condition = strong(version?.etag) ?? version?.lastModified;
  // In browsers If-Range would make it a request that needs the server's leave (CORS); the answer is compared instead.
  return { range: `bytes=${position}-`, ...(isNode && condition && { 'if-range': condition }) };
}

/** Weak tags don't promise equal bytes. */
const strong = (etag: string | undefined): string | undefined => (etag?.startsWith('W/') ? undefined : etag);

function versionOf(response: Response): Version {
  const { headers } = response;
  // With an encoding, the header counts the encoded bytes.
  const isEncoded = (headers.get('content-encoding') ?? 'identity') !== 'identity';
  const length = headers.get('content-length');
  return {
    etag: isEncoded ? undefined : (headers.get('etag') ?? undefined),
    lastModified: isEncoded ? undefined : (headers.get('last-modified') ?? undefined),
    total: response.status === 206 ? totalOf(response) : isEncoded || length === null ? undefined : wholeNumber(length),
  };
}

/** The first byte of a partial answer: as asked for, where browsers don't show it. */
function startOf(response: Response, asked: number): number {
  const range = /^bytes (\d+)-/.exec(response.headers.get('content-range') ?? '');
  return range ? Number(range[1]) : asked;
}

/** The size that a partial answer, or the refusal of one, gives. */
function totalOf(response: Response): number | undefined {
  return wholeNumber(/\/(\d+)$/.exec(response.headers.get('content-range') ?? '')?.[1]);
}

const wholeNumber = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;

/** Whether nothing that both say differs. */
function sameVersion(a: Version | undefined, b: Version): boolean {
  const agree = (x: unknown, y: unknown): boolean => x === undefined || y === undefined || x === y;
  return !a || (agree(a.etag, b.etag) && agree(a.lastModified, b.lastModified) && agree(a.total, b.total));
}

class ServerError extends Error {
  constructor(
    readonly status: number,
    /** Seconds that the server asks to wait. */
    readonly after: number | undefined,
  ) {
    const wait = after === undefined ? '' : `, and asks to try again in ${Math.ceil(after)} s`;
    super(`the server answered ${status}${wait}`);
  }
}

function retryAfter(response: Response): number | undefined {
  const header = response.headers.get('retry-after');
  if (header === null) return undefined;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(seconds, 0) : undefined;
}

/** Errors of a machine that is offline or an address that is wrong: trying again right away helps nobody. */
const UNREACHABLE = ['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'ERR_INVALID_URL'];

/** Whether trying again may help. */
function mayPass(error: unknown, answered: boolean): boolean {
  if (error instanceof ServerError) {
    const { status, after = 0 } = error;
    return after <= PATIENCE && (status >= 500 || [408, 425, 429].includes(status));
  }
  const code = (error as { cause?: { code?: string } }).cause?.code;
  return answered || code === undefined || !UNREACHABLE.includes(code);
}

/** What went wrong, in words. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  // undici's "fetch failed" says nothing by itself; a FakkelError says it all.
  return cause instanceof Error && cause.message !== '' && !(error instanceof FakkelError)
    ? `${error.message} (${cause.message})`
    : error.message;
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener('abort', done);
    function done(): void {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the reason is the caller's
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    }
  });
}
