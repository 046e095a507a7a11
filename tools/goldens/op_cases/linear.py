"""Matrix products."""
import torch
import torch.nn.functional as F

from op_cases.golden import INF, NAN, Family, f, vals

linear = Family('linear')
n = linear

n.op('matmul', lambda x, a: torch.matmul(x[0], x[1]))
n.s('matrices', f(2, 3), f(3, 4))
n.s('vectors', f(4), f(4))
n.s('a matrix and a vector', f(2, 3), f(3))
n.s('a vector and a matrix', f(3), f(3, 2))
n.s('a batch', f(2, 2, 3), f(2, 3, 2))
n.s('a batch and a matrix', f(2, 2, 3), f(3, 2))
n.s('a matrix and a batch', f(2, 3), f(2, 3, 2))
n.s('a vector and a batch', f(3), f(2, 3, 2))
n.s('a batch and a vector', f(2, 2, 3), f(3))
n.s('batches broadcast', f(2, 1, 2, 3), f(3, 3, 1))
n.s('one row, one column', f(1, 5), f(5, 1))
n.s('an outer product', f(3, 1), f(1, 2))
n.s('an empty inner axis', f(2, 0), f(0, 3), _grad=False)
n.s('NaN and infinities', vals(NAN, 1.0, INF, 0.0, shape=[2, 2]), vals(1.0, 0.0, 1.0, 0.0, shape=[2, 2]), _grad=False)
n.op('bmm', lambda x, a: torch.bmm(x[0], x[1]))
n.s('a batch', f(2, 2, 3), f(2, 3, 2))
n.op('mm', lambda x, a: torch.mm(x[0], x[1]))
n.s('plain', f(2, 3), f(3, 2))
n.op('mv', lambda x, a: torch.mv(x[0], x[1]))
n.s('plain', f(2, 3), f(3))
n.op('dot', lambda x, a: torch.dot(x[0], x[1]))
n.s('plain', f(5), f(5))
n.op('outer', lambda x, a: torch.outer(x[0], x[1]))
n.s('plain', f(2), f(3))
n.op('addmm', lambda x, a: torch.addmm(x[0], x[1], x[2], beta=a.get('beta', 1), alpha=a.get('alpha', 1)))
n.s('plain', f(2, 2), f(2, 3), f(3, 2))
n.s('beta and alpha, a row', f(2), f(2, 3), f(3, 2), beta=0.5, alpha=2)
n.op('baddbmm', lambda x, a: torch.baddbmm(x[0], x[1], x[2], beta=a.get('beta', 1), alpha=a.get('alpha', 1)))
n.s('beta and alpha', f(2, 2, 2), f(2, 2, 3), f(2, 3, 2), beta=0.5, alpha=2)
n.op('transposedMatmul', lambda x, a: torch.matmul(x[0].transpose(-1, -2) if a['left'] else x[0],
                                                   x[1].transpose(-1, -2) if a['right'] else x[1]))
n.s('left', f(3, 2), f(3, 4), left=True, right=False)
n.s('right', f(2, 3), f(4, 3), left=False, right=True)
n.s('both, batched', f(2, 3, 2), f(2, 2, 3), left=True, right=True)

n.op('linear', lambda x, a: F.linear(*x))
n.s('with bias', f(2, 3), f(4, 3), f(4))
n.s('without bias', f(2, 3), f(2, 3))
n.s('three axes', f(2, 2, 3), f(2, 3), f(2))
n.s('a vector', f(3), f(2, 3), f(2))

n.op('einsum', lambda x, a: torch.einsum(a['equation'], *x))
for equation, shapes in (
    ('ij,jk->ik', [(2, 3), (3, 2)]),
    ('ij,jk', [(2, 3), (3, 2)]),
    ('bij,bjk->bik', [(2, 2, 3), (2, 3, 2)]),
    ('bhid,bhjd->bhij', [(1, 2, 2, 3), (1, 2, 3, 3)]),
    ('i,j->ij', [(2,), (3,)]),
    ('i,i->', [(4,), (4,)]),
    ('ij->ji', [(2, 3)]),
    ('ij->', [(2, 3)]),
    ('ijk->j', [(2, 3, 2)]),
    ('ba', [(2, 3)]),
    ('ij,ij->i', [(2, 3), (2, 3)]),
    ('ij,j->ij', [(2, 3), (3,)]),
    ('ij,k->ki', [(2, 3), (2,)]),
    ('ii->i', [(3, 3)]),
    ('ii', [(3, 3)]),
    ('...ij,...jk->...ik', [(2, 2, 3), (3, 2)]),
    ('b...->...', [(2, 3, 2)]),
    ('ij,jk,kl->il', [(2, 3), (3, 2), (2, 2)]),
    ('bn,anm,bm->ba', [(2, 2), (3, 2, 2), (2, 2)]),
):
    n.s(equation, *(f(*s) for s in shapes), equation=equation)

FAMILIES = [linear]
