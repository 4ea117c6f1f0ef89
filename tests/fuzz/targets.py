"""All targets, by name."""

from tests.fuzz import documents, inputs, messages, pictures
from tests.fuzz.target import Target

TARGETS: dict[str, Target] = {
    target.name: target
    for part in (documents, inputs, messages, pictures)
    for target in part.TARGETS
}
