"""PyTorch as an engine of the benchmark: answers requests (see protocol.ts) until stdin ends."""
import json
import os
import sys
import time
import traceback

import torch
from torch.nn import functional as F

import safetensors
from networks import NETWORKS

torch.set_num_threads(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())


def say(reply):
    print(json.dumps(reply), flush=True)


class Training:
    def __init__(self, net, lr, momentum):
        self.net = net.train()
        self.optimizer = torch.optim.SGD(net.parameters(), lr=lr, momentum=momentum)

    def step(self, x, y):
        # The copy is what any loader does, and what the other engines begin with.
        x, y = x.clone(), y.clone()
        self.optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(self.net(x), y)
        loss.backward()
        self.optimizer.step()
        return loss.item()


class Inference:
    def __init__(self, net):
        self.net = net.eval()

    @torch.inference_mode()
    def step(self, x, y):
        return self.net(x.clone())


def load(task):
    net = NETWORKS[task["network"]]()
    net.load_state_dict(safetensors.load(task["weights"]))  # strict: the keys are the same
    batch = safetensors.load(task["batch"])
    work = Training(net, task["lr"], task["momentum"]) if task["phase"] == "train" else Inference(net)
    return work, batch["x"], batch["y"].long()


def steps(work, x, y, count):
    ms, losses, logits = [], [], None
    for _ in range(count):
        start = time.perf_counter()
        result = work.step(x, y)
        ms.append((time.perf_counter() - start) * 1000)
        if isinstance(result, float):
            losses.append(result)
        else:
            losses.append(F.cross_entropy(result, y).item())
            logits = result[0].tolist()
    return {"ms": ms, "losses": losses, **({"logits": logits} if logits else {})}


say({"ok": {"title": f"PyTorch {torch.__version__}", "threads": torch.get_num_threads()}})
loaded = None
for line in sys.stdin:
    request = json.loads(line)
    try:
        if request["op"] == "load":
            loaded = load(request)
            say({"ok": None})
        else:
            work, x, y = loaded
            rows = request.get("rows", len(x))
            say({"ok": steps(work, x[:rows], y[:rows], request["count"])})
    except Exception:
        say({"error": traceback.format_exc()})
