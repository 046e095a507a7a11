/**
 * The networks of `networks/` in TensorFlow.js: images `[N, H, W, C]` to logits.
 */
import * as tf from '@tensorflow/tfjs';
import type { NetworkName } from '../../networks/index.js';
import { type ConvOptions, flatten, globalAverage, type Layers, maxPool } from './layers.js';

type Forward = (net: Layers, x: tf.Tensor4D) => tf.Tensor2D;

const lenet: Forward = (net, x) => {
  x = maxPool(tf.relu(net.conv(x, 'conv1')), 2, 2);
  x = maxPool(tf.relu(net.conv(x, 'conv2')), 2, 2);
  x = tf.relu(net.conv(x, 'conv3'));
  return net.linear(tf.relu(net.linear(flatten(x), 'fc1')), 'fc2');
};

function basicBlock(net: Layers, x: tf.Tensor4D, name: string, stride: number): tf.Tensor4D {
  const shortcut = net.has(`${name}.downsample.0`)
    ? net.batchNorm(net.conv(x, `${name}.downsample.0`, { stride }), `${name}.downsample.1`)
    : x;
  let out = tf.relu(net.batchNorm(net.conv(x, `${name}.conv1`, { stride, padding: 1 }), `${name}.bn1`));
  out = net.batchNorm(net.conv(out, `${name}.conv2`, { padding: 1 }), `${name}.bn2`);
  return tf.relu(tf.add<tf.Tensor4D>(out, shortcut));
}

function stages(net: Layers, x: tf.Tensor4D, count: number, blocks: number): tf.Tensor2D {
  for (let stage = 1; stage <= count; stage++) {
    for (let i = 0; i < blocks; i++) x = basicBlock(net, x, `layer${stage}.${i}`, stage > 1 && i === 0 ? 2 : 1);
  }
  return net.linear(globalAverage(x), 'fc');
}

const resnet20: Forward = (net, x) =>
  stages(net, tf.relu(net.batchNorm(net.conv(x, 'conv1', { padding: 1 }), 'bn1')), 3, 3);

const resnet18: Forward = (net, x) => {
  x = tf.relu(net.batchNorm(net.conv(x, 'conv1', { stride: 2, padding: 3 }), 'bn1'));
  return stages(net, maxPool(x, 3, 2, 1), 4, 2);
};

const alexnet: Forward = (net, x) => {
  x = maxPool(tf.relu(net.conv(x, 'features.0', { stride: 4, padding: 2 })), 3, 2);
  x = maxPool(tf.relu(net.conv(x, 'features.3', { padding: 2 })), 3, 2);
  for (const i of [6, 8, 10]) x = tf.relu(net.conv(x, `features.${i}`, { padding: 1 }));
  // The adaptive pooling after it is the identity: the images are 224×224.
  let y = flatten(maxPool(x, 3, 2));
  for (const i of [1, 4]) y = tf.relu(net.linear(y, `classifier.${i}`));
  return net.linear(y, 'classifier.6');
};

const vgg11: Forward = (net, x) => {
  const pooledAfter = new Set([0, 3, 8, 13, 18]);
  for (const i of [0, 3, 6, 8, 11, 13, 16, 18]) {
    x = tf.relu(net.conv(x, `features.${i}`, { padding: 1 }));
    if (pooledAfter.has(i)) x = maxPool(x, 2, 2);
  }
  let y = flatten(x);
  for (const i of [0, 3]) y = tf.relu(net.linear(y, `classifier.${i}`));
  return net.linear(y, 'classifier.6');
};

function basicConv(net: Layers, x: tf.Tensor4D, name: string, options?: ConvOptions): tf.Tensor4D {
  return tf.relu(net.batchNorm(net.conv(x, `${name}.conv`, options), `${name}.bn`, 0.001));
}

function inception(net: Layers, x: tf.Tensor4D, name: string): tf.Tensor4D {
  return tf.concat(
    [
      basicConv(net, x, `${name}.branch1`),
      basicConv(net, basicConv(net, x, `${name}.branch2.0`), `${name}.branch2.1`, { padding: 1 }),
      basicConv(net, basicConv(net, x, `${name}.branch3.0`), `${name}.branch3.1`, { padding: 1 }),
      basicConv(net, maxPool(x, 3, 1, 'same'), `${name}.branch4.1`),
    ],
    3,
  );
}

const googlenet: Forward = (net, x) => {
  x = maxPool(basicConv(net, x, 'conv1', { stride: 2, padding: 3 }), 3, 2, 'same');
  x = basicConv(net, basicConv(net, x, 'conv2'), 'conv3', { padding: 1 });
  x = maxPool(x, 3, 2, 'same');
  for (const block of ['3a', '3b']) x = inception(net, x, `inception${block}`);
  x = maxPool(x, 3, 2, 'same');
  for (const block of ['4a', '4b', '4c', '4d', '4e']) x = inception(net, x, `inception${block}`);
  x = maxPool(x, 2, 2, 'same');
  for (const block of ['5a', '5b']) x = inception(net, x, `inception${block}`);
  return net.linear(globalAverage(x), 'fc');
};

export const NETWORKS: Readonly<Record<NetworkName, Forward>> = {
  lenet,
  resnet20,
  resnet18,
  alexnet,
  googlenet,
  vgg11,
};
