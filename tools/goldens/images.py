"""Image files and the pixels that PIL reads from them, for packages/data/src/image.ts.

python3 tools/goldens/images.py     writes packages/data/test/goldens/images/*.json

Reads nothing. Made with Pillow 9.4 (libjpeg-turbo 2.1.5, libwebp 1.2.4, libtiff 4.5, Debian 12). `rgb` holds the bytes
of `Image.open(file).convert('RGB')` as torchvision's ImageFolder loads it, moved to channels × height × width, base64.
"""
import base64
import io
import json
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

OUT = Path(__file__).resolve().parents[2] / 'packages/data/test/goldens/images'
W, H = 21, 14


def picture():
    """Smooth colours, sharp edges and noise."""
    y, x = np.mgrid[0:H, 0:W]
    image = np.stack([128 + 120 * np.sin(x / 3 + y / 5), 128 + 120 * np.cos(x / 2), (x * 13 + y * 7) % 256], -1)
    image[3:8, 4:11] = np.random.RandomState(0).randint(0, 256, (5, 7, 3))
    return image.clip(0, 255).astype(np.uint8)


def png(rows, depth, color, palette=None):
    """A PNG file of rows of packed bytes: bit depths that Pillow does not write."""
    def chunk(kind, data):
        return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
    raw = b''.join(b'\0' + bytes(row) for row in rows)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', W, H, depth, color, 0, 0, 0))
            + (chunk(b'PLTE', palette) if palette else b'') + chunk(b'IDAT', zlib.compress(raw)) + chunk(b'IEND', b''))


def b64(data):
    return base64.b64encode(bytes(data)).decode()


def chw(image):
    return np.asarray(image).transpose(2, 0, 1).tobytes()


class Cases(list):
    def add(self, name, file, **more):
        opened = Image.open(io.BytesIO(file))
        rgb = opened.convert('RGB')
        self.append({'name': name, 'width': rgb.width, 'height': rgb.height, 'file': b64(file), 'rgb': b64(chw(rgb)), **more})

    def save(self, name, image, kind, **options):
        buffer = io.BytesIO()
        image.save(buffer, kind, **options)
        self.add(name, buffer.getvalue())

    def write(self, name):
        text = json.dumps(self, separators=(',', ':')).replace('},{', '},\n{') + '\n'
        assert len(text) <= 50_000, (name, len(text))
        OUT.mkdir(parents=True, exist_ok=True)
        (OUT / f'{name}.json').write_text(text)


def main():
    pixels = picture()
    image = Image.fromarray(pixels)
    x = np.mgrid[0:H, 0:W][1]
    rgba = Image.fromarray(np.concatenate([pixels, ((x * 12) % 256)[..., None].astype(np.uint8)], -1))

    exact = Cases()
    exact.save('PNG RGB', image, 'PNG')
    exact.save('PNG gray', image.convert('L'), 'PNG')
    exact.save('PNG 1 bit', image.convert('1'), 'PNG')
    exact.save('PNG palette', image.convert('P', palette=Image.ADAPTIVE, colors=31), 'PNG')
    exact.save('PNG palette with a transparent colour', image.convert('P', palette=Image.ADAPTIVE, colors=31), 'PNG',
               transparency=3)
    exact.save('PNG RGB with a transparent colour', image, 'PNG', transparency=tuple(int(v) for v in pixels[0, 0]))
    exact.save('PNG RGBA', rgba, 'PNG')
    exact.save('PNG gray with alpha', rgba.convert('LA'), 'PNG')
    wide = pixels.astype('>u2') * 257 - (pixels > 0) * np.random.RandomState(1).randint(0, 200, pixels.shape)
    exact.add('PNG RGB 16 bits', png(wide.astype('>u2').reshape(H, -1).view(np.uint8), 16, 2))
    nibbles = pixels[..., 0] >> 4
    packed = np.concatenate([nibbles, np.zeros((H, W % 2), np.uint8)], 1)
    exact.add('PNG gray 4 bits', png(packed[:, ::2] << 4 | packed[:, 1::2], 4, 0))
    exact.add('PNG palette 4 bits', png(packed[:, ::2] << 4 | packed[:, 1::2], 4, 3, pixels[:2, :8].tobytes()))
    exact.save('GIF', image, 'GIF')
    exact.save('GIF, animated', image, 'GIF', save_all=True, append_images=[image.rotate(180)])
    exact.save('TIFF', image, 'TIFF')
    exact.save('TIFF, LZW', image, 'TIFF', compression='tiff_lzw')
    exact.save('TIFF CMYK', image.convert('CMYK'), 'TIFF')
    exact.save('WebP, lossless', image, 'WebP', lossless=True)
    exact.save('WebP, lossless RGBA', rgba, 'WebP', lossless=True, exact=True)
    exact.write('lossless')

    lossy = Cases()
    for quality, subsampling in ((95, 0), (75, 1), (75, 2), (30, 2)):
        lossy.save(f'JPEG, quality {quality}, {("4:4:4", "4:2:2", "4:2:0")[subsampling]}', image, 'JPEG', quality=quality,
                   subsampling=subsampling)
    lossy.save('JPEG, progressive', image, 'JPEG', progressive=True)
    lossy.save('JPEG gray', image.convert('L'), 'JPEG')
    lossy.save('JPEG CMYK', image.convert('CMYK'), 'JPEG')
    lossy.save('WebP', image, 'WebP', quality=80)
    for orientation in (3, 6, 8):
        exif = Image.Exif()
        exif[0x112] = orientation
        buffer = io.BytesIO()
        image.save(buffer, 'JPEG', exif=exif)
        turned = ImageOps.exif_transpose(Image.open(buffer)).convert('RGB')
        lossy.add(f'JPEG, EXIF orientation {orientation}', buffer.getvalue(), turned=b64(chw(turned)),
                  turnedSize=[turned.height, turned.width])
    lossy.write('lossy')
    gray = Cases()
    gray.save('RGB', image, 'PNG')
    gray[0]['gray'] = b64(np.asarray(image.convert('L')).tobytes())
    gray.write('gray')


if __name__ == '__main__':
    main()
