"""Pictures with Matplotlib, for those who want to change them; the engine draws its own."""

from __future__ import annotations

from typing import Any

import numpy as np


def draw(cloud: Any, target: Any, log_ratio: Any, field: Any, title: str, ax: Any, around: Any = None) -> Any:
    """A cloud (n, 2) over a target sample (m, 2), coloured by the log ratio (n), with a velocity field ``(xs, ys, velocity)``. Returns the axes."""
    if ax is None:
        import matplotlib.pyplot

        ax = matplotlib.pyplot.subplots(figsize=(5.5, 5.5))[1]
    if target is not None:
        ax.scatter(target[:, 0], target[:, 1], s=3, c="0.78", linewidths=0, label="target", zorder=1)
    if field is not None:
        xs, ys, velocity = field
        every = slice(None, None, max(1, len(xs) // 20))
        u, v = velocity[every, every, 0], velocity[every, every, 1]
        moving = np.hypot(u, v) > 0
        grid = np.meshgrid(xs[every], ys[every])
        if moving.any():
            ax.quiver(grid[0][moving], grid[1][moving], u[moving], v[moving], color="0.45", width=0.0025, zorder=2)
    if log_ratio is None:
        ax.scatter(cloud[:, 0], cloud[:, 1], s=5, c="C0", linewidths=0, label="cloud", zorder=3)
    else:
        most = float(np.quantile(np.abs(log_ratio), 0.98)) or 1.0
        ax.scatter(cloud[:, 0], cloud[:, 1], s=5, c=log_ratio, cmap="RdBu", vmin=-most, vmax=most, linewidths=0, label="cloud", zorder=3)
    if around is not None:
        low, high = around.reshape(-1, 2).min(axis=0), around.reshape(-1, 2).max(axis=0)
        margin = 0.05 * float((high - low).max()) or 1.0
        ax.set_xlim(low[0] - margin, high[0] + margin)
        ax.set_ylim(low[1] - margin, high[1] + margin)
    ax.set_aspect("equal")
    ax.set_title(title)
    return ax
