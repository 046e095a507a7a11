/**
 * Downloading files: cache, resume, checksum, progress.
 *
 * @packageDocumentation
 */
export { cacheFolder } from './cache-folder.js';
export { hashOfName, type Checksum } from './checksum.js';
export { download, fetchFile, type DownloadedFile, type DownloadOptions, type FetchOptions } from './download.js';
export { DownloadError } from './errors.js';
export type { DownloadProgress } from './progress.js';
export { receive, type Piece, type ReceiveOptions, type Version } from './receive.js';
