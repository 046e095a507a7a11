/**
 * Datasets that the tests of workers load as a module of a user's.
 */
import { Dataset, getWorkerInfo, HostArray, type SampleContext } from '@fakkel/data';

/** Sample i is i, a number that its generator gave, and the worker that loaded it. */
export class Drawn extends Dataset<[HostArray, number, string]> {
  constructor(readonly length: number) {
    super();
  }

  get(index: number, context?: SampleContext): [HostArray, number, string] {
    const noise = new Float32Array(4);
    context!.generator.uniform(noise);
    return [new HostArray(noise, [2, 2]), index, `worker ${getWorkerInfo()?.id ?? '–'}`];
  }
}
