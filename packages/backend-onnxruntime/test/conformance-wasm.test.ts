import { defineBackendTests } from '@fakkel/backend-testkit';
import onnxruntime from '@fakkel/backend-onnxruntime';

// The build for browsers, here without one; e2e/browser runs the same kit in Chromium.
defineBackendTests({ create: () => onnxruntime.create({ variant: 'wasm' }) });
