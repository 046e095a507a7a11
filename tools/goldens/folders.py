"""The order of torchvision's ImageFolder, for packages/data/src/folder-files.ts.

python3 tools/goldens/folders.py     writes packages/data/test/goldens/data/folders.json

Reads nothing. Made with torchvision 0.14 (Debian 12) from empty files: their names decide everything.
"""
import json
import os
import tempfile
from pathlib import Path

from torchvision.datasets import DatasetFolder, ImageFolder

OUT = Path(__file__).resolve().parents[2] / 'packages/data/test/goldens/data'
FILES = ['b/2.png', 'b/10.png', 'b/1.JPG', 'a/x/1.png', 'a/x-1/1.png', 'a/x y/3.jpeg', 'a/x/y/0.webp', 'a/zz.png', 'a/A.png',
         'a/note.txt', 'a/x/.hidden.png', 'Zebra/deep/er/1.tiff', 'Zebra/é.png', 'Zebra/z.png', 'ünder/1.tif', 'top.png',
         'b/archive.png.gz', 'b/UPPER.PNG']


def main():
    with tempfile.TemporaryDirectory() as root:
        for file in FILES:
            path = Path(root, file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()

        def case(dataset):
            samples = [[os.path.relpath(path, root), target] for path, target in dataset.samples]
            return {'classes': dataset.classes, 'classToIdx': dataset.class_to_idx, 'samples': samples,
                    'targets': dataset.targets}

        content = {'files': FILES, 'images': case(ImageFolder(root)),
                   'png': case(DatasetFolder(root, open, ('.png', '.tif', '.tiff'))),
                   'valid': case(ImageFolder(root, is_valid_file=lambda path: '1' in os.path.basename(path)))}
    (OUT / 'folders.json').write_text(json.dumps(content, separators=(',', ':'), ensure_ascii=False) + '\n')


if __name__ == '__main__':
    main()
