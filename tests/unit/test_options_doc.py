"""docs/options.md says what the code does."""

import runpy
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOC = runpy.run_path(str(ROOT / "scripts/options_doc.py"))


def test_the_page_of_options_is_what_the_code_says():
    assert (ROOT / "docs/options.md").read_text() == DOC["page"](), (
        "run: .venv/bin/python scripts/options_doc.py --write"
    )


def test_no_default_is_without_its_reason():
    bare = [field for field, why in DOC["reasons"]().items() if len(why) < 5]
    assert bare == []


def test_every_setting_can_be_set():
    from bowerbird.cli.options import known_fields
    from bowerbird.settings import Settings

    other_names = {"obey_robots", "obey_tags", "min_width", "min_height", "mode"}
    assert set(Settings.__struct_fields__) - known_fields() == other_names


def test_no_setting_is_left_out():
    from bowerbird.settings import Settings

    assert set(DOC["reasons"]()) == set(Settings.__struct_fields__)
