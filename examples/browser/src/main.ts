import onnxruntime from '@fakkel/backend-onnxruntime';
import { device, setDefaultDevice } from '@fakkel/core';
import { show, showLoss } from './display.js';
import { train } from './train.js';

const { searchParams } = new URL(location.href);
const variant = searchParams.get('engine') ?? 'wasm';
const epochs = Number(searchParams.get('epochs') ?? 5);

try {
  show('status', 'Loading the engine');
  // Bundlers can't find a backend by its name at run time: import it, and pass the object.
  const engine = await device(onnxruntime, { variant });
  setDefaultDevice(engine);
  show('status', `Training on ${engine.backend.name}`);
  await train(epochs, {
    onStep(step, loss, milliseconds) {
      show('step', String(step));
      show('loss', loss.toFixed(4));
      show('time', `${milliseconds.toFixed(1)} ms`);
      showLoss(loss);
    },
    onEpoch: (_, accuracy) => show('accuracy', `${(100 * accuracy).toFixed(1)} %`),
  });
  show('status', `Done on ${engine.backend.name}`);
} catch (error) {
  // A BackendUnavailableError says what is missing and what to do.
  show('status', String(error));
  throw error;
}
