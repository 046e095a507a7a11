"""Tar archives as Python's tarfile writes them, for packages/data/src/tar.ts and web-dataset.ts.

python3 tools/goldens/tars.py     writes packages/data/test/goldens/data/tars.json

Reads nothing. Made with Python 3.11, whose tarfile is what the webdataset package writes its shards with. One archive a
format, with names that no plain header holds, a folder, a link, and files whose sizes end at and beside block borders.
"""
import base64
import gzip
import io
import json
import tarfile
from pathlib import Path

OUT = Path(__file__).resolve().parents[2] / 'packages/data/test/goldens/data'
LONG = 'train/' + 'n' * 60 + '/' + 'm' * 70 + '/0001'
FILES = [('0000.txt', b'zero'), ('0000.cls', b'7'), (f'{LONG}.txt', b'long'), (f'{LONG}.cls', b'3'), ('empty.txt', b''),
         ('empty.cls', b'0'), ('b511.txt', b'x' * 511), ('b511.cls', b'1'), ('b512.txt', b'y' * 512), ('b512.cls', b'2'),
         ('blåbær.txt', 'blåbær'.encode()), ('blåbær.cls', b'-4\n')]


def archive(fmt):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w', format=fmt) as tar:
        folder = tarfile.TarInfo('train')
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, data in FILES:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
            if name == '0000.cls':
                link = tarfile.TarInfo('0000.link')
                link.type, link.linkname = tarfile.SYMTYPE, '0000.txt'
                tar.addfile(link)
    return base64.b64encode(gzip.compress(buffer.getvalue(), mtime=0)).decode()


def main():
    content = {'files': [[name, data.decode()] for name, data in FILES],
               'archives': {'GNU': archive(tarfile.GNU_FORMAT), 'PAX': archive(tarfile.PAX_FORMAT),
                            'USTAR': archive(tarfile.USTAR_FORMAT)}}
    (OUT / 'tars.json').write_text(json.dumps(content, separators=(',', ':'), ensure_ascii=False) + '\n')


if __name__ == '__main__':
    main()
