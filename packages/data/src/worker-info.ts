/**
 * Which worker this is: `torch.utils.data.get_worker_info`.
 */

/** What a worker thread knows of itself. */
export interface WorkerInfo {
  /** Its number, from 0 to `numWorkers` − 1. */
  readonly id: number;
  readonly numWorkers: number;
}

let current: WorkerInfo | undefined;

/**
 * In a worker of a `DataLoader`, which one it is; undefined elsewhere.
 *
 * When to use: for what is to be one in each worker, such as a connection or a log file. What a sample is must not depend on
 * it, or batches change with the number of workers.
 */
export function getWorkerInfo(): WorkerInfo | undefined {
  return current;
}

/** Said once, in the worker, before the dataset is made. */
export function setWorkerInfo(info: WorkerInfo): void {
  current = info;
}
