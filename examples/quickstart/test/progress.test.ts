import { PassThrough } from 'node:stream';
import { afterEach, expect, test, vi } from 'vitest';
import { createProgress } from '../src/progress.js';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
});

/** A stream and what has been written to it. */
function capture(isTTY: boolean) {
  const stream = Object.assign(new PassThrough(), { isTTY, columns: 80 });
  return { stream: stream as unknown as NodeJS.WriteStream, text: () => String(stream.read() ?? '') };
}

const status = { epoch: 2, epochs: 15, images: 720, total: 1440, loss: 0.5, accuracy: 0.8, imagesPerSecond: 1000 };
const record = {
  epoch: 2,
  lr: 0.02,
  train: { loss: 0.51234, accuracy: 0.81 },
  validation: { loss: 0.4, accuracy: 1 },
  seconds: 1.44,
  msPerStep: 31,
};

test('without a terminal: one plain line an epoch', () => {
  const { stream, text } = capture(false);
  const progress = createProgress(stream);
  progress.note('hello');
  for (let i = 0; i < 100; i++) progress.step(status);
  progress.epochDone(record, 15, 1000);
  progress.stop();
  expect(text()).toBe(
    'hello\n' +
      'epoch  2/15  training loss 0.5123  accuracy 81.0 %  validation loss 0.4000  accuracy 100 %  1.4 s  1,000 images/s\n',
  );
});

test('without a terminal, a long epoch: a line every ten seconds', () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const { stream, text } = capture(false);
  const progress = createProgress(stream);
  for (let i = 0; i < 25; i++) {
    vi.advanceTimersByTime(1000);
    progress.step(status);
  }
  const line = 'epoch  2/15  720 of 1,440 images  loss 0.5000  accuracy 80.0 %  1,000 images/s  ETA 0.7 s\n';
  expect(text()).toBe(line + line);
});

test('in a terminal: a bar, which the summary replaces', () => {
  vi.stubEnv('CI', '');
  const { stream, text } = capture(true);
  const progress = createProgress(stream);
  progress.step(status);
  expect(text()).toContain('epoch  2/15 ██████░░░░░░ loss 0.5000  accuracy 80.0 %  1,000 images/s  ETA 0.7 s');
  progress.epochDone(record, 15, 1000);
  expect(text()).toContain('validation loss 0.4000');
  progress.stop();
});

test('CI that pretends to be a terminal gets plain lines', () => {
  vi.stubEnv('CI', 'true');
  const { stream, text } = capture(true);
  createProgress(stream).step(status);
  expect(text()).toBe('');
});
