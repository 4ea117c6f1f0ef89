"""When a certificate ends is read from it, and told while there is time."""

import contextlib
import ssl
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bowerbird.app.certificate import DAY_S, CertificateWatch
from bowerbird.queues.certificate import make_certificate
from bowerbird.queues.expiry import expires_at, not_after
from bowerbird.testing import ManualClock


def certificate(folder: Path, days: int) -> str:
    file = folder / "cert.pem"
    make_certificate(file, folder / "key.pem", ["localhost"], days)
    return str(file)


@pytest.mark.parametrize("days", [2, 20_000])  # from 2050 on the date has another form
def test_the_end_is_read_in_both_forms(tmp_path: Path, days: int) -> None:
    ends_s = expires_at(certificate(tmp_path, days))
    assert ends_s is not None
    assert abs(ends_s - time.time() - days * DAY_S) < 600


def test_what_is_no_certificate_has_no_end(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nno\n")
    assert expires_at(str(tmp_path / "cert.pem")) is None
    assert expires_at(str(tmp_path / "nowhere.pem")) is None


@given(st.binary(max_size=64))
def test_whatever_bytes_there_are_it_is_a_date_or_refused(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        not_after(data)


def test_a_certificate_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    pem = Path(certificate(tmp_path, 3)).read_text()
    whole = ssl.PEM_cert_to_DER_cert(pem)
    assert not_after(whole) > 0
    for length in range(len(whole)):
        with pytest.raises(ValueError):
            not_after(whole[:length])


def test_each_stage_is_told_once_and_the_end_as_well(tmp_path: Path) -> None:
    said: list[str] = []
    ends_s = expires_at(file := certificate(tmp_path, 40)) or 0.0
    clock = ManualClock(wall_s=ends_s - 40 * DAY_S)
    watch = CertificateWatch(file, clock, said.append)
    told = []
    for _ in range(41 * 4):
        watch.look()
        told.append(len(said))
        clock.advance(DAY_S / 4)
    assert len(said) == 4  # 30 days, a week, a day, over
    assert told[9 * 4] == 0
    assert all("expires soon" in one for one in said[:3])
    assert "has expired" in said[3]
    assert file in said[3]


def test_without_a_certificate_there_is_nothing_to_say() -> None:
    CertificateWatch("", ManualClock(), pytest.fail).look()
