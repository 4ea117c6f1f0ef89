"""Makes docs/pictures/crawl.svg: the display of a real crawl of the demo's gallery, part way.

python scripts/pictures.py
"""

import io
import tempfile
from pathlib import Path

from rich.console import Console

from bowerbird.app.crawl import Order, carry_out
from bowerbird.cli.panel import panel
from bowerbird.cli.show import summary
from bowerbird.demo import open_gallery
from bowerbird.manager.progress import Progress
from bowerbird.settings import Mode

PICTURES = Path(__file__).resolve().parent.parent / "docs/pictures"


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
    console = Console(record=True, width=80, file=io.StringIO(), force_terminal=True)
    console.print("$ bowerbird crawl https://example.org/ -o images --delay 0.1", highlight=False)
    console.print(panel(_middle(seen)))
    console.print("\nand at its end\n", style="dim")
    console.print("\n".join(lines), highlight=False)
    PICTURES.mkdir(exist_ok=True)
    console.save_svg(str(PICTURES / "crawl.svg"), title="bowerbird", unique_id="bowerbird")


def _middle(seen: list[Progress]) -> Progress:
    busy = [one for one in seen if one.waiting and one.images_per_s]
    return busy[len(busy) * 2 // 3]


if __name__ == "__main__":
    main()
