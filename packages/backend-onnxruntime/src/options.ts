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

type Check = (value: unknown) => boolean;

const isCount: Check = (value) => Number.isInteger(value) && (value as number) >= 1;
const isBoolean: Check = (value) => typeof value === 'boolean';
const isObject: Check = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** What each option takes; undefined is its default. */
const OPTIONS: Readonly<Record<keyof OnnxruntimeOptions, readonly [Check, string]>> = {
  worker: [isBoolean, 'true or false'],
  threads: [isCount, 'a whole number of at least 1'],
  sessions: [isCount, 'a whole number of at least 1'],
  flushDenormals: [isBoolean, 'true or false'],
  cuda: [isObject, 'an object, { deviceId }'],
  wasmPaths: [(value) => typeof value === 'string' || isObject(value), 'a URL, or { wasm, mjs }'],
};

/**
 * Throws unless all options exist and have values that they take: a misspelt `thread: 1` would otherwise be ignored.
 *
 * @throws TypeError
 */
export function checkOptions(options: OnnxruntimeOptions): void {
  const known = Object.keys(OPTIONS).join(', ');
  if (!isObject(options)) {
    throw new TypeError(`createOnnxruntime: options come as one object, { ${known} }; got ${show(options)}`);
  }
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(OPTIONS, name)) {
      throw new TypeError(`createOnnxruntime: unknown option '${name}'. Known: ${known}`);
    }
    const [check, expected] = OPTIONS[name as keyof OnnxruntimeOptions];
    if (value !== undefined && !check(value)) {
      throw new TypeError(`createOnnxruntime: ${name} is ${expected}; got ${show(value)}`);
    }
  }
}

/**
 * Throws if there are options for CUDA and the device would not be on CUDA.
 *
 * @throws TypeError
 */
export function checkVariant({ cuda }: OnnxruntimeOptions, variant: string): void {
  if (cuda === undefined || /^cuda(:|$)/.test(variant)) return;
  throw new TypeError(
    `createOnnxruntime: options for cuda were given, but the variant is '${variant}'. For the GPU, say so: ` +
      `device(createOnnxruntime({ cuda }), { variant: 'cuda' })`,
  );
}

const show = (value: unknown): string =>
  typeof value === 'string'
    ? `'${value}'`
    : isObject(value)
      ? 'an object'
      : Array.isArray(value)
        ? 'an array'
        : String(value);
