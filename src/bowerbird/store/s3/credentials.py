"""Where the keys come from: the environment and the instance as the library does, and profiles.

The library reads AWS_ACCESS_KEY_ID and its companions, web identities, containers' and instances'
metadata. It does not read the files of profiles (AWS's "Shared config and credentials files"),
which is done here. Nothing of it is kept, logged or sent.
"""

import os
from configparser import ConfigParser, Error
from pathlib import Path
from typing import TYPE_CHECKING, cast

from bowerbird.errors import UsageError

if TYPE_CHECKING:
    from obstore.store import S3Config, S3CredentialProvider

#: Whoever sets one of these means it, rather than a profile that lies about.
_OTHER_WAYS = (
    "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_SKIP_SIGNATURE",
)  # fmt: skip
#: What a profile calls things, and the library.
_NAMES = (
    ("region", "region"), ("endpoint_url", "endpoint"), ("aws_access_key_id", "access_key_id"),
    ("aws_secret_access_key", "secret_access_key"), ("aws_session_token", "session_token"),
)  # fmt: skip
#: What a profile has that needs more than a look: boto3 knows how.
_LONG_WAYS = ("sso_session", "sso_start_url", "role_arn", "credential_process")


def from_profile() -> "tuple[S3Config, S3CredentialProvider | None]":
    """Options for the library and, for profiles that need one, a provider of keys.

    Raises:
        UsageError: AWS_PROFILE names a profile that is not there, or that needs boto3.
    """
    name = os.environ.get("AWS_PROFILE", "")
    if not name and any(os.environ.get(way) for way in _OTHER_WAYS):
        return {}, None
    profile = _profile(name or "default")
    options = cast("S3Config", {ours: profile[its] for its, ours in _NAMES if its in profile})
    if "access_key_id" in options:
        return options, None
    if any(way in profile for way in _LONG_WAYS):
        return options, _asked_of_boto3(name)
    if name and not profile:
        raise UsageError(f"AWS_PROFILE is {name!r}, which no credentials file has.")
    return options, None


def _profile(name: str) -> dict[str, str]:
    """What both files say of a profile; the credentials file wins."""
    config = _read("AWS_CONFIG_FILE", "~/.aws/config")
    keys = _read("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")
    sections = ((config, name if name == "default" else f"profile {name}"), (keys, name))
    found: dict[str, str] = {}
    for file, section in sections:
        if file.has_section(section):
            found.update(file.items(section))
    return found


def _read(variable: str, default: str) -> ConfigParser:
    parser = ConfigParser(interpolation=None, default_section="\0", strict=False)
    path = Path(os.environ.get(variable) or default).expanduser()
    try:
        parser.read(path, "utf-8")
    except (Error, OSError, UnicodeDecodeError):
        # The reason would repeat the line, which may hold a key.
        raise UsageError(f"{path} cannot be read as a file of profiles.") from None
    return parser


def _asked_of_boto3(name: str) -> "S3CredentialProvider":
    try:
        from boto3 import Session
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError:
        raise UsageError(
            "This AWS profile signs in with SSO, a role or a program, for which boto3 is needed: "
            "pip install boto3. Or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        ) from None
    provider: S3CredentialProvider = Boto3CredentialProvider(Session(profile_name=name or None))
    return provider
