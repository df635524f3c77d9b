# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A chart of one number over time as SVG, without any library: the report's picture of the watch."""

from __future__ import annotations

import html
import typing as t

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 260, 64, 16, 40, 40


def ticks(highest: float, count: int = 4) -> list[float]:
    """Round values from 0 to at least the highest."""
    if highest <= 0:
        return [0.0, 1.0]
    raw = highest / count
    size = 10.0 ** len(str(int(raw))) / 10 if raw >= 1 else 0.25
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10, 20) if size * factor >= raw)
    found = [0.0]
    while found[-1] < highest:
        found.append(found[-1] + step)
    return found


def line_chart(title: str, points: t.Sequence[tuple[float, float]], marks: t.Sequence[tuple[float, str]]) -> str:
    """points: (seconds, value). marks: (seconds, text), drawn as vertical lines. Seconds count from the first point."""
    if not points:
        return ""
    times = [point[0] for point in points] + [mark[0] for mark in marks]
    start = min(times)
    end = max(*times, start + 1)
    levels = ticks(max(value for _time, value in points))

    def x(at: float) -> float:
        return LEFT + (at - start) / (end - start) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - value / levels[-1] * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        ' font-family="sans-serif" font-size="12">',
        f'<title>{html.escape(title)}</title><rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        f'<text x="{LEFT}" y="18" font-size="14" font-weight="bold" fill="#1f2430">{html.escape(title)}</text>',
    ]
    for level in levels:
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(level):.1f}" y2="{y(level):.1f}" stroke="#e3e6ec"/>'
        )
        parts.append(f'<text x="{LEFT - 8}" y="{y(level) + 4:.1f}" text-anchor="end" fill="#5b6372">{level:g}</text>')
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        at = start + share * (end - start)
        parts.append(
            f'<text x="{x(at):.1f}" y="{HEIGHT - 14}" text-anchor="middle" fill="#5b6372">{at - start:.0f} s</text>'
        )
    for number, (at, text) in enumerate(marks):
        parts.append(
            f'<line x1="{x(at):.1f}" x2="{x(at):.1f}" y1="{TOP - 8}" y2="{HEIGHT - BOTTOM}"'
            ' stroke="#b3541e" stroke-dasharray="4 3"/>'
        )
        anchor = "end" if x(at) > WIDTH / 2 else "start"
        parts.append(
            f'<text x="{x(at):.1f}" y="{TOP + 4 + 14 * (number % 4):.1f}" dx="{-4 if anchor == "end" else 4}"'
            f' text-anchor="{anchor}" fill="#b3541e">{html.escape(text)}</text>'
        )
    path = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in points)
    parts.append(f'<polyline points="{path}" fill="none" stroke="#2458a6" stroke-width="2"/>')
    parts += [f'<circle cx="{x(at):.1f}" cy="{y(value):.1f}" r="3" fill="#2458a6"/>' for at, value in points]
    return "\n".join([*parts, "</svg>", ""])
