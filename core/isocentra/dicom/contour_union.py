"""The union of plane polygons; the one place that uses manifold3d's cross-sections.

rings that overlap in part ──► outlines (and holes) of their union
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from manifold3d import CrossSection, FillRule

from isocentra.geometry.grid import Array64

__all__ = ["united"]


def united(rings: Sequence[Array64]) -> list[Array64]:
    """Return the rings (n, 2) of the union of rings (m, 2), each filled even-odd.

    Outer rings and holes alike: filled even-odd together they are the union.
    """
    total = CrossSection()
    for ring in rings:
        total += CrossSection([ring.tolist()], FillRule.EvenOdd)
    return [np.asarray(ring, dtype=np.float64) for ring in total.to_polygons()]
