"""What a Redis says of itself."""


def facts(info: bytes) -> dict[str, str]:
    """The answer to `INFO`, as names and values."""
    pairs = (text.partition(":") for text in info.decode("utf-8", "replace").splitlines())
    return {name: value for name, colon, value in pairs if colon}
