"""Downloads from mirrors that are honest, flaky, moved, stale, or lie."""

import hashlib
import io
import json
import ssl
import threading
import zipfile
from pathlib import Path
from urllib.error import URLError
from urllib.request import OpenerDirector

import pytest

from easyportrait.data.download import Network, Part, address, download, shown
from easyportrait.data.fetch import Fetched, as_source, fetch, unpack
from easyportrait.data.registry import Archive, Release
from easyportrait.errors import BadInput, DownloadFailed, OutputUnwritable
from tests import mirror as tricks
from tests.mirror import Mirror

NAME = "images.zip"
QUICK = Network(timeout_s=0.3, tries=4, wait_s=0.001, redirects=3)


def a_zip(**members: bytes) -> bytes:
    """The same bytes at any time: a plain name would be packed with the clock's date."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name.replace("__", "/").replace("_", ".")), data)
    return buffer.getvalue()


DATA = a_zip(train__a_jpg=bytes(range(256)) * 200, val__b_jpg=b"b" * 999)
CHANGED = a_zip(train__a_jpg=bytes(range(255, -1, -1)) * 200, val__b_jpg=b"c" * 999)
SHA = hashlib.sha256(DATA).hexdigest()
assert len(DATA) == len(CHANGED)


def release(*mirrors: Mirror, size: int | None = len(DATA), sha256: str | None = SHA) -> Release:
    urls = tuple(f"{m.url}/{NAME}" for m in mirrors)
    return Release("v1", "two pictures", "CC0-1.0", (Archive(NAME, urls, size, sha256),))


def unknown(*mirrors: Mirror) -> Release:
    return release(*mirrors, size=None, sha256=None)


def get(what: Release, folder: Path, network: Network = QUICK, **options: object) -> Fetched:
    (fetched,) = fetch(what, folder, network=network, **options)  # type: ignore[arg-type]
    return fetched


def names(folder: Path) -> set[str]:
    """What lies there, but for the empty file that a lock is held on."""
    return {p.name for p in folder.iterdir()} - {".fetch.lock"}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def serve(mirror: Mirror, other: Mirror) -> None:
    mirror.files = {f"/{NAME}": DATA}
    other.files = {f"/{NAME}": DATA}


# -- the good path -------------------------------------------------------------------------


def test_an_archive_is_fetched_verified_and_noted(mirror: Mirror, out: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    fetched = get(release(mirror), out, progress=lambda *now: seen.append(now))
    assert fetched.path == out / NAME and fetched.path.read_bytes() == DATA
    assert (fetched.size, fetched.sha256) == (len(DATA), SHA)
    assert fetched.origin == f"{mirror.url}/{NAME}" and fetched.compared_with == "the registry"
    assert names(out) == {NAME, "fetched.json"}
    assert json.loads((out / "fetched.json").read_text()) == {
        "release": "v1",
        "archives": {NAME: {"size": len(DATA), "sha256": SHA, "origin": fetched.origin}},
    }
    assert ("downloading images.zip", len(DATA), len(DATA)) in seen
    assert seen[-1] == ("checking images.zip", len(DATA), len(DATA))


def test_what_is_there_is_verified_and_not_fetched_again(mirror: Mirror, out: Path) -> None:
    get(release(mirror), out)
    before, asked = (out / NAME).stat(), len(mirror.asked)
    again = get(release(mirror), out)
    assert again.origin == "" and again.compared_with == "the registry"
    assert len(mirror.asked) == asked and (out / NAME).stat() == before
    assert json.loads((out / "fetched.json").read_text())["archives"][NAME]["origin"]


def test_what_is_there_and_wrong_is_refused_and_left_alone(mirror: Mirror, out: Path) -> None:
    out.mkdir()
    for wrong, message in ((CHANGED, f"the registry says {SHA}"), (b"short", "is 5 bytes long")):
        (out / NAME).write_bytes(wrong)
        with pytest.raises(DownloadFailed, match=message) as caught:
            get(release(mirror), out)
        assert str(out / NAME) in str(caught.value) and "move it away" in str(caught.value)
        assert (out / NAME).read_bytes() == wrong
    assert mirror.asked == []


def test_redirects_are_followed(mirror: Mirror, other: Mirror, out: Path) -> None:
    mirror.tricks = [
        tricks.redirect("/elsewhere.zip", 301),
        tricks.redirect(f"{other.url}/{NAME}?token=secret", 308),
    ]
    assert get(release(mirror), out).path.read_bytes() == DATA
    assert [a["Path"] for a in mirror.asked] == [f"/{NAME}", "/elsewhere.zip"]


def test_a_file_in_chunks_of_unknown_length_is_fetched(mirror: Mirror, out: Path) -> None:
    mirror.always = tricks.chunked(DATA)
    assert get(unknown(mirror), out).path.read_bytes() == DATA


# -- going on ------------------------------------------------------------------------------


def test_a_cut_connection_goes_on_where_it_stopped(mirror: Mirror, out: Path) -> None:
    mirror.tricks = [tricks.cut(1000), tricks.cut(500), tricks.stall(200, 0.5)]
    assert get(release(mirror), out).path.read_bytes() == DATA
    assert mirror.ranges == [None, "bytes=1000-", "bytes=1500-", "bytes=1700-"]
    assert mirror.asked[1]["If-Range"] == '"1"'
    assert names(out) == {NAME, "fetched.json"}


@pytest.mark.parametrize("known", [True, False])
def test_a_later_run_goes_on_where_a_stopped_one_was(
    mirror: Mirror, out: Path, known: bool
) -> None:
    what = release(mirror) if known else unknown(mirror)

    def stop(what: str, done: int, total: int | None) -> None:
        raise KeyboardInterrupt

    mirror.tricks = [tricks.cut(1000)]
    with pytest.raises(KeyboardInterrupt):
        get(what, out, progress=stop)
    assert names(out) == {f"{NAME}.part", f"{NAME}.part.json"}
    assert 0 < (out / f"{NAME}.part").stat().st_size <= 1000
    assert get(what, out).path.read_bytes() == DATA
    assert mirror.ranges[-1] and names(out) == {NAME, "fetched.json"}


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("ETag", '"1"', '"2"'),
        ("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT", "Tue, 02 Jan 2024 00:00:00 GMT"),
    ],
)
def test_a_file_that_changed_on_the_server_starts_anew(
    mirror: Mirror, out: Path, known: bool, kind: str, before: str, after: str
) -> None:
    mirror.marks, mirror.files = {kind: before}, {f"/{NAME}": CHANGED}

    def change(handler: tricks.Handler) -> None:
        mirror.marks, mirror.files = {kind: after}, {f"/{NAME}": DATA}
        tricks.honest(handler)

    mirror.tricks = [tricks.cut(1000), change]
    what = release(mirror) if known else unknown(mirror)
    assert get(what, out).path.read_bytes() == DATA
    assert mirror.ranges == [None, "bytes=1000-"]


def test_a_server_that_sends_a_piece_of_another_version_is_caught(
    mirror: Mirror, out: Path
) -> None:
    """It knows ranges but not If-Range, so the ETag in its answer must tell."""
    piece = tricks.say(
        206, DATA[1000:], Content_Range=f"bytes 1000-{len(DATA) - 1}/{len(DATA)}", ETag='"2"'
    )
    mirror.tricks = [tricks.cut(1000), piece]
    assert get(unknown(mirror), out).path.read_bytes() == DATA
    assert mirror.ranges == [None, "bytes=1000-", None]


def test_without_a_mark_or_a_hash_nothing_is_joined(mirror: Mirror, out: Path) -> None:
    mirror.marks = {"ETag": 'W/"weak"'}
    mirror.tricks = [tricks.cut(1000)]
    assert get(unknown(mirror), out).path.read_bytes() == DATA
    assert mirror.ranges == [None, None]


def test_without_a_mark_but_with_a_hash_pieces_are_joined(mirror: Mirror, out: Path) -> None:
    mirror.marks = {}
    mirror.tricks = [tricks.cut(1000)]
    assert get(release(mirror), out).path.read_bytes() == DATA
    assert mirror.ranges == [None, "bytes=1000-"] and "If-Range" not in mirror.asked[1]


def test_pieces_that_do_not_fit_are_fetched_once_more_from_the_start(
    mirror: Mirror, out: Path
) -> None:
    mirror.marks, mirror.files = {}, {f"/{NAME}": CHANGED}

    def change(handler: tricks.Handler) -> None:
        mirror.files = {f"/{NAME}": DATA}
        tricks.honest(handler)

    mirror.tricks = [tricks.cut(1000), change]
    assert get(release(mirror), out).path.read_bytes() == DATA
    assert mirror.ranges == [None, "bytes=1000-", None]


def test_a_server_that_ignores_ranges_starts_anew(mirror: Mirror, out: Path) -> None:
    mirror.tricks = [tricks.cut(1000), tricks.ignore_range]
    assert get(release(mirror), out).path.read_bytes() == DATA


def test_a_server_that_ignores_ranges_and_always_cuts_is_given_up(
    mirror: Mirror, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("easyportrait.data.download.BLOCK", 100)

    def cut_anywhere(handler: tricks.Handler) -> None:
        del handler.headers["Range"]
        tricks.cut(1000 + 500 * (len(mirror.asked) % 2))(handler)

    mirror.always = cut_anywhere
    with pytest.raises(DownloadFailed, match=r"ended after .* bytes \(tried 4 times\)"):
        get(release(mirror), out)
    assert len(mirror.asked) == 4


def test_a_server_that_trickles_is_given_up(mirror: Mirror, out: Path) -> None:
    mirror.always = tricks.cut(1)
    with pytest.raises(DownloadFailed, match=r"ended after 4 of .* bytes \(tried 4 times\)"):
        get(release(mirror), out)
    assert len(mirror.asked) == 4


def test_another_piece_than_asked_for_is_not_joined(mirror: Mirror, out: Path) -> None:
    wrong = tricks.say(206, DATA[900:], Content_Range=f"bytes 900-{len(DATA) - 1}/{len(DATA)}")
    mirror.tricks = [tricks.cut(1000), wrong]
    assert get(release(mirror), out).path.read_bytes() == DATA
    assert mirror.ranges == [None, "bytes=1000-", None]


def test_a_part_that_is_whole_already_is_only_verified(mirror: Mirror, out: Path) -> None:
    """As when a run is killed between the last byte and the renaming."""
    out.mkdir()
    (out / f"{NAME}.part").write_bytes(DATA)
    assert get(release(mirror), out).path.read_bytes() == DATA and mirror.asked == []


def test_a_whole_part_of_unknown_size_is_confirmed_by_the_server(mirror: Mirror, out: Path) -> None:
    def fail(what: str, done: int, total: int | None) -> None:
        if what.startswith("checking"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        get(unknown(mirror), out, progress=fail)
    assert get(unknown(mirror), out).path.read_bytes() == DATA
    assert mirror.ranges == [None, f"bytes={len(DATA)}-"]


def test_a_part_longer_than_the_file_starts_anew(mirror: Mirror, out: Path) -> None:
    out.mkdir()
    (out / f"{NAME}.part").write_bytes(DATA + b"more")
    assert get(release(mirror), out).path.read_bytes() == DATA
    assert get(release(mirror, size=None), out).origin == ""
    (out / NAME).unlink()
    (out / f"{NAME}.part").write_bytes(DATA + b"more")  # the server answers 416
    assert get(release(mirror, size=None), out).path.read_bytes() == DATA
    assert mirror.ranges == [None, f"bytes={len(DATA) + 4}-", None]


def test_damaged_notes_cost_a_fresh_start_only(mirror: Mirror, out: Path) -> None:
    out.mkdir()
    (out / f"{NAME}.part").write_bytes(b"of unknown origin")
    (out / f"{NAME}.part.json").write_text('{"urls": 3')
    assert get(unknown(mirror), out).path.read_bytes() == DATA
    assert mirror.ranges == [None]


# -- mirrors -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trick", "asked", "message"),
    [
        (tricks.status(404), 1, "answers 404 Not Found"),
        (tricks.status(403), 1, "answers 403 Forbidden"),
        (tricks.status(204), 1, "answers 204 No Content"),
        (tricks.status(503), 4, r"answers 503 Service Unavailable \(tried 4 times\)"),
        (tricks.hang(0.5), 4, r"no answer: timed out \(tried 4 times\)"),
        (tricks.say(200, b"<html>", Content_Type="text/html; charset=utf-8"), 1, "a web page"),
        (tricks.say(200, DATA, Content_Encoding="gzip"), 1, r"packs the file \(gzip\)"),
        (tricks.say(200, b"", Content_Length=7), 1, "the file is 7 bytes there, not"),
        (tricks.say(206, b"", Content_Range="bytes 0-6/7"), 1, "answers 206"),
        (tricks.chunked(DATA + b"more"), 1, f"sends more than {len(DATA):,} bytes"),
        (tricks.chunked(DATA[:-9], whole=False), 4, "the connection"),
        (tricks.say(200, CHANGED, Content_Length=len(DATA)), 1, f"the registry says {SHA}"),
        (tricks.redirect("file:///etc/passwd"), 1, "leads astray: 'file:///etc/passwd'"),
        (tricks.redirect("ftp://127.0.0.1/images.zip"), 1, "leads astray: 'ftp:"),
        (tricks.redirect("data:,x"), 1, "leads astray: 'data:"),
        (tricks.redirect("http://[bad/"), 1, "leads astray: Invalid IPv6"),
        (tricks.redirect("http://a..b/"), 1, "leads astray: .*a..b/.* is not an address"),
        (tricks.redirect(f"/{NAME}"), 4, "more than 3 redirects"),
        (tricks.redirect(""), 4, "more than 3 redirects"),
    ],
)  # fmt: skip
def test_a_mirror_that_fails_is_named_and_the_next_one_asked(
    mirror: Mirror, other: Mirror, out: Path, trick: tricks.Trick, asked: int, message: str
) -> None:
    mirror.always = trick
    with pytest.raises(DownloadFailed, match=message) as caught:
        get(release(mirror), out)
    assert f"{mirror.url}/{NAME}" in str(caught.value)
    assert f"put at {out / NAME} by hand ({len(DATA):,} bytes, SHA-256 {SHA})" in str(caught.value)
    assert len(mirror.asked) == asked
    assert not (out / NAME).exists() and not (out / "fetched.json").exists()
    assert get(release(mirror, other), out).origin == f"{other.url}/{NAME}"
    assert names(out) == {NAME, "fetched.json"}


def test_a_mirror_that_lies_leaves_nothing(mirror: Mirror, out: Path) -> None:
    mirror.files[f"/{NAME}"] = CHANGED
    with pytest.raises(DownloadFailed, match=f"{mirror.url}/{NAME}: what it sends has the SHA-256"):
        get(release(mirror), out)
    assert names(out) == set() and len(mirror.asked) == 1


def test_a_mirror_that_is_down_for_a_moment_is_asked_again(mirror: Mirror, out: Path) -> None:
    mirror.tricks = [tricks.status(500), tricks.status(429, Retry_After="0"), tricks.hang(0)]
    assert get(release(mirror), out).path.read_bytes() == DATA
    assert len(mirror.asked) == 4


def test_the_next_mirror_goes_on_where_the_first_died(
    mirror: Mirror, other: Mirror, out: Path
) -> None:
    other.marks = {"ETag": '"otherwise"'}
    mirror.tricks, mirror.always = [tricks.cut(1000)], tricks.status(404)
    assert get(release(mirror, other), out).path.read_bytes() == DATA
    assert other.ranges == ["bytes=1000-"] and "If-Range" not in other.asked[0]


def test_without_a_hash_mirrors_are_not_mixed(mirror: Mirror, other: Mirror, out: Path) -> None:
    mirror.tricks, mirror.always = [tricks.cut(1000)], tricks.status(404)
    assert get(unknown(mirror, other), out).path.read_bytes() == DATA
    assert other.ranges == [None]


def test_a_dead_mirror_does_not_cost_what_came_from_another(
    mirror: Mirror, other: Mirror, out: Path
) -> None:
    other.always = tricks.say(200, b"<html>moved</html>", Content_Type="text/html")
    mirror.tricks, mirror.always = [tricks.cut(1000)], tricks.status(404)
    with pytest.raises(DownloadFailed):
        get(release(mirror, other), out)
    assert (out / f"{NAME}.part").read_bytes() == DATA[:1000]


def test_a_host_that_is_gone_is_said(out: Path, mirror: Mirror) -> None:
    gone = Mirror("http://127.0.0.1:1")
    with pytest.raises(DownloadFailed, match="no answer: Connection refused"):
        get(release(gone), out)
    assert get(release(gone, mirror), out).origin.startswith(mirror.url)


def test_a_mirror_with_a_shorter_file_does_not_cost_what_came(
    mirror: Mirror, other: Mirror, out: Path
) -> None:
    other.files = {f"/{NAME}": DATA[:1000]}
    mirror.tricks, mirror.always = [tricks.cut(1000)], tricks.status(404)
    with pytest.raises(DownloadFailed, match="the file is 1,000 bytes there, not"):
        get(release(mirror, other), out)
    assert other.ranges == ["bytes=1000-"]
    assert (out / f"{NAME}.part").read_bytes() == DATA[:1000]


def test_a_web_page_in_place_of_a_zip_is_refused_without_a_hash(mirror: Mirror, out: Path) -> None:
    mirror.files[f"/{NAME}"] = b"This dataset has moved."
    with pytest.raises(DownloadFailed, match="what it sends is not a zip file"):
        get(unknown(mirror), out)
    assert names(out) == set()


def test_a_file_of_unknown_end_is_refused_without_a_hash(mirror: Mirror, out: Path) -> None:
    mirror.always = tricks.say(200, DATA)
    with pytest.raises(DownloadFailed, match="says how long the file is"):
        get(unknown(mirror), out)
    assert get(release(mirror), out).path.read_bytes() == DATA


def test_a_file_of_unknown_size_is_limited(mirror: Mirror, out: Path) -> None:
    mirror.always = tricks.chunked(DATA)
    little = Network(timeout_s=0.3, tries=1, max_bytes=5000)
    came: list[int] = []
    with pytest.raises(DownloadFailed, match="sends more than 5,000 bytes"):
        get(unknown(mirror), out, network=little, progress=lambda _, n, __: came.append(n))
    assert names(out) == set() and 0 < max(came) <= 5000


def test_long_progress_is_never_given_up(
    mirror: Mirror, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tries are counted anew when something came: 90 GB may be cut often."""
    monkeypatch.setattr("easyportrait.data.download.BLOCK", 1000)
    mirror.always = tricks.cut(2000)
    assert get(release(mirror), out).path.read_bytes() == DATA
    assert len(mirror.asked) > 20


# -- trust on first use --------------------------------------------------------------------


def test_an_unknown_hash_is_measured_and_later_runs_must_find_the_same(
    mirror: Mirror, out: Path
) -> None:
    first = get(unknown(mirror), out)
    assert first.compared_with is None and first.sha256 == SHA
    assert get(unknown(mirror), out).compared_with == "fetched.json"
    (out / NAME).write_bytes(CHANGED)
    with pytest.raises(DownloadFailed, match=f"fetched.json says {SHA}"):
        get(unknown(mirror), out)
    (out / NAME).unlink()
    mirror.files[f"/{NAME}"] = CHANGED
    with pytest.raises(DownloadFailed, match=f"what it sends has .* fetched.json says {SHA}"):
        get(unknown(mirror), out)
    assert names(out) == {"fetched.json"}


def test_a_hash_in_the_registry_beats_the_one_noted(mirror: Mirror, out: Path) -> None:
    mirror.files[f"/{NAME}"] = CHANGED
    get(unknown(mirror), out)
    with pytest.raises(DownloadFailed, match="the registry says"):
        get(release(mirror), out)


def test_a_folder_holds_one_release(mirror: Mirror, out: Path) -> None:
    get(release(mirror), out)
    later = Release("v2", "", "", release(mirror).archives)
    with pytest.raises(BadInput, match="holds v1: fetch v2 into another folder"):
        get(later, out)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"release": "v1", "archives": {"a": 1}}'])
def test_a_damaged_record_is_said(mirror: Mirror, out: Path, text: str) -> None:
    out.mkdir()
    (out / "fetched.json").write_text(text)
    with pytest.raises(BadInput, match=r"fetched.json is damaged: delete it"):
        get(release(mirror), out)


# -- without a network ---------------------------------------------------------------------


def test_offline_says_which_file_to_put_where(mirror: Mirror, out: Path) -> None:
    with pytest.raises(DownloadFailed, match="--offline") as caught:
        get(release(mirror), out, offline=True)
    assert f"{out / NAME} ({len(DATA):,} bytes, SHA-256 {SHA})" in str(caught.value)
    (out / NAME).write_bytes(DATA)
    assert get(release(mirror), out, offline=True).compared_with == "the registry"
    assert mirror.asked == []


def test_without_an_address_the_way_out_is_said(out: Path) -> None:
    with pytest.raises(DownloadFailed, match=r"--from URL\|DIR or --registry FILE") as caught:
        get(unknown(), out)
    assert f"{out / NAME} (size unknown, SHA-256 unknown)" in str(caught.value)


def test_files_of_a_folder_are_used_where_they_lie(tmp_path: Path, out: Path) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    with pytest.raises(DownloadFailed, match=f"not there: {mine / NAME}"):
        get(unknown(), out, source=as_source(str(mine)))
    (mine / NAME).write_bytes(DATA)
    assert get(unknown(), out, source=mine).path == mine / NAME
    assert names(mine) == {NAME} and names(out) == {"fetched.json"}
    assert get(unknown(), out, source=mine).compared_with == "fetched.json"


# -- sources -------------------------------------------------------------------------------


def test_a_base_address_replaces_the_registrys(mirror: Mirror, other: Mirror, out: Path) -> None:
    other.files = {f"/a/{NAME}": DATA}
    fetched = get(release(mirror), out, source=as_source(f"{other.url}/a/?key=secret"))
    assert other.asked[0]["Path"] == f"/a/{NAME}?key=secret" and mirror.asked == []
    assert fetched.origin == f"{other.url}/a/{NAME}"
    assert "secret" not in (out / "fetched.json").read_text()


@pytest.mark.parametrize("text", ["ftp://127.0.0.1/", "file:///etc", "s3://bucket", "/no/such"])
def test_other_sources_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match=r"http://.*https://") as caught:
        as_source(text)
    assert text in str(caught.value)


def test_secrets_are_not_shown() -> None:
    assert (
        shown("https://me:secret@host.example/a.zip?key=secret#x") == "https://host.example/a.zip"
    )
    with pytest.raises(BadInput) as caught:
        address("https://me:secret@host.example/a.zip?key=secret")
    assert "secret" not in str(caught.value)


def test_https_never_leads_to_http(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    from easyportrait.data import download as module

    real = module.ask_once
    mirror.always = tricks.redirect(f"{mirror.url}/b.zip")
    monkeypatch.setattr(
        module, "ask_once", lambda url, *rest: real(url.replace("https:", "http:"), *rest)
    )
    with pytest.raises(DownloadFailed, match="leads from https to http:"):
        module.ask(mirror.url.replace("http:", "https:") + "/a.zip", {}, QUICK)


def test_a_certificate_that_is_wrong_is_said_at_once(
    mirror: Mirror, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def refuse(*_: object, **__: object) -> None:
        asked.append(1)
        raise URLError(ssl.SSLCertVerificationError("certificate has expired"))

    monkeypatch.setattr(OpenerDirector, "open", refuse)
    with pytest.raises(DownloadFailed, match=f"{mirror.url}/{NAME}: .*certificate has expired"):
        get(release(mirror), out)
    assert len(asked) == 1


# -- several -------------------------------------------------------------------------------


def test_one_failure_does_not_stop_the_others(mirror: Mirror, out: Path) -> None:
    base = mirror.url
    archives = (
        Archive("gone.zip", (f"{base}/gone.zip",)),
        Archive(NAME, (f"{base}/{NAME}",)),
    )
    with pytest.raises(DownloadFailed, match=r"gone\.zip cannot be had"):
        fetch(Release("v1", "", "", archives), out, network=QUICK)
    assert names(out) == {NAME, "fetched.json"}


def test_archives_and_those_inside_them_are_unpacked(mirror: Mirror, out: Path) -> None:
    meta = a_zip(meta_csv=b"attachment_id,user_id\n")
    mirror.files["/annotations.zip"] = a_zip(train__a_png=b"a", meta_zip=meta)
    archive = Archive("annotations.zip", (f"{mirror.url}/annotations.zip",), inner=("meta.zip",))
    what = Release("v1", "", "", (archive,))
    done = unpack(get(what, out), out)
    assert [(d.folder, d.new) for d in done] == [(out / "annotations", 2), (out / "meta", 1)]
    assert (out / "annotations" / "train" / "a.png").read_bytes() == b"a"
    assert (out / "meta" / "meta.csv").read_bytes() == b"attachment_id,user_id\n"


def test_an_inner_archive_that_is_not_there_is_said(mirror: Mirror, out: Path) -> None:
    archive = Archive(NAME, (f"{mirror.url}/{NAME}",), inner=("meta.zip",))
    fetched = get(Release("v1", "", "", (archive,)), out)
    with pytest.raises(BadInput, match=r"holds no meta\.zip"):
        unpack(fetched, out)


# -- two at once, and the disk -------------------------------------------------------------


def test_a_second_run_in_the_same_folder_is_kept_out(mirror: Mirror, out: Path) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def wait(what: str, done: int, total: int | None) -> None:
        inside.set()
        assert go_on.wait(5)

    first = threading.Thread(target=lambda: get(release(mirror), out, progress=wait))
    first.start()
    assert inside.wait(5)
    try:
        with pytest.raises(OutputUnwritable, match="another run is at work in"):
            get(release(mirror), out)
    finally:
        go_on.set()
        first.join()
    assert get(release(mirror), out).path.read_bytes() == DATA
    assert names(out) == {NAME, "fetched.json"}


def test_a_lock_left_by_a_killed_run_keeps_nobody_out(mirror: Mirror, out: Path) -> None:
    out.mkdir()
    (out / ".fetch.lock").touch()
    assert get(release(mirror), out).path.exists()


def test_a_full_disk_is_said_before_the_download(
    mirror: Mirror, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(OutputUnwritable, match=r"0.0 GB of free space"):
        get(release(mirror), out)
    assert names(out) == set()


def test_a_disk_that_fills_up_is_an_error_of_the_output_not_of_the_mirror(
    mirror: Mirror, out: Path
) -> None:
    def full(what: str, done: int, total: int | None) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OutputUnwritable, match=r"images.zip.part cannot be written: No space"):
        get(release(mirror), out, progress=full)


def test_a_folder_that_is_a_file_is_said(mirror: Mirror, out: Path) -> None:
    out.write_text("mine")
    with pytest.raises(OutputUnwritable, match="data cannot be written"):
        get(release(mirror), out)


def test_one_download_by_itself(mirror: Mirror, tmp_path: Path) -> None:
    part = Part(tmp_path / "x.part")
    download(f"{mirror.url}/{NAME}", part, network=QUICK)
    part.finish(tmp_path / "x")
    assert {p.name for p in tmp_path.iterdir()} == {"x"}
    assert (tmp_path / "x").read_bytes() == DATA
