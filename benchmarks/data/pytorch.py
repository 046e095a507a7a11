"""PyTorch's DataLoader over a folder of images (see protocol.ts)."""
import json
import sys
import time
import traceback

import torch
import torchvision
from torch.utils.data import DataLoader
from torchvision import transforms


def say(reply):
    print(json.dumps(reply), flush=True)


def open_folder(request):
    transform = transforms.Compose(
        [
            transforms.RandomResizedCrop(224),
            transforms.RandomHorizontalFlip(),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    dataset = torchvision.datasets.ImageFolder(request["folder"], transform)
    workers = request["workers"]
    return DataLoader(
        dataset, batch_size=request["batchSize"], shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )


def epoch(loader):
    start = time.perf_counter()
    images, first = 0, 0
    for x, _ in loader:
        if images == 0:
            first = time.perf_counter() - start
        images += len(x)
    return {"images": images, "ms": (time.perf_counter() - start) * 1000, "firstMs": first * 1000}


if __name__ == "__main__":
    title = f"PyTorch {torch.__version__}, torchvision {torchvision.__version__}"
    say({"ok": {"title": title, "threads": torch.get_num_threads()}})
    loader = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["op"] == "load":
                loader = open_folder(request)
            say({"ok": epoch(loader)})
        except Exception:
            say({"error": traceback.format_exc()})
