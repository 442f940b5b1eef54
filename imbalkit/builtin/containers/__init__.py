"""Containers: files that hold many images, and remote places."""

from imbalkit.builtin.containers.archives import Tar, Zip
from imbalkit.builtin.containers.hdf5 import Hdf5
from imbalkit.builtin.containers.parquet import Parquet
from imbalkit.builtin.containers.remote import Remote
from imbalkit.kinds import Container

CONTAINERS: list[type[Container]] = [Hdf5, Parquet, Remote, Tar, Zip]
