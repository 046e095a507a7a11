"""Normalization of features and whitening, for packages/data/src/{running-normalizer,min-max-normalizer,whitening}.ts.

python3 tools/goldens/whitening.py     writes packages/data/test/goldens/data/whitening.json

Reads nothing. Made with PyTorch 1.13 in float64 (Debian 12): eigenvectors by torch.linalg.eigh, of each the sign with
which its largest element is positive.
"""
import json
from pathlib import Path

import torch

OUT = Path(__file__).resolve().parents[2] / 'packages/data/test/goldens/data'


def whitening():
    torch.manual_seed(4)
    n, d, eps = 40, 5, 1e-5
    mix = torch.randn(d, d, dtype=torch.float64)
    scales = torch.tensor([10.0, 3.0, 1.0, 0.3, 0.01], dtype=torch.float64)
    x = torch.randn(n, d, dtype=torch.float64) * scales @ mix + torch.tensor([1000.0, -3.0, 0.0, 5.0, 0.1], dtype=torch.float64)
    mean = x.mean(0)
    centered = x - mean
    covariance = centered.T @ centered / n
    values, vectors = torch.linalg.eigh(covariance)
    values, vectors = values.flip(0), vectors.flip(1).T
    peaks = vectors.gather(1, vectors.abs().argmax(1, keepdim=True))
    vectors = vectors * peaks.sign()
    scale = (values + eps).sqrt()
    test = torch.randn(3, d, dtype=torch.float64) * 5 + mean
    pca = (test - mean) @ vectors.T / scale
    zca = pca @ vectors
    text = json.dumps({
        'batches': [b.flatten().tolist() for b in x.split([16, 3, 21])], 'features': d, 'eps': eps,
        'mean': mean.tolist(), 'std': x.std(0, unbiased=False).tolist(), 'min': x.amin(0).tolist(), 'max': x.amax(0).tolist(),
        'variances': values.tolist(), 'components': vectors.tolist(), 'covariance': covariance.tolist(),
        'parts': (values.cumsum(0) / values.sum()).tolist(),
        'test': test.flatten().tolist(), 'pca': pca.flatten().tolist(), 'zca': zca.flatten().tolist(),
        'normalized': ((test - mean) / x.std(0, unbiased=False)).flatten().tolist(),
        'minMax': ((test - x.amin(0)) / (x.amax(0) - x.amin(0)) * 2 - 1).flatten().tolist(),
    }, separators=(',', ':'), allow_nan=False) + '\n'
    assert len(text) <= 50_000
    (OUT / 'whitening.json').write_text(text)


if __name__ == '__main__':
    whitening()
