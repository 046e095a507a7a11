/** How far a download is. */
export interface DownloadProgress {
  /** Name of the file. */
  readonly file: string;
  /** Bytes so far, those of an earlier attempt with them. Less than before where the download had to begin anew. */
  readonly loaded: number;
  /** Bytes in all, if the server says. */
  readonly total: number | undefined;
}
