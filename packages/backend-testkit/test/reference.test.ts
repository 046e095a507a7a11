/**
 * The kit against the reference backend, in float32 and float64.
 */
import { referenceBackend } from '@fakkel/core';
import { defineBackendTests } from '../src/index.js';

defineBackendTests({ name: 'reference', create: () => referenceBackend.create({}) });
