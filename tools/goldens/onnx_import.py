"""ONNX models to import, with what they compute, for packages/onnx/src/import.

/usr/bin/python3 tools/goldens/onnx_import.py     writes packages/onnx/test/goldens/import/*

Reads nothing. Two kinds, made with PyTorch 1.13, torchvision 0.14 and ONNX 1.12 (Debian 12: apt-get install
python3-torchvision python3-onnx):

operators-*.json   ONNX's own test cases for its operators (onnx.backend.test), whose expected values NumPy computed. Inputs
                   that are settings (shapes, axes, scales) become initializers: import wants to know them. Cases with
                   much data are left out, and so are types that core has not.
<net>.onnx, .json  Small networks, many of them torchvision's with few channels, as torch.onnx.export writes them, in
                   several versions of the operators. The JSON has an input and the output in evaluation mode, the keys of
                   the state dict, and for some the losses of five steps of SGD, the output afterwards and the buffers.
"""
import base64
import io
import json
import warnings
from pathlib import Path

import numpy as np

# ONNX 1.12 has these names of an older NumPy.
np.float, np.int, np.bool, np.object = float, int, bool, object

import onnx
import onnx.backend.test.case.node as node_cases
import torch
import torchvision.models as tv
from onnx import numpy_helper
from torch import nn
from torchvision.models.googlenet import Inception
from torchvision.models.resnet import BasicBlock, Bottleneck
from torchvision.models.squeezenet import Fire

warnings.filterwarnings('ignore')
OUT = Path(__file__).resolve().parents[2] / 'packages/onnx/test/goldens/import'
OUT.mkdir(parents=True, exist_ok=True)
LIMIT = 50_000


def data(value):
    """dtype, shape and the little-endian bytes in base64."""
    value = np.asarray(value.detach().numpy() if isinstance(value, torch.Tensor) else value)
    return {'dtype': str(value.dtype), 'shape': list(value.shape), 'data': base64.b64encode(value.tobytes()).decode()}


def write(name, text):
    assert len(text) <= LIMIT, (name, len(text))
    (OUT / name).write_bytes(text.encode() if isinstance(text, str) else text)


# --- operators ---

SETTINGS = {
    'Reshape': [1], 'Expand': [1], 'Tile': [1], 'Slice': [1, 2, 3, 4], 'Squeeze': [1], 'Unsqueeze': [1],
    'ConstantOfShape': [0], 'Range': [0, 1, 2], 'Resize': [1, 2, 3], 'Upsample': [1], 'Pad': [1], 'Split': [1],
    'TopK': [1], 'OneHot': [1], 'CumSum': [1], 'Trilu': [1], 'ReduceSum': [1], 'NonZero': [0],
}
OPERATORS = '''Abs Add And ArgMax ArgMin AveragePool BatchNormalization Cast CastLike Ceil Celu Clip Concat Constant
ConstantOfShape Conv ConvTranspose Cos CumSum DepthToSpace Div Dropout Einsum Elu Equal Erf Exp Expand Flatten Floor Gather
GatherElements Gemm GlobalAveragePool GlobalMaxPool Greater GreaterOrEqual HardSigmoid HardSwish Hardmax Identity
InstanceNormalization IsInf IsNaN LRN LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max MaxPool Mean
MeanVarianceNormalization Min Mod Mul Neg NonZero Not OneHot Or PRelu Pad Pow Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum
ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize Round Selu Shape Shrink
Sigmoid Sign Sin Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Tan Tanh ThresholdedRelu Tile TopK
Transpose Trilu Unsqueeze Upsample Where Xor'''.split()
DTYPES = {'float32', 'float64', 'int32', 'int64', 'bool', 'int8', 'uint8', 'int16', 'uint16'}
# What differs on purpose: masks of dropout are drawn by core's generator; integers are not pooled; indices of pools; aligned
# corners beside a scale that is no whole number, where PyTorch and ONNX Runtime take the rounded size.
LEFT_OUT = ('downsample_scales_cubic_align', 'downsample_scales_linear_align', 'training_dropout', 'maxpool_2d_uint8', 'maxpool_with_argmax', 'tf_crop_and_resize',
            'sequence', 'identity_opt', 'BFLOAT16', 'keepdims_random', '_axes_random', 'axis_random')


def operator_cases():
    cases = []
    for case in node_cases.collect_testcases(None):
        model = onnx.ModelProto.FromString(case.model.SerializeToString())
        [node, *others] = model.graph.node
        if others or node.op_type not in OPERATORS or any(part in case.name for part in LEFT_OUT):
            continue
        [(inputs, outputs)] = case.data_sets
        if any(np.asarray(x).dtype.name not in DTYPES for x in [*inputs, *outputs]):
            continue
        if any(node.op_type == 'Cast' and a.i not in (1, 11) for a in node.attribute):
            continue
        settings = {name for i, name in enumerate(node.input) if i in SETTINGS.get(node.op_type, [])}
        if node.op_type == 'Dropout':
            settings = set(node.input[1:])
        kept = []
        for value, x in zip(list(model.graph.input), inputs):
            if value.name in settings:
                model.graph.initializer.append(numpy_helper.from_array(np.asarray(x), value.name))
                model.graph.input.remove(value)
            else:
                kept.append(data(x))
        # Unchanged since before version 7, the first that import reads.
        version = max(model.opset_import[0].version, 7)
        model.opset_import[0].version = version
        text = json.dumps({
            'name': case.name[5:], 'operator': node.op_type, 'rtol': case.rtol, 'atol': case.atol,
            'model': base64.b64encode(model.SerializeToString()).decode(),
            'inputs': kept, 'outputs': [data(x) for x in outputs],
        }, separators=(',', ':'))
        if len(text) <= 1_500:
            cases.append(text)
    return sorted(cases)


def write_operators():
    files, size = [[]], 0
    for case in operator_cases():
        if size + len(case) > LIMIT - 100:
            files.append([])
            size = 0
        files[-1].append(case)
        size += len(case) + 2
    for i, cases in enumerate(files):
        write(f'operators-{i}.json', '[\n' + ',\n'.join(cases) + '\n]\n')


# --- networks ---


class Plain(nn.Module):
    """AlexNet's parts: large strides, overlapping pools, dropout, flatten."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 5, stride=2, padding=2), nn.ReLU(), nn.LocalResponseNorm(5),
            nn.MaxPool2d(3, 2), nn.Conv2d(8, 12, 3, padding=1, groups=2), nn.ReLU(), nn.MaxPool2d(3, 2, ceil_mode=True))
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.classifier = nn.Sequential(nn.Dropout(), nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 5))

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class SmallResNet(nn.Module):
    """Residual blocks with and without a projection; the names of torchvision's."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.layer1 = nn.Sequential(BasicBlock(8, 8), BasicBlock(8, 8))
        down = nn.Sequential(nn.Conv2d(8, 16, 1, 2, bias=False), nn.BatchNorm2d(16))
        self.layer2 = nn.Sequential(BasicBlock(8, 16, 2, down))
        self.layer3 = nn.Sequential(Bottleneck(16, 4))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(16, 5)

    def forward(self, x):
        x = self.maxpool(torch.relu(self.bn1(self.conv1(x))))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class Branches(nn.Module):
    """GoogLeNet's and SqueezeNet's parts."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.inception = Inception(8, 4, 4, 6, 2, 4, 4)
        self.fire = Fire(18, 4, 6, 6)
        self.classifier = nn.Conv2d(12, 5, 1)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.stem(x), 3, 2, ceil_mode=True)
        x = nn.functional.avg_pool2d(self.fire(self.inception(x)), 3, 2, 1, count_include_pad=False)
        return torch.flatten(nn.functional.adaptive_avg_pool2d(self.classifier(x), 1), 1)


class Functions(nn.Module):
    """Shapes that the graph computes, and functions that exporters write as many nodes."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(4, 6, 3, padding=1)
        self.up = nn.ConvTranspose2d(6, 4, 3, 2, 1, 1)
        self.norm = nn.GroupNorm(2, 4)
        self.prelu = nn.PReLU(4)
        self.scale = nn.Parameter(torch.rand(4, 1, 1) + 0.5)
        self.instance = nn.InstanceNorm2d(4, affine=True)
        self.fc = nn.Linear(4, 5)

    def forward(self, x):
        n, c, h, w = x.shape
        y = self.conv(x.reshape(n * h, c, w) if c == 4 else x)
        y = y.reshape(n, h, 6, w).permute(0, 2, 1, 3)
        y = self.prelu(self.norm(self.up(y))) * self.scale
        y = nn.functional.interpolate(y, scale_factor=0.5, mode='bilinear', align_corners=False) + nn.functional.gelu(x)
        y = self.instance(nn.functional.pad(y, (1, 0, 2, 1), mode='reflect'))
        y = nn.functional.hardswish(y) + nn.functional.silu(y) + nn.functional.softplus(y).clamp(max=2)
        a, b = y.chunk(2, dim=1)
        y = torch.cat([a, b.flip(3)], 1)
        y = y.view(n, 4, -1).transpose(1, 2)
        att = torch.softmax(torch.einsum('nij,nkj->nik', y, y) / y.size(-1) ** 0.5, -1)
        y = torch.matmul(att, y)
        mask = torch.arange(y.size(1)).unsqueeze(0).unsqueeze(-1) < y.size(1) - 1
        y = y.masked_fill(~mask, 0.0).mean(1) + y.amax(1)
        return nn.functional.log_softmax(self.fc(y), 1)


def shapes(n):
    return torch.randn(n, 3, 12, 12)


def networks():
    """Name, network, input, version of the operators, whether it is exported for training."""
    cb = tv.convnext.CNBlockConfig
    mb = tv.efficientnet.MBConvConfig
    v3 = tv.mobilenetv3.InvertedResidualConfig
    mobile = tv.mobilenetv2.MobileNetV2(num_classes=5, inverted_residual_setting=[[1, 8, 1, 1], [2, 8, 2, 2]], dropout=0)
    mobile.features[-1] = tv.mobilenetv2.Conv2dNormActivation(8, 16, kernel_size=1)
    mobile.features[0] = tv.mobilenetv2.Conv2dNormActivation(3, 8, stride=2)
    mobile.features[1] = tv.mobilenetv2.InvertedResidual(8, 8, 1, 1)
    mobile.classifier[1] = nn.Linear(16, 5)
    shuffle = tv.shufflenetv2.ShuffleNetV2([2, 1, 1], [8, 8, 16, 16, 32], num_classes=5)
    # Without the strides of the stem: batch normalization of four values would magnify rounding errors.
    shuffle.conv1[0].stride, shuffle.maxpool = (1, 1), nn.Identity()
    yield 'plain', Plain(), torch.randn(2, 3, 33, 33), 9, False
    yield 'resnet', SmallResNet(), shapes(4), 13, True
    yield 'resnet-folded', SmallResNet(), shapes(4), 11, False
    yield 'branches', Branches(), torch.randn(2, 3, 15, 15), 12, True
    yield 'functions', Functions(), torch.randn(2, 4, 6, 8), 14, True
    yield 'mobilenet-v2', mobile, shapes(4), 10, True
    yield 'mobilenet-v3', tv.mobilenetv3.MobileNetV3(
        [v3(16, 3, 16, 8, True, 'HS', 2, 1, 1), v3(8, 5, 16, 8, False, 'RE', 1, 1, 1)], 16, num_classes=5,
        dropout=0), shapes(4), 14, True
    yield 'shufflenet', shuffle, shapes(4), 11, True
    yield 'densenet', tv.densenet.DenseNet(4, (2, 2), 8, 2, 0, 5), torch.randn(2, 3, 32, 32), 16, True
    yield 'efficientnet', tv.efficientnet.EfficientNet(
        [mb(1, 3, 1, 8, 8, 1, 1.0, 1.0), mb(2, 3, 2, 8, 8, 2, 1.0, 1.0)], 0.0, stochastic_depth_prob=0.0, num_classes=5), \
        shapes(4), 15, False
    yield 'convnext', tv.convnext.ConvNeXt([cb(8, 16, 1), cb(16, None, 1)], 0.0, num_classes=5), shapes(2), 17, True
    yield 'vit', tv.vision_transformer.VisionTransformer(12, 4, 1, 2, 16, 32, 0.0, 0.0, 5), shapes(2), 17, True
    yield 'fixed-batch', SmallTokens(), shapes(1), 13, False


class SmallTokens(nn.Module):
    """Exported with one sample and no dynamic axes: its shapes have the 1."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 4, 4)
        self.norm = nn.LayerNorm(8)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        y = self.conv(x)
        y = y.reshape(y.shape[0], 8, 9).permute(0, 2, 1)
        return self.fc(self.norm(y).mean(1))


def export(net, x, opset, training):
    buffer = io.BytesIO()
    mode = torch.onnx.TrainingMode.PRESERVE if training else torch.onnx.TrainingMode.EVAL
    axes = {} if x.shape[0] == 1 else {'image': {0: 'batch'}, 'logits': {0: 'batch'}}
    torch.onnx.export(net, x, buffer, opset_version=opset, training=mode, do_constant_folding=not training,
                      input_names=['image'], output_names=['logits'], dynamic_axes=axes)
    return buffer.getvalue()


def write_networks():
    for name, net, x, opset, training in networks():
        torch.manual_seed(hash_of(name))
        for module in net.modules():
            # Fresh statistics say nothing.
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.running_mean, 0, 0.3)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
                if name != 'shufflenet':
                    nn.init.uniform_(module.weight, 0.5, 1.5)
            if hasattr(module, 'layer_scale'):
                nn.init.uniform_(module.layer_scale, 0.5, 1.5)
        if name == 'vit':
            nn.init.normal_(net.heads.head.weight, 0, 0.2)
        for parameter in net.parameters():
            if parameter.ndim > 1 and parameter.abs().max() < 1e-1:
                nn.init.normal_(parameter, 0, 0.1)
        net.eval()
        write(f'{name}.onnx', export(net, x, opset, training))
        batch = x if x.shape[0] > 1 else torch.randn(3, *x.shape[1:])
        golden = {'opset': opset, 'keys': list(net.state_dict()), 'input': data(batch), 'output': data(net(batch))}
        if training:
            golden['training'] = train(net, batch)
        write(f'{name}.json', json.dumps(golden, separators=(',', ':')) + '\n')


def train(net, x):
    """Five steps on one batch. In training mode: batch normalization moves."""
    labels = torch.arange(x.shape[0]) % 5
    optimizer = torch.optim.SGD(net.parameters(), lr=0.02, momentum=0.9)
    gradients, losses = None, []
    net.train()
    for _ in range(5):
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(net(x), labels)
        loss.backward()
        if gradients is None:
            gradients = {key: data(p.grad.double().pow(2).sum().sqrt().float()) for key, p in net.named_parameters()
                         if p.grad is not None}
        optimizer.step()
        losses.append(loss.item())
    net.eval()
    buffers = {key: data(value) for key, value in net.named_buffers()}
    return {'losses': losses, 'norms': gradients, 'output': data(net(x)), 'buffers': buffers}


def hash_of(name):
    return sum(map(ord, name))


if __name__ == '__main__':
    np.random.seed(0)
    torch.manual_seed(0)
    write_operators()
    write_networks()
