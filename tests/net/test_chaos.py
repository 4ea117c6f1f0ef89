"""Random faults, one after the other. A seed that fails fails again.

The long form, 20 faults, is `python -m benchmarks.fleet --only faults`.
"""

from tests.net.chaos import storm
from tests.net.fleet import served_on


def test_random_faults_lose_nothing_and_store_nothing_twice(lan, fleet):
    with served_on(lan.host("web"), {}) as web:
        story = storm(fleet, web, seed=1, faults=5, longest_s=3.0)

    print(story.faults)
    assert story.verdict
    story.verdict.assert_whole()
