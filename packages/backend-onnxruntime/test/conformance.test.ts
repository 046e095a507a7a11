import { defineBackendTests } from '@fakkel/backend-testkit';
import onnxruntime from '@fakkel/backend-onnxruntime';

defineBackendTests({ create: () => onnxruntime.create({}) });
