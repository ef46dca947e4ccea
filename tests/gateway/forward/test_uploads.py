"""What counts as an upload, and what is known of its file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.forward.framing import Asked
from gateway.forward.uploads import NAME_LENGTH, NAMES, PATH_BYTES, QUERY_BYTES, file_names, is_upload, shape
from tests.services.way_out import multipart

ASKED = Asked("POST", "http", "web.example", 80, "/upload", "HTTP/1.1", (), "192.168.0.7", "one")


def asked(method: str = "POST", target: str = "/upload", **headers: str) -> Asked:
    return replace(ASKED, method=method, target=target, headers=tuple((name.replace("_", "-"), value) for name, value in headers.items()))


@pytest.mark.parametrize(
    ("target", "body", "upload"),
    [
        ("/", b"", False),
        ("/?q=word", b"", False),
        ("/?" + "q" * (QUERY_BYTES - 1), b"", False),
        ("/?" + "q" * QUERY_BYTES, b"", True),
        ("/" + "p" * (PATH_BYTES - 2), b"", False),
        ("/" + "p" * PATH_BYTES, b"", True),
        ("/", b"x", True),
    ],
)
def test_a_body_or_a_long_target_is_an_upload(target: str, body: bytes, upload: bool) -> None:
    assert is_upload(asked("GET", target), body) is upload


def test_the_first_file_of_a_form_is_what_is_recorded() -> None:
    body, kind = multipart("Liste.CSV", b"content of the file")
    found = shape(asked(content_type=kind), body)
    assert (found.form, found.extension, found.named) == ("multipart", "csv", True)
    assert body[found.file] == b"content of the file"


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        ("a.xlsx", "xlsx"),
        ("Anna Adler 0151 2345678", None),
        ("a.verylongending", None),
        ("a.", None),
        (".csv", "csv"),
        ("a.tar.gz", "gz"),
        ("a.ä", None),
        ("a.c%73v", "csv"),
        ("..\\..\\a.doc", "doc"),
    ],
)
def test_of_a_name_only_a_short_ending_is_kept(name: str, extension: str | None) -> None:
    body, kind = multipart(name, b"x")
    assert shape(asked(content_type=kind), body).extension == extension


@pytest.mark.parametrize(
    ("request_", "body", "form", "extension"),
    [
        (asked("PUT", "/files/list.zip", content_type="application/octet-stream"), b"x", "raw", "zip"),
        (asked("PUT", "/files/list", content_type="text/csv"), b"x", "raw", None),
        (asked(content_type="application/octet-stream", x_file_name="list.pdf"), b"x", "raw", "pdf"),
        (asked(content_type="application/json; charset=utf-8"), b"{}", "json", None),
        (asked(content_type="application/vnd.api+json"), b"{}", "json", None),
        (asked(content_type="application/x-www-form-urlencoded"), b"a=b", "form", None),
        (asked("GET", "/?" + "q" * 200), b"", "query", None),
        (asked(), b"x", "raw", None),
        (asked(content_type="multipart/form-data"), b"no boundary", "multipart", None),
        (
            asked(content_type="multipart/form-data; boundary=b"),
            b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx",
            "multipart",
            None,
        ),
    ],
)
def test_shapes(request_: Asked, body: bytes, form: str, extension: str | None) -> None:
    found = shape(request_, body)
    assert (found.form, found.extension) == (form, extension)


def test_a_form_without_an_end_gives_the_rest_as_its_file() -> None:
    body, kind = multipart("a.csv", b"content")
    cut = body[: body.index(b"content") + 4]
    assert cut[shape(asked(content_type=kind), cut).file] == b"cont"


def test_the_search_for_a_name_ends() -> None:
    body = b"--b\r\n" + b"content-disposition: form-data;" * 200_000
    assert shape(asked(content_type="multipart/form-data; boundary=b"), body).extension is None


def form(*heads: str) -> tuple[Asked, bytes]:
    """A form whose parts have these heads."""
    parts = "".join(f"--line\r\n{head}\r\n\r\ncontent: filename=x\r\n" for head in heads)
    return asked(content_type="multipart/form-data; boundary=line"), f"{parts}--line--\r\n".encode()


@pytest.mark.parametrize(
    ("heads", "names"),
    [
        (['Content-Disposition: form-data; name="a"; filename="Liste.csv"'], ("Liste.csv",)),
        (['Content-Disposition: form-data; name="note"'], ()),
        (
            ['content-disposition: form-data; name="a"; filename="one.csv"', "X: y", "Content-Disposition: form-data; filename=two"],
            ("one.csv", "two"),
        ),
        (["Content-Disposition: form-data; filename*=UTF-8''M%C3%BCller.csv"], ("Müller.csv",)),
        (['Content-Disposition: form-data; filename="Müller.csv"'], ("Müller.csv",)),
        (["Content-Disposition: form-data; filename=\"menu.pdf\"; filename*=UTF-8''clients.csv"], ("menu.pdf = clients.csv",)),
        (["Content-Disposition: form-data; filename=\"a.csv\"; filename*=UTF-8''a.csv"], ("a.csv",)),
        (['Content-Disposition: form-data; filename="gpj.\u202evsc"'], ("gpj.\N{REPLACEMENT CHARACTER}vsc",)),
        ([f'Content-Disposition: form-data; filename="{"x" * 400}"'], ("x" * NAME_LENGTH,)),
    ],
)
def test_who_approves_sees_the_names_of_the_files(heads: list[str], names: tuple[str, ...]) -> None:
    assert file_names(*form(*heads)) == names


def test_of_many_files_some_are_named_and_the_rest_is_counted() -> None:
    heads = [f'Content-Disposition: form-data; filename="{number}.csv"' for number in range(NAMES + 3)]
    assert file_names(*form(*heads)) == (*(f"{number}.csv" for number in range(NAMES)), "+ 3")


def test_a_body_that_is_one_file_is_named_beside_it() -> None:
    assert file_names(asked("PUT", "/files/Liste%20A.csv"), b"x") == ("Liste A.csv",)
    assert file_names(asked(x_file_name="list.pdf"), b"x") == ("list.pdf",)
    assert file_names(asked(), b"x") == ()
    assert file_names(asked("GET", "/?" + "q" * QUERY_BYTES), b"") == ()
