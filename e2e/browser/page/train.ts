import {
  BackendUnavailableError,
  device,
  loadSafetensors,
  manualSeed,
  nn,
  referenceDevice,
  saveSafetensors,
  setDefaultDevice,
} from '@fakkel/core';
import { DataLoader, digits, RunningNormalizer, transforms } from '@fakkel/data';
import { lenet5 } from '@fakkel/models';
import { Adam } from '@fakkel/optim';

export interface Training {
  losses: number[];
  /** Times that a timer of 10 ms fired while it trained. */
  ticks: number;
}

/** Trains LeNet-5 on digits with the reference backend, in batches of 32. */
export async function trainLeNet(steps: number): Promise<Training> {
  setDefaultDevice(await device('reference'));
  manualSeed(0);
  const dataset = digits({ size: 32 });
  const normalizer = new RunningNormalizer(1);
  await normalizer.fit(new DataLoader(dataset, { batchSize: 256 }));
  const loader = new DataLoader(dataset, { batchSize: 32, shuffle: true });
  const net = new nn.Sequential(normalizer, lenet5());
  const criterion = new nn.CrossEntropyLoss();
  const optimizer = new Adam(net.parameters(), { lr: 0.003 });

  let ticks = 0;
  const timer = setInterval(() => ticks++, 10);
  const losses = [];
  for await (const [images, labels] of loader) {
    optimizer.zeroGrad();
    const loss = criterion(net(images), labels);
    loss.backward();
    await optimizer.step();
    losses.push(await loss.item());
    if (losses.length === steps) break;
  }
  clearInterval(timer);
  return { losses, ticks };
}

/** The state dict of one network, through a file, into another: whether all weights arrive. */
export async function saveAndLoad(): Promise<{ bytes: number; equal: boolean; metadata: Record<string, string> }> {
  manualSeed(1);
  const [from, into] = [lenet5(), lenet5()];
  const bytes = await saveSafetensors(from, { epoch: '3' });
  const { tensors, metadata } = loadSafetensors(bytes);
  into.loadStateDict(tensors);
  const [a, b] = await Promise.all(
    [from, into].map((net) => Promise.all([...net.stateDict().values()].map((t) => t.toArray()))),
  );
  return { bytes: bytes.length, equal: JSON.stringify(a) === JSON.stringify(b), metadata: { ...metadata } };
}

/** What `device` says about engines where none is installed. */
export async function findDevices(): Promise<{ cpuIsReference: boolean; onnxruntime: string; webgpu: string }> {
  const refusal = (name: string): Promise<string> =>
    device(name).then(
      () => 'a device',
      (error: unknown) => (error instanceof BackendUnavailableError ? error.message : String(error)),
    );
  return {
    cpuIsReference: (await device('cpu')) === referenceDevice(),
    onnxruntime: await refusal('onnxruntime'),
    webgpu: await refusal('webgpu'),
  };
}

/** Sums of the first batches of digits, cropped at random by so many workers. */
export async function loadInWorkers(numWorkers: number): Promise<{ sums: number[]; sharesMemory: boolean }> {
  manualSeed(0);
  const loader = new DataLoader(digits({ transform: new transforms.RandomCrop(8, { padding: 2 }) }), {
    batchSize: 64,
    shuffle: true,
    numWorkers,
    webWorker: () => new Worker(new URL('@fakkel/data/worker', import.meta.url), { type: 'module' }),
  });
  const sums: number[] = [];
  for await (const [images] of loader) {
    sums.push(await images.sum().item());
    if (sums.length === 8) break;
  }
  return { sums, sharesMemory: typeof SharedArrayBuffer === 'function' };
}

/** What a loader with workers says that was not given any. */
export function workersWithoutFactory(): string {
  try {
    new DataLoader(digits(), { numWorkers: 1 });
  } catch (error) {
    return String(error);
  }
  return 'no error';
}
