import { type BackendTestOptions, listBackendTests } from '@fakkel/backend-testkit/list';
import onnxruntime, { createOnnxruntime } from '@fakkel/backend-onnxruntime';
import { device } from '@fakkel/core';
import { trainLeNet, type TrainOptions } from './train.js';

export type Variant = 'wasm' | 'webgpu';

export interface KitOptions extends Pick<BackendTestOptions, 'knownGaps' | 'tolerance'> {
  /** Leaves out the tests whose ids match. */
  readonly without?: string;
}

export interface KitResult {
  readonly ran: number;
  /** Id and message. */
  readonly failures: readonly string[];
}

/** What the page can do, called by the tests through `window.ort`. */
const page = {
  isIsolated: () => crossOriginIsolated,

  train: async (variant: Variant, options: TrainOptions) => trainLeNet(await device(onnxruntime, { variant }), options),

  /** Runs the conformance kit. */
  async conformance(variant: Variant, { without, ...options }: KitOptions): Promise<KitResult> {
    const { tests, dispose } = await listBackendTests({ create: () => onnxruntime.create({ variant }), ...options });
    const left = without === undefined ? tests : tests.filter(({ id }) => !new RegExp(without).test(id));
    const failures: string[] = [];
    for (const { id, run } of left) {
      await run().catch((error: unknown) => failures.push(`${id}: ${String(error)}`));
    }
    await dispose();
    return { ran: left.length, failures };
  },

  /** The name of the engine that starts with WASM files from a folder of its own. */
  startFrom: async (wasmPaths: string) => (await device(createOnnxruntime({ wasmPaths }))).backend.name,

  /** The error of `device`. */
  refusal: (variant: string) =>
    device(onnxruntime, { variant }).then(
      () => 'a device',
      (error: unknown) => String(error),
    ),
};
export type Page = typeof page;

declare global {
  interface Window {
    ort?: Page;
  }
}
window.ort = page;
