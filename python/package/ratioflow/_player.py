"""The report page in a notebook: offline, in a frame of its own, so that several on one page leave each other alone."""

from __future__ import annotations

import html

#: Height of the frame in pixels; it can be pulled larger.
HEIGHT = 760


def framed(page: str, title: str) -> str:
    """The ``page`` in a frame that may run its own script and nothing else: it has no name on the page around it, and reaches nothing there."""
    return (
        f'<iframe title="{html.escape(title)}" sandbox="allow-scripts" allowfullscreen loading="lazy" srcdoc="{html.escape(page)}" '
        f'style="width:100%;height:{HEIGHT}px;border:0;resize:vertical;overflow:auto"></iframe>'
    )
