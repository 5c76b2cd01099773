"""The files of a run directory, on disk or in memory."""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
from pathlib import Path
from typing import Any, Iterator, Mapping

import numpy as np


class Folder(Mapping[str, bytes]):
    """A folder on disk; ``keeps`` is what has to live as long as it is read."""

    def __init__(self, path: Path, keeps: Any = None) -> None:
        # The working directory may be another one when it is read.
        self.path, self.keeps = path.absolute(), keeps

    def _there(self) -> None:
        if not self.path.is_dir():
            raise FileNotFoundError(f"{self.path} is not there any more: what was loaded from it is read when it is asked for; put the folder back, or load it from where it is now")

    def __getitem__(self, name: str) -> bytes:
        path = self.path / name
        if not path.is_file():
            self._there()
            raise KeyError(name)
        return path.read_bytes()

    def __iter__(self) -> Iterator[str]:
        self._there()
        for path in sorted(self.path.rglob("*")):
            # The lock belongs to the folder, and not to the run.
            if path.is_file() and path.name != ".lock":
                yield path.relative_to(self.path).as_posix()

    def __len__(self) -> int:
        return sum(1 for _ in self)


def below(files: Mapping[str, bytes], folder: str) -> Mapping[str, bytes]:
    """The files of a folder among the files."""
    if isinstance(files, Folder):
        return Folder(files.path / folder, files.keeps)
    return {name[len(folder) + 1 :]: data for name, data in files.items() if name.startswith(f"{folder}/")}


def in_memory(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """All of them, read."""
    return {name: files[name] for name in files}


def needed(files: Mapping[str, bytes], name: str) -> bytes:
    """A file that every run has. Raises ``FileNotFoundError`` if it was taken away."""
    try:
        return files[name]
    except KeyError:
        where = files.path if isinstance(files, Folder) else "this run"
        raise FileNotFoundError(f"{where} has no {name}: it was taken away, or the run was not finished") from None


def is_picture(name: str) -> bool:
    """Whether it is an animation or one of its frames."""
    return name.startswith(("frames/", "animation"))


def write(files: Mapping[str, bytes], folder: Path) -> Path:
    """Writes them into a folder that is new or empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"{folder} is not free: name a new or empty folder; a run that was loaded or unpickled replaces nothing")
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(files[name])
    return folder


def columns(text: bytes) -> dict[str, Any]:
    """The columns of ``metrics.csv``; NaN where nothing was measured."""
    rows = list(csv.reader(io.StringIO(text.decode())))
    read: dict[str, Any] = {}
    for place, name in enumerate(rows[0]):
        cells = [row[place] for row in rows[1:]]
        if name == "step":
            read[name] = np.array([int(cell) for cell in cells], dtype=np.int64)
        else:
            read[name] = np.array([float(cell) if cell else np.nan for cell in cells])
    return read


def arrays(data: bytes) -> dict[str, Any]:
    """The arrays of an ``.npz``."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


class Temporary:
    """A folder that goes when nobody needs it any more."""

    path: Path

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="ratioflow-"))

    def __del__(self, remove: Any = shutil.rmtree) -> None:
        # There is none where it could not be made.
        if "path" in self.__dict__:
            remove(self.path, ignore_errors=True)
