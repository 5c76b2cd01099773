"""Holds wheels to what they should be: tags, contents, size.

    python python/check_wheels.py FOLDER [VERSION]
"""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path

#: One wheel serves every CPython from 3.10 on.
NAME = re.compile(r"ratioflow-(?P<version>[\w.]+)-cp310-abi3-(?P<platform>[\w.]+)\.whl")
#: Systems that a wheel may be for; plain `linux_…`, which PyPI refuses, stands for none.
PLATFORM = re.compile(r"(manylinux_2_\d+|manylinux2014)_(x86_64|aarch64)|macosx_1\d_\d+_(arm64|x86_64|universal2)|win_(amd64|arm64)")
MOST_BYTES = 6_000_000
INSIDE = ["ratioflow/__init__.py", "ratioflow/py.typed", "ratioflow/_engine.pyi", "LICENSE-APACHE", "LICENSE-MIT", "NOTICE"]


def complaints(wheel: Path, version: str | None) -> list[str]:
    """What is wrong with the wheel."""
    name = NAME.fullmatch(wheel.name)
    if name is None:
        return ["its name is not ratioflow-VERSION-cp310-abi3-PLATFORM.whl"]
    wrong = []
    wrong += [f"{each} is no platform that PyPI takes" for each in name["platform"].split(".") if not PLATFORM.fullmatch(each)]
    if version is not None and name["version"] != version:
        wrong.append(f"its version is {name['version']}, and not {version}")
    if (size := wheel.stat().st_size) >= MOST_BYTES:
        wrong.append(f"it has {size} bytes, {MOST_BYTES} or more")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    wrong += [f"it has no {inside}" for inside in INSIDE if not any(name.endswith(inside) for name in names)]
    engines = [name for name in names if re.fullmatch(r"ratioflow/_engine(\.abi3\.so|\.pyd)", name)]
    if len(engines) != 1:
        wrong.append(f"it has {len(engines)} extension modules: {engines}")
    wrong += [f"it has {name}, which is no part of the package" for name in names if name.startswith(("tests/", "notebooks/", "src/"))]
    return wrong


def main(folder: str, version: str | None = None) -> int:
    wheels = sorted(Path(folder).glob("*.whl"))
    wrong = {wheel.name: complaints(wheel, version) for wheel in wheels}
    for wheel in wheels:
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB", *wrong[wheel.name], sep="\n  ")
    if not wheels:
        print(f"{folder} holds no wheel")
    return 0 if wheels and not any(wrong.values()) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
