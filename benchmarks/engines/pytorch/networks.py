"""The networks of `networks/`, torchvision's own where it has them, without dropout."""
import torch
from torch import nn
from torchvision import models
from torchvision.models.resnet import BasicBlock


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.conv3 = nn.Conv2d(16, 120, 5)
        self.fc1 = nn.Linear(120, 84)
        self.fc2 = nn.Linear(84, 10)

    def forward(self, x):
        x = torch.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = torch.max_pool2d(torch.relu(self.conv2(x)), 2)
        x = torch.relu(self.conv3(x)).flatten(1)
        return self.fc2(torch.relu(self.fc1(x)))


class ResNet20(nn.Module):
    """For images of 32 x 32, of torchvision's blocks."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = self._stage(16, 16, 1)
        self.layer2 = self._stage(16, 32, 2)
        self.layer3 = self._stage(32, 64, 2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(64, 10)

    @staticmethod
    def _stage(inplanes, planes, stride):
        shortcut = None
        if stride != 1:
            shortcut = nn.Sequential(nn.Conv2d(inplanes, planes, 1, stride, bias=False), nn.BatchNorm2d(planes))
        first = BasicBlock(inplanes, planes, stride, shortcut)
        return nn.Sequential(first, BasicBlock(planes, planes), BasicBlock(planes, planes))

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(self.avgpool(x).flatten(1))


# Without initial weights where drawing them takes long: they are loaded.
NETWORKS = {
    "lenet": LeNet5,
    "resnet20": ResNet20,
    "resnet18": models.resnet18,
    "alexnet": lambda: models.alexnet(dropout=0.0),
    "googlenet": lambda: models.googlenet(aux_logits=False, transform_input=False, init_weights=False, dropout=0.0),
    "vgg11": lambda: models.vgg11(init_weights=False, dropout=0.0),
}
