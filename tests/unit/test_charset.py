"""Encodings as browsers decide them."""

import pytest

from bowerbird.extract.charset import codec_of, decode_css, encoding_of, html_as_utf8, prescan

#: https://encoding.spec.whatwg.org/#names-and-labels, all of them.
LABELS = {
    "utf-8": "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf-8 utf8 x-unicode20utf8",
    "ibm866": "866 cp866 csibm866 ibm866",
    "iso-8859-2": "csisolatin2 iso-8859-2 iso-ir-101 iso8859-2 iso88592 iso_8859-2"
    " iso_8859-2:1987 l2 latin2",
    "iso-8859-3": "csisolatin3 iso-8859-3 iso-ir-109 iso8859-3 iso88593 iso_8859-3"
    " iso_8859-3:1988 l3 latin3",
    "iso-8859-4": "csisolatin4 iso-8859-4 iso-ir-110 iso8859-4 iso88594 iso_8859-4"
    " iso_8859-4:1988 l4 latin4",
    "iso-8859-5": "csisolatincyrillic cyrillic iso-8859-5 iso-ir-144 iso8859-5 iso88595"
    " iso_8859-5 iso_8859-5:1988",
    "iso-8859-6": "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6"
    " iso-8859-6-e iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987",
    "iso-8859-7": "csisolatingreek ecma-118 elot_928 greek greek8 iso-8859-7 iso-ir-126 iso8859-7"
    " iso88597 iso_8859-7 iso_8859-7:1987 sun_eu_greek",
    "iso-8859-8": "csiso88598e csisolatinhebrew hebrew iso-8859-8 iso-8859-8-e iso-ir-138"
    " iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 visual",
    "iso-8859-8-i": "csiso88598i iso-8859-8-i logical",
    "iso-8859-10": "csisolatin6 iso-8859-10 iso-ir-157 iso8859-10 iso885910 l6 latin6",
    "iso-8859-13": "iso-8859-13 iso8859-13 iso885913",
    "iso-8859-14": "iso-8859-14 iso8859-14 iso885914",
    "iso-8859-15": "csisolatin9 iso-8859-15 iso8859-15 iso885915 iso_8859-15 l9",
    "iso-8859-16": "iso-8859-16",
    "koi8-r": "cskoi8r koi koi8 koi8-r koi8_r",
    "koi8-u": "koi8-ru koi8-u",
    "macintosh": "csmacintosh mac macintosh x-mac-roman",
    "windows-874": "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 windows-874",
    "windows-1250": "cp1250 windows-1250 x-cp1250",
    "windows-1251": "cp1251 windows-1251 x-cp1251",
    "windows-1252": "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100"
    " iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii windows-1252 x-cp1252",
    "windows-1253": "cp1253 windows-1253 x-cp1253",
    "windows-1254": "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9"
    " iso_8859-9:1989 l5 latin5 windows-1254 x-cp1254",
    "windows-1255": "cp1255 windows-1255 x-cp1255",
    "windows-1256": "cp1256 windows-1256 x-cp1256",
    "windows-1257": "cp1257 windows-1257 x-cp1257",
    "windows-1258": "cp1258 windows-1258 x-cp1258",
    "x-mac-cyrillic": "x-mac-cyrillic x-mac-ukrainian",
    "gbk": "chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 gbk iso-ir-58 x-gbk",
    "gb18030": "gb18030",
    "big5": "big5 big5-hkscs cn-big5 csbig5 x-x-big5",
    "euc-jp": "cseucpkdfmtjapanese euc-jp x-euc-jp",
    "iso-2022-jp": "csiso2022jp iso-2022-jp",
    "shift_jis": "csshiftjis ms932 ms_kanji shift-jis shift_jis sjis windows-31j x-sjis",
    "euc-kr": "cseuckr csksc56011987 euc-kr iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989"
    " ksc5601 ksc_5601 windows-949",
    "replacement": "csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr replacement",
    "utf-16be": "unicodefffe utf-16be",
    "utf-16le": "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16 utf-16le",
    "x-user-defined": "x-user-defined",
}


@pytest.mark.parametrize(
    ("label", "name"), [(label, name) for name, all in LABELS.items() for label in all.split()]
)
def test_a_label_of_the_standard_is_unknown(label: str, name: str) -> None:
    assert name == encoding_of(label)
    assert name == encoding_of(f"\t{label.upper()} ")


@pytest.mark.parametrize("name", sorted(LABELS.keys() - {"replacement"}))
def test_every_encoding_can_be_read(name: str) -> None:
    wide = {"utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}
    text, charset = html_as_utf8(
        "<p>ok".encode(wide.get(name, "ascii")), f"text/html;charset={name}"
    )

    assert (b"<p>ok", name) == (text, charset)
    assert codec_of(name)


@pytest.mark.parametrize("label", ["", "utf-7", "utf-32", "latin-1", "x", "\xa0utf-8", "cp-1252"])
def test_what_the_standard_does_not_know_counts_for_nothing(label: str) -> None:
    assert encoding_of(label) == ""


PRESCANS = [
    ('<meta charset="utf-8">', "utf-8"),
    ("<META CHARSET='Shift_JIS'/>", "shift_jis"),
    ("<meta charset=windows-1251>", "windows-1251"),
    ("<meta charset = koi8-r >", "koi8-r"),
    ("<meta\fcharset=koi8-r>", "koi8-r"),
    ("<meta/charset=koi8-r>", "koi8-r"),
    ('<meta http-equiv="Content-Type" content="text/html; charset=gbk">', "gbk"),
    ("<meta content='text/html; charset=\"big5\"' http-equiv=content-type>", "big5"),
    ("<meta content='text/html; charset = euc-kr;x' http-equiv=CONTENT-TYPE>", "euc-kr"),
    ("<meta content='charset charset=euc-kr' http-equiv=content-type>", "euc-kr"),
    ("<meta http-equiv=refresh content='text/html; charset=gbk'>", ""),
    ("<meta content='text/html; charset=gbk'>", ""),
    ("<!-- <meta charset=gbk> --><meta charset=big5>", "big5"),
    ("<!--><meta charset=gbk>", "gbk"),
    ("<!---><meta charset=gbk>", "gbk"),
    ("<!-- <meta charset=gbk>", ""),
    ("<p title='<meta charset=gbk>'><meta charset=big5>", "big5"),
    ("<p title=x<meta charset=gbk>", ""),
    ("</p title='<meta charset=gbk>'><meta charset=big5>", "big5"),
    ("<!doctype '<meta charset=gbk>'><meta charset=big5>", "big5"),
    ("<? <meta charset=gbk> ?>", ""),
    ("<metax charset=gbk>", ""),
    ("<meta charset=nonsense><meta charset=gbk>", "gbk"),
    ("<meta charset=gbk charset=big5>", "gbk"),
    ("<meta charset=''><meta charset=gbk>", "gbk"),
    ("<meta charset=utf-16>", "utf-8"),
    ("<meta charset=utf-16be>", "utf-8"),
    ("<meta charset=x-user-defined>", "windows-1252"),
    ("<script>'<meta charset=gbk>'</script>", "gbk"),
    ("<meta name=x =charset=gbk>", ""),
    ("<?xml version='1.0' encoding='iso-8859-2'?>", "iso-8859-2"),
    ('<?xml encoding = "utf-16"?>', "utf-8"),
    ("<?xml encoding='iso-8859-2'?><meta charset=gbk>", "gbk"),
    ("<html><head></head>", ""),
    ("", ""),
    ("<meta", ""),
    ("<meta charset", ""),
    ("<meta charset='gbk", ""),
]


@pytest.mark.parametrize(("head", "charset"), PRESCANS)
def test_the_prescan_reads_what_browsers_read(head: str, charset: str) -> None:
    assert charset == prescan(head.encode())


def test_the_prescan_stops_after_1024_bytes() -> None:
    late = b" " * 1_010 + b"<meta charset=gbk>\xb0\xa1"

    assert html_as_utf8(late)[1] == "windows-1252"


@pytest.mark.parametrize(
    ("body", "header", "charset", "text"),
    [
        ("ä".encode(), "", "utf-8", "ä"),
        (b"\xe4", "", "windows-1252", "ä"),
        (b"\xef\xbb\xbf\xc3\xa4", "text/html; charset=gbk", "utf-8", "ä"),
        (b"\xff\xfe\xe4\x00", "text/html; charset=utf-8", "utf-16le", "ä"),
        (b"\xfe\xff\x00\xe4", "", "utf-16be", "ä"),
        (b"\xe4", 'text/html; charset="ISO-8859-1"', "windows-1252", "ä"),
        (b"\xe4", "text/html;charset='latin1'", "windows-1252", "ä"),
        (b"<meta charset=gbk>\xb0\xa1", "text/html; charset=big5", "big5", "<meta charset=gbk>陛"),
        (b"<meta charset=gb2312>\x81\x40", "", "gbk", "<meta charset=gb2312>丂"),
        (b"\x1b$B<L??\x1b(B", "text/html; charset=iso-2022-jp", "iso-2022-jp", "写真"),
        (b"<a>\x80", "text/html; charset=x-user-defined", "x-user-defined", "<a>\uf780"),
        (b"<a href=x>", "text/html; charset=hz-gb-2312", "replacement", "\ufffd"),
        (b"\xe4", "text/html; charset=nonsense", "windows-1252", "ä"),
    ],
)
def test_html_is_read_in_its_encoding(body: bytes, header: str, charset: str, text: str) -> None:
    assert (text.encode(), charset) == html_as_utf8(body, header)


@pytest.mark.parametrize(
    ("body", "header", "fallback", "charset"),
    [
        (b'@charset "gbk";a{}', "", "", "gbk"),
        (b"@charset 'gbk';a{}", "", "", "utf-8"),
        (b'@charset  "gbk";a{}', "", "", "utf-8"),
        (b'@charset "utf-16";a{}', "", "gbk", "utf-8"),
        (b'@charset "gbk";a{}', "text/css; charset=big5", "", "big5"),
        (b"\xef\xbb\xbfa{}", "text/css; charset=big5", "gbk", "utf-8"),
        (b"a{}", "text/css", "windows-1252", "windows-1252"),
        (b"a{}", "text/css", "", "utf-8"),
    ],
)
def test_css_is_read_in_its_encoding(body: bytes, header: str, fallback: str, charset: str) -> None:
    assert charset == decode_css(body, header, fallback)[1]
