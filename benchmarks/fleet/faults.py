"""Random faults while a crawl goes on: what is lost, what is stored twice."""

import tempfile
from pathlib import Path

from tests.net.chaos import Story, storm
from tests.net.fleet import Fleet, served_on
from tests.net.lan import local_network

from benchmarks.tables import table


def section(seeds: list[int], faults: int, longest_s: float) -> str:
    """One line for each seed."""
    stories = [_story(seed, faults, longest_s) for seed in seeds]
    head = ["seed", "faults", "images", "lost", "stored twice", "damaged", "unexpected",
            "faults of audit", "requests for a second time", "seconds"]  # fmt: skip
    return table(head, [_line(story) for story in stories]) + _kinds(stories)


def _story(seed: int, faults: int, longest_s: float) -> Story:
    with tempfile.TemporaryDirectory() as folder, local_network() as lan:
        fleet = Fleet(lan, Path(folder))
        try:
            with served_on(lan.host("web"), {}) as web:
                story = storm(fleet, web, seed, faults, longest_s)
        finally:
            fleet.close()
    print(f"seed {seed}: {'; '.join(story.faults)}", flush=True)
    return story


def _line(story: Story) -> list[str]:
    found = story.verdict
    assert found
    numbers = [len(found.wanted), len(found.lost), len(found.twice), len(found.damaged),
               len(found.unexpected), len(found.faults), story.again]  # fmt: skip
    counted = [f"{number:,}" for number in numbers]
    return [str(story.seed), str(len(story.faults)), *counted, f"{story.seconds:.0f}"]


def _kinds(stories: list[Story]) -> str:
    """What happened, in words."""
    lines = [f"- seed {story.seed}: {'; '.join(story.faults)}\n" for story in stories]
    return "\nFaults, in their order:\n\n" + "".join(lines)
