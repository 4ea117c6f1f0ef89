"""Makes docs/images/crawl.svg: a recording of a real crawl of the demo's gallery, as a terminal
showed it. The picture moves by CSS alone and asks for nothing from anywhere.

python scripts/pictures.py
"""

import io
import re
import tempfile
from pathlib import Path

from rich.console import Console, RenderableType

from bowerbird.app.crawl import Order, carry_out
from bowerbird.cli.panel import panel
from bowerbird.cli.show import summary
from bowerbird.demo import open_gallery
from bowerbird.manager.progress import Progress
from bowerbird.settings import Mode

PICTURES = Path(__file__).resolve().parent.parent / "docs/images"
COMMAND = "$ bowerbird crawl https://example.org/ -o images --delay 0.1"
#: Columns and lines of the terminal.
WIDTH, HEIGHT = 80, 7
#: Frames of the crawl, seconds of each, and seconds of the last one.
FRAMES, FRAME_S, LAST_S = 14, 0.45, 4.0

#: One frame, for `Console.export_svg`: its text alone.
FRAME = """<g class="frame frame-{unique_id}"><style>{styles}</style>
<g class="{unique_id}-matrix text" transform="translate(9, 41)">{backgrounds}{matrix}</g></g>
"""
#: What stands around the frames, in the manner of rich.
PICTURE = """<svg viewBox="0 0 994 {height}" xmlns="http://www.w3.org/2000/svg" role="img">
<title>A crawl in a terminal</title>
<style>
.text {{ font: 20px "DejaVu Sans Mono", Menlo, Consolas, monospace; }}
.frame {{ visibility: hidden; }}
{moves}
@media (prefers-reduced-motion: reduce) {{
  .frame {{ animation: none !important; }} .frame-{last} {{ visibility: visible; }}
}}
</style>
<rect x="1" y="1" width="992" height="{inner}" rx="8" fill="#292929" stroke="#ffffff" stroke-opacity="0.35"/>
<g transform="translate(26, 22)"><circle r="7" fill="#ff5f57"/><circle cx="22" r="7" fill="#febc2e"/><circle cx="44" r="7" fill="#28c840"/></g>
{frames}</svg>
"""  # noqa: E501


def main() -> None:
    """Crawl slowly enough to be seen, and write what the display showed."""
    seen: list[Progress] = []
    with tempfile.TemporaryDirectory() as folder, open_gallery(Path(folder) / "site") as gallery:
        out = Path(folder) / "images"
        order = Order(
            mode=Mode.CRAWL, out=str(out), start=[gallery.url], tell=seen.append,
            options={"delay": 0.1, "workers": 1},
        )  # fmt: skip
        lines = [line.replace(folder + "/", "") for line in summary(carry_out(order))]
    step = max(len(seen) / FRAMES, 1.0)
    shown = [seen[int(n * step)] for n in range(FRAMES) if int(n * step) < len(seen)]
    frames = [("",), *((panel(one),) for one in shown), ("\n".join(lines),)]
    PICTURES.mkdir(exist_ok=True)
    (PICTURES / "crawl.svg").write_text(picture([frame(n, *one) for n, one in enumerate(frames)]))


def frame(number: int, *parts: RenderableType) -> str:
    """One frame as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(COMMAND, highlight=False)
    for part in parts:
        console.print(part, highlight=False)
    made = console.export_svg(title="", unique_id=f"f{number}", code_format=FRAME)
    return re.sub(r' clip-path="[^"]*"', "", made)


def picture(frames: list[str]) -> str:
    """All frames, one after the other, for ever."""
    whole_s = (len(frames) - 1) * FRAME_S + LAST_S
    moves = [_move(n, whole_s, last=n == len(frames) - 1) for n in range(len(frames))]
    height = 41 + HEIGHT * 24.4 + 12
    return PICTURE.format(
        height=round(height), inner=round(height) - 2, moves="\n".join(moves),
        last=f"f{len(frames) - 1}", frames="".join(frames),
    )  # fmt: skip


def _move(number: int, whole_s: float, *, last: bool) -> str:
    began = number * FRAME_S / whole_s * 100
    ended = 100.0 if last else began + FRAME_S / whole_s * 100
    steps = {"0%": not number, f"{began:.2f}%": True, f"{ended:.2f}%": last}
    told = " ".join(
        f"{at} {{ visibility: {'visible' if seen else 'hidden'}; }}" for at, seen in steps.items()
    )
    runs = f".frame-f{number} {{ animation: show-{number} {whole_s:.2f}s step-end infinite; }}"
    return f"@keyframes show-{number} {{ {told} }} {runs}"


if __name__ == "__main__":
    main()
