"""Writes ``package/ratioflow/_estimators.py``, a class for each of the engine's estimators, from the engine's own schema.

    python python/make_estimators.py           # writes the file anew
    python python/make_estimators.py --check   # says whether it is up to date
"""

from __future__ import annotations

import json
import keyword
import sys
import textwrap
from pathlib import Path
from typing import Any

from ratioflow import _engine

FILE = Path(__file__).parent / "package" / "ratioflow" / "_estimators.py"
HEAD = '''"""The engine's estimators. Made from the engine's schema by ``make_estimators.py``: do not change it by hand."""

from __future__ import annotations

from typing import Any

from ._estimator import Estimator

'''
#: What is added to the words of the engine on a setting.
FITTED = {"start": " That is so in a flow; `fit` of this object always begins anew."}


def classes() -> str:
    schema = json.loads(_engine.schema())
    kinds = {}
    for kind in schema["$defs"]["DiscriminatorSpec"]["oneOf"]:
        for name, entry in kind.get("properties", {}).items():
            kinds[name] = schema["$defs"][entry["$ref"].rsplit("/", 1)[1]]
    catalogue = dict(_engine.estimators())
    parts = [HEAD]
    for name, line in catalogue.items():
        parts.append(one(name, line, kinds[name], "no log ratio" not in line))
    listed = ", ".join(name.capitalize() for name in catalogue)
    parts.append(f"\nALL: tuple[type[Estimator], ...] = ({listed})\n")
    return "".join(parts)


def one(name: str, line: str, spec: dict[str, Any], is_log_ratio: bool) -> str:
    settings = {f"{name}_" if keyword.iskeyword(name) else name: about for name, about in spec.get("properties", {}).items()}
    title = name.capitalize()
    doc = [wrapped(f"{line[0].upper()}{line[1:]}.", 4)]
    if "no gradient" in line:
        doc += ["", wrapped("What it gives is a velocity: `evaluate` gives it in place of the gradient, and a D that is 0 everywhere.", 4)]
    if name == "oracle":
        # What the engine takes from the scenario.
        settings = {"target": {"description": "The mixture of Gaussians whose density it knows: the name of a family, or a dict such as a scenario has. Left out in a flow.", "default": None}, **settings}
    if settings:
        doc.append("")
        for setting, about in settings.items():
            doc.append(wrapped(f"{setting}: {about.get('description', '')}{FITTED.get(setting, '')}", 4, 8))
    text = "\n".join(doc).strip()
    body = f'\nclass {title}(Estimator):\n    """{text}\n    """\n\n    name = "{name}"\n'
    if not is_log_ratio:
        body += "    is_log_ratio = False\n"
    names = ", ".join(f"{setting}: Any = {default(about)!r}" for setting, about in settings.items())
    body += f"\n    def __init__(self{', *, ' + names if names else ''}) -> None:\n"
    body += "".join(f"        self.{setting} = {setting}\n" for setting in settings) or "        pass\n"
    return body


def default(about: dict[str, Any]) -> Any:
    value = about["default"]
    # A default that could be changed would be everybody's.
    return tuple(value) if isinstance(value, list) else value


def wrapped(text: str, indent: int, rest: int | None = None) -> str:
    text = " ".join(text.split()).replace("\\", "\\\\")
    return textwrap.fill(text, 140, initial_indent=" " * indent, subsequent_indent=" " * (rest or indent), break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    made = classes()
    if "--check" in sys.argv[1:]:
        sys.exit(0 if FILE.read_text(encoding="utf-8") == made else f"{FILE} is not up to date: python python/make_estimators.py writes it anew")
    FILE.write_text(made, encoding="utf-8")
