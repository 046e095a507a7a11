/**
 * The engine that `--device` names.
 */
import { createOnnxruntime } from '@fakkel/backend-onnxruntime';
import { BackendUnavailableError, type Device, device } from '@fakkel/core';
import { UsageError } from './errors.js';

/**
 * The device of a name.
 *
 * @param threads of ONNX Runtime on the CPU, where not all processors are to be used.
 * @throws UsageError saying what to install, or what is there.
 */
export async function openDevice(name: string, threads?: number): Promise<Device> {
  if (threads !== undefined && name !== 'cpu' && name !== 'onnxruntime:cpu') {
    throw new UsageError(`--threads is for ONNX Runtime on the CPU (--device cpu), not for ${name}.`);
  }
  try {
    return await device(threads === undefined ? name : createOnnxruntime({ threads }));
  } catch (cause) {
    if (!(cause instanceof BackendUnavailableError)) throw cause;
    throw new UsageError(
      `--device ${name}: ${cause.message}\nAlways there: reference; and cpu, the fastest engine installed.`,
      { cause },
    );
  }
}
