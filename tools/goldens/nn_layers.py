"""More layers of torch.nn, of any number of inputs: parameters, forward, gradients and printing, for packages/core/src/nn.

python3 tools/goldens/nn_layers.py     writes packages/core/test/goldens/nn/layers-*.json and interpolation.json

Reads nothing. Made with PyTorch 1.13 (Debian 12's python3-torch). Each layer is made after manual_seed(0), its inputs and
the gradients of its outputs are drawn after manual_seed(1), in this order. `args` are those of the TypeScript constructor;
a tensor among them is {"tensor": …}.
"""
import hashlib

import torch
import torch.nn.functional as F
from torch import nn

from nn import data, write

NAMES = {'scale_factor': 'scaleFactor', 'align_corners': 'alignCorners', 'recompute_scale_factor': 'recomputeScaleFactor'}


def digest(t):
    """The first 16 hexadecimal digits of the SHA-256 of the bytes."""
    return hashlib.sha256(t.contiguous().numpy().tobytes()).hexdigest()[:16]


def tensors(value):
    """Arguments with their tensors written out."""
    if isinstance(value, torch.Tensor):
        return {'tensor': data(value)}
    if isinstance(value, dict):
        return {k: tensors(v) for k, v in value.items()}
    return [tensors(v) for v in value] if isinstance(value, (list, tuple)) else value


def case(name, args, make, *inputs):
    """`inputs`: shapes, which are drawn, or tensors, which have no gradient."""
    torch.manual_seed(0)
    module = make()
    torch.manual_seed(1)
    result = {'class': name, 'args': tensors(args), 'printed': str(module),
              'state': {key: data(value) for key, value in module.state_dict().items()}}
    given = [x if isinstance(x, torch.Tensor) else torch.randn(x) for x in inputs]
    result['inputs'] = [data(x) for x in given]
    given = [x if isinstance(i, torch.Tensor) else x.requires_grad_() for i, x in zip(inputs, given)]
    output = module(*given)
    result['output'] = data(output)
    if output.requires_grad:
        g = torch.randn_like(output)
        result['gradient'] = data(g)
        output.backward(g)
        result['inputGradients'] = [None if x.grad is None else data(x.grad) for x in given]
        result['parameterGradients'] = {n: data(p.grad) for n, p in module.named_parameters() if p.grad is not None}
    # Rows that were made shorter.
    result['after'] = {key: data(value) for key, value in module.state_dict().items()}
    return result


def resizing():
    image = (1, 4, 3, 4)
    write('layers-resizing', [
        case('Upsample', [{'scaleFactor': 2}], lambda: nn.Upsample(scale_factor=2), image),
        case('Upsample', [{'size': [5, 3], 'mode': 'bilinear', 'alignCorners': True}],
             lambda: nn.Upsample(size=(5, 3), mode='bilinear', align_corners=True), image),
        case('Upsample', [{'scaleFactor': [1.5, 2.3], 'mode': 'bicubic'}],
             lambda: nn.Upsample(scale_factor=(1.5, 2.3), mode='bicubic'), (1, 1, 3, 4)),
        case('Upsample', [{'scaleFactor': 1.7, 'mode': 'linear', 'recomputeScaleFactor': True}],
             lambda: nn.Upsample(scale_factor=1.7, mode='linear', recompute_scale_factor=True), (1, 2, 5)),
        case('UpsamplingNearest2d', [{'size': 4}], lambda: nn.UpsamplingNearest2d(size=4), image),
        case('UpsamplingBilinear2d', [{'scaleFactor': 2.5}], lambda: nn.UpsamplingBilinear2d(scale_factor=2.5), (1, 1, 3, 4)),
        case('PixelShuffle', [2], lambda: nn.PixelShuffle(2), image),
        case('PixelUnshuffle', [2], lambda: nn.PixelUnshuffle(2), (1, 1, 4, 6)),
        case('ZeroPad2d', [1], lambda: nn.ZeroPad2d(1), image),
        case('ZeroPad2d', [[1, 0, 2, -1]], lambda: nn.ZeroPad2d((1, 0, 2, -1)), image),
        case('ConstantPad1d', [[1, 2], 3], lambda: nn.ConstantPad1d((1, 2), 3), (1, 2, 3)),
        case('ConstantPad2d', [2, 3.5], lambda: nn.ConstantPad2d(2, 3.5), (1, 1, 2, 2)),
        case('ConstantPad3d', [[1, 0, 0, 1, 1, 1], -0.5], lambda: nn.ConstantPad3d((1, 0, 0, 1, 1, 1), -0.5), (1, 1, 1, 2, 2)),
        case('ReflectionPad1d', [[1, 2]], lambda: nn.ReflectionPad1d((1, 2)), (1, 2, 4)),
        case('ReflectionPad2d', [[1, 2, 0, 1]], lambda: nn.ReflectionPad2d((1, 2, 0, 1)), (1, 1, 3, 4)),
        case('ReflectionPad3d', [1], lambda: nn.ReflectionPad3d(1), (1, 1, 2, 2, 3)),
        case('ReplicationPad1d', [2], lambda: nn.ReplicationPad1d(2), (1, 2, 3)),
        case('ReplicationPad2d', [[1, 2, 0, 3]], lambda: nn.ReplicationPad2d((1, 2, 0, 3)), (1, 1, 2, 3)),
        case('ReplicationPad3d', [1], lambda: nn.ReplicationPad3d(1), (1, 1, 1, 2, 2)),
        case('Unfold', [[2, 3], {'padding': [0, 1]}], lambda: nn.Unfold((2, 3), padding=(0, 1)), (1, 2, 3, 4)),
        case('Fold', [[3, 4], 2, {'dilation': 2}], lambda: nn.Fold((3, 4), 2, dilation=2), (1, 8, 2)),
    ])


def pooling():
    volume = (1, 1, 4, 3, 4)
    indices = torch.tensor([[[[0, 3], [9, 14]]]])
    write('layers-pooling', [
        case('MaxPool3d', [2], lambda: nn.MaxPool3d(2), volume),
        case('MaxPool3d', [[3, 2, 2], {'stride': [2, 1, 1], 'padding': 1, 'ceilMode': True}],
             lambda: nn.MaxPool3d((3, 2, 2), stride=(2, 1, 1), padding=1, ceil_mode=True), volume),
        case('AvgPool3d', [2], lambda: nn.AvgPool3d(2), volume),
        case('AvgPool3d', [[3, 2, 2], {'stride': [2, 1, 1], 'padding': 1, 'countIncludePad': False}],
             lambda: nn.AvgPool3d((3, 2, 2), stride=(2, 1, 1), padding=1, count_include_pad=False), volume),
        case('AdaptiveAvgPool3d', [[2, None, 3]], lambda: nn.AdaptiveAvgPool3d((2, None, 3)), volume),
        case('AdaptiveMaxPool1d', [3], lambda: nn.AdaptiveMaxPool1d(3), (1, 2, 7)),
        case('AdaptiveMaxPool3d', [2], lambda: nn.AdaptiveMaxPool3d(2), volume),
        case('LPPool1d', [2, 3, {'stride': 2}], lambda: nn.LPPool1d(2, 3, stride=2), (1, 2, 7)),
        case('LPPool2d', [2, [2, 3], {'ceilMode': True}], lambda: nn.LPPool2d(2, (2, 3), ceil_mode=True), (1, 2, 4, 7)),
        case('MaxUnpool1d', [2], lambda: nn.MaxUnpool1d(2), (1, 1, 2), torch.tensor([[[1, 2]]])),
        case('MaxUnpool2d', [2, {'stride': [2, 2]}], lambda: nn.MaxUnpool2d(2, stride=(2, 2)), (1, 1, 2, 2), indices),
        case('MaxUnpool3d', [[1, 2, 2], {'padding': [0, 0, 0]}], lambda: nn.MaxUnpool3d((1, 2, 2)), (1, 1, 1, 2, 2),
             indices[:, :, None]),
        case('ConvTranspose3d', [2, 4, [2, 1, 2], {'stride': [2, 1, 1], 'groups': 2}],
             lambda: nn.ConvTranspose3d(2, 4, (2, 1, 2), stride=(2, 1, 1), groups=2), (1, 2, 2, 2, 2)),
    ])


def vectors():
    table = torch.tensor([[1.0, 2.0], [3.0, 4.0], [-1.0, 0.5]])
    words = torch.tensor([[0, 2, 2], [4, 0, 1]])
    write('layers-vectors', [
        case('Embedding', [5, 3], lambda: nn.Embedding(5, 3), words),
        case('Embedding', [20, 16], lambda: nn.Embedding(20, 16), words),
        case('Embedding', [5, 3, {'paddingIdx': 2}], lambda: nn.Embedding(5, 3, padding_idx=2), words),
        case('Embedding', [5, 3, {'paddingIdx': -1, 'scaleGradByFreq': True}],
             lambda: nn.Embedding(5, 3, padding_idx=-1, scale_grad_by_freq=True), words),
        case('Embedding', [5, 3, {'maxNorm': 1}], lambda: nn.Embedding(5, 3, max_norm=1), words),
        case('Embedding', [5, 3, {'maxNorm': 2.5, 'normType': 1}], lambda: nn.Embedding(5, 3, max_norm=2.5, norm_type=1), words),
        case('Embedding.fromPretrained', [table, {'paddingIdx': 1}],
             lambda: nn.Embedding.from_pretrained(table.clone(), padding_idx=1), words % 3),
        case('Embedding.fromPretrained', [table, {'freeze': False, 'maxNorm': 2}],
             lambda: nn.Embedding.from_pretrained(table.clone(), freeze=False, max_norm=2), words % 3),
        case('Bilinear', [2, 3, 4], lambda: nn.Bilinear(2, 3, 4), (3, 2), (3, 3)),
        case('Bilinear', [4, 2, 1, {'bias': False}], lambda: nn.Bilinear(4, 2, 1, bias=False), (2, 2, 4), (2, 2, 2)),
        case('CosineSimilarity', [], lambda: nn.CosineSimilarity(), (3, 4), (3, 4)),
        case('CosineSimilarity', [{'dim': 0, 'eps': 1e-6}], lambda: nn.CosineSimilarity(dim=0, eps=1e-6), (3, 4), (3, 4)),
        case('PairwiseDistance', [], lambda: nn.PairwiseDistance(), (3, 4), (3, 4)),
        case('PairwiseDistance', [{'p': 1, 'keepdim': True}], lambda: nn.PairwiseDistance(p=1, keepdim=True), (3, 4), (3, 4)),
    ])


def losses():
    torch.manual_seed(2)
    pair, labels = (3, 4), torch.tensor([1, 3, 0])
    weight, probabilities = torch.tensor([0.5, 1.0, 2.0, 0.25]), torch.rand(3, 4)
    signs, sign = torch.tensor([[1.0, -1.0, -1.0, 1.0]]).expand(3, 4).contiguous(), torch.tensor([1.0, -1.0, 1.0])
    write('layers-losses', [
        case('SmoothL1Loss', [{'beta': 0.5}], lambda: nn.SmoothL1Loss(beta=0.5), pair, pair),
        case('HuberLoss', [{'delta': 0.7, 'reduction': 'sum'}], lambda: nn.HuberLoss(delta=0.7, reduction='sum'), pair, pair),
        case('GaussianNLLLoss', [{'full': True, 'eps': 0.5, 'reduction': 'none'}],
             lambda: nn.GaussianNLLLoss(full=True, eps=0.5, reduction='none'), pair, pair, probabilities),
        case('BCELoss', [{'weight': weight, 'reduction': 'sum'}], lambda: nn.BCELoss(weight, reduction='sum'),
             probabilities, probabilities.flip(0)),
        case('BCEWithLogitsLoss', [{'weight': weight, 'posWeight': weight.flip(0)}],
             lambda: nn.BCEWithLogitsLoss(weight, pos_weight=weight.flip(0)), pair, probabilities),
        case('BCEWithLogitsLoss', [], lambda: nn.BCEWithLogitsLoss(), pair, probabilities),
        case('KLDivLoss', [{'reduction': 'batchmean'}], lambda: nn.KLDivLoss(reduction='batchmean'), pair, probabilities),
        case('KLDivLoss', [{'reduction': 'sum', 'logTarget': True}], lambda: nn.KLDivLoss(reduction='sum', log_target=True), pair,
             pair),
        case('MultiLabelSoftMarginLoss', [{'weight': weight}], lambda: nn.MultiLabelSoftMarginLoss(weight), pair,
             probabilities.round()),
        case('MultiMarginLoss', [{'p': 2, 'margin': 0.5, 'weight': weight}],
             lambda: nn.MultiMarginLoss(p=2, margin=0.5, weight=weight), pair, labels),
        case('MultiLabelMarginLoss', [], lambda: nn.MultiLabelMarginLoss(), (1, 4), torch.tensor([[3, 0, -1, 1]])),
        case('SoftMarginLoss', [{'reduction': 'none'}], lambda: nn.SoftMarginLoss(reduction='none'), pair, signs),
        case('HingeEmbeddingLoss', [{'margin': 0.3}], lambda: nn.HingeEmbeddingLoss(margin=0.3), pair, signs),
        case('MarginRankingLoss', [{'margin': 0.2}], lambda: nn.MarginRankingLoss(margin=0.2), pair, pair, signs),
        case('CosineEmbeddingLoss', [{'margin': 0.1}], lambda: nn.CosineEmbeddingLoss(margin=0.1), pair, pair, sign),
        case('TripletMarginLoss', [{'margin': 2, 'p': 1, 'eps': 0.01, 'swap': True}],
             lambda: nn.TripletMarginLoss(margin=2, p=1, eps=0.01, swap=True), pair, pair, pair),
    ])


def positions():
    """Where interpolation looks: x[i] = (37·i mod 101) − 50. Nearest modes give a digest of the int32 output."""
    def signal(n, dtype):
        return ((torch.arange(n) * 37) % 101 - 50).to(dtype)

    nearest = []
    for mode in ('nearest', 'nearest-exact'):
        for n, kwargs in ((7, dict(size=3)), (3, dict(size=7)), (1000, dict(size=1300)), (1300, dict(size=1000)), (50, dict(scale_factor=41)),
                          (50, dict(scale_factor=49)), (17, dict(scale_factor=3)), (1999, dict(scale_factor=1.3)), (1999, dict(scale_factor=0.7)),
                          (640, dict(scale_factor=1 / 3)), (333, dict(scale_factor=3.1)), (100, dict(scale_factor=1.005)), (96, dict(scale_factor=0.5)),
                          (997, dict(size=498)), (12, dict(size=12)), (5, dict(size=1)), (1, dict(size=9))):
            for dtype in (torch.float32, torch.float64):
                y = F.interpolate(signal(n, dtype)[None, None], mode=mode, **kwargs)[0, 0]
                options = {'mode': mode, **{NAMES.get(k, k): v for k, v in kwargs.items()}}
                nearest.append({'from': n, 'dtype': str(dtype)[6:], 'options': options, 'to': len(y), 'digest': digest(y.int())})
    smooth = []
    for n, kwargs in ((5, dict(size=9)), (9, dict(size=5)), (30, dict(scale_factor=1.7)), (30, dict(scale_factor=0.3)), (20, dict(scale_factor=1.02)),
                      (40, dict(scale_factor=1.7, recompute_scale_factor=True)), (3, dict(size=40)), (40, dict(size=3)), (2, dict(size=1)), (1, dict(size=3))):
        for mode in ('bilinear', 'bicubic'):
            for more in (dict(align_corners=False), dict(align_corners=True), dict(antialias=True)):
                for dtype in (torch.float32, torch.float64):
                    column = {k: (v, 1) if k in ('size', 'scale_factor') else v for k, v in kwargs.items()}
                    y = F.interpolate(signal(n, dtype)[None, None, :, None], mode=mode, **column, **more)[0, 0, :, 0]
                    smooth.append({'from': n, 'options': {NAMES.get(k, k): v for k, v in {'mode': mode, **column, **more}.items()}, 'output': data(y)})
    write('interpolation', {'nearest': nearest, 'smooth': smooth})


if __name__ == '__main__':
    for make in (resizing, pooling, vectors, losses, positions):
        make()
