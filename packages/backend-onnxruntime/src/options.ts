/**
 * What a user can choose.
 */
import type { CudaEngineOptions } from './engines/cuda.js';
import type { WebOptions } from './engines/ort-web.js';

export interface OnnxruntimeOptions extends CudaEngineOptions, WebOptions {
  /**
   * In Node, on the CPU: run sessions in a worker thread, so that the application's event loop stays free while a model
   * trains. It costs nothing that can be measured. Default true.
   */
  readonly worker?: boolean;
  /** Sessions that are kept, least recently used out first. Default 24. */
  readonly sessions?: number;
}
