import { defineConfig } from 'vite';

export default defineConfig({
  // The one line that is needed: pre-bundled, onnxruntime-web would look for its .wasm files in the wrong folder.
  optimizeDeps: { exclude: ['onnxruntime-web'] },
});
