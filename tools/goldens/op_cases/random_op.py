"""
The `random` op: Threefry-2x32-20 as in Random123, written down again here, so that two independent programs agree.
"""
from op_cases.golden import Family, ivals, vals

import torch

random = Family('random')
MASK = 0xFFFFFFFF


def threefry2x32(k0, k1, c0, c1):
    ks = [k0, k1, k0 ^ k1 ^ 0x1BD11BDA]
    x, y = (c0 + ks[0]) & MASK, (c1 + ks[1]) & MASK
    rotations = ((13, 15, 26, 6), (17, 29, 16, 24))
    for group in range(5):
        for r in rotations[group % 2]:
            x = (x + y) & MASK
            y = ((y << r) | (y >> (32 - r))) & MASK
            y ^= x
        x = (x + ks[(group + 1) % 3]) & MASK
        y = (y + ks[(group + 2) % 3] + group + 1) & MASK
    return x, y


# The known-answer vectors of Random123 (kat_vectors).
assert threefry2x32(0, 0, 0, 0) == (0x6B200159, 0x99BA4EFE)
assert threefry2x32(MASK, MASK, MASK, MASK) == (0x1CB996FC, 0xBB002BE7)
assert threefry2x32(0x13198A2E, 0x03707344, 0x243F6A88, 0x85A308D3) == (0xC4923A9C, 0x483DF7A0)


def uniform(key, n):
    words = [threefry2x32(key[0] & MASK, key[1] & MASK, i >> 1, 0)[i & 1] for i in range(n)]
    return torch.tensor([(w >> 8) * 2.0 ** -24 for w in words], dtype=torch.float64)


def draw(x, a):
    n = 1
    for d in a['shape']:
        n *= d
    return uniform(x[0].tolist(), n).reshape(a['shape'])


random.op('random', draw)
random.s('an even number', ivals(0, 0), shape=[2, 4])
random.s('an odd number', ivals(123, -456), shape=[7])
random.s('one element', ivals(-1, 2147483647), shape=[])
random.s('three axes', ivals(7, 8), shape=[3, 1, 5])


def dropout(x, a):
    p = a['p']
    keep = uniform(x[1].tolist(), x[0].numel()).reshape(x[0].shape) >= p
    return torch.where(keep, x[0] / (1 - p), torch.zeros((), dtype=x[0].dtype))


random.op('dropout', dropout)
random.s('half', vals(*[0.25 * i - 1 for i in range(12)], shape=[3, 4]), ivals(11, 12), p=0.5)
random.s('a fifth', vals(*[0.5 * i - 2 for i in range(9)]), ivals(3, 4), p=0.2)
random.s('none', vals(1.0, 2.0, 3.0), ivals(3, 4), p=0)

FAMILIES = [random]
