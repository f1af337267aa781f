from pathlib import Path

import pytest

from easyportrait.data.registry import Archive, find_release, read_registry
from easyportrait.errors import BadInput

HASH = "0123456789ABCDEF" * 4
WHOLE = f"""
[mine]
about = "two pictures"
licence = "CC0-1.0"

[[mine.archives]]
name = "images.zip"
urls = ["https://one.example/images.zip", "http://two.example/a/images.zip?key=1"]
size = 1000
sha256 = "{HASH}"
inner = ["meta.zip"]

[[mine.archives]]
name = "train.zip"
urls = []
only_if_named = true
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text)
    return path


def test_the_registry_of_the_package_knows_both_releases_and_invents_nothing() -> None:
    releases = read_registry()
    assert set(releases) == {"v1", "v2"}
    assert [a.name for a in releases["v1"].archives] == ["images.zip", "annotations.zip"]
    chosen = [a.name for a in releases["v2"].choose()]
    assert chosen == ["images.zip", "annotations.zip", "meta.zip"]
    for release in releases.values():
        assert "CC BY-SA 4.0" in release.licence
        assert all(a.urls == () and a.size is a.sha256 is None for a in release.archives)


def test_a_registry_of_ones_own_states_everything(tmp_path: Path) -> None:
    release = find_release("mine", written(tmp_path, WHOLE))
    images, train = release.archives
    assert images == Archive(
        "images.zip",
        ("https://one.example/images.zip", "http://two.example/a/images.zip?key=1"),
        1000,
        HASH.lower(),
        ("meta.zip",),
    )
    assert train.only_if_named and train.size is None and train.sha256 is None


def test_archives_are_chosen_by_name(tmp_path: Path) -> None:
    release = find_release("mine", written(tmp_path, WHOLE))
    assert [a.name for a in release.choose()] == ["images.zip"]
    assert [a.name for a in release.choose(["train.zip"])] == ["train.zip"]
    with pytest.raises(BadInput, match=r"no archive 'val.zip'; it has images.zip, train.zip"):
        release.choose(["val.zip"])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("sha256 =", "sha265 =", r"archives\[0\]: missing nothing; unknown sha265"),
        ("about =", "abuot =", r"mine: missing about; unknown abuot"),
        ("urls = [", "adresses = [", r"archives\[0\]: missing urls; unknown adresses"),
        ("size = 1000", 'size = "1000"', r"images.zip\): size is a whole number .* got '1000'"),
        ("size = 1000", "size = -1", "got -1"),
        ("size = 1000", "size = true", "got True"),
        (HASH, HASH[1:], "sha256 is 64 hexadecimal digits"),
        (HASH, "g" * 64, "sha256 is 64 hexadecimal digits"),
        ('inner = ["meta.zip"]', 'inner = "meta.zip"', "inner is a list of texts, got 'meta.zip'"),
        ('inner = ["meta.zip"]', 'inner = ["../meta.zip"]', r"inner is that .* got '../meta.zip'"),
        ("only_if_named = true", "only_if_named = 1", "only_if_named is true or false, got 1"),
        ('"images.zip"', '"../images.zip"', r"name is that of a .zip file.* got '../images.zip'"),
        ('"images.zip"', '"images.tar"', "name is that of a .zip file"),
        ('"images.zip"', '".zip"', "name is that of a .zip file"),
        ('"train.zip"', '"Images.zip"', "repeats an archive"),
        ("https://one", "ftp://one", "begin with http:// or https://"),
        ("https://one", "file:///one", "begin with http:// or https://"),
        ("https://one", "https://me:secret@one", "user name or password"),
        ("https://one.example/", "https://one.example/a b/", "percent-encoded"),
        ("https://one.example/", "https://one.example:99999/", "is not an address"),
        ("[mine]", "[mine", "is not TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in WHOLE
    with pytest.raises(BadInput, match=message) as caught:
        read_registry(written(tmp_path, WHOLE.replace(old, new, 1)))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "names no release"), ("mine = 1", "mine is a table, got 1"),
     ("[mine]\nabout='a'\nlicence='b'\narchives=[]", "archives is a list of tables")],
)  # fmt: skip
def test_a_registry_without_archives_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        read_registry(written(tmp_path, text))


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no release 'v3'. Releases: v1, v2"):
        find_release("v3")
    with pytest.raises(BadInput, match=r"none.toml: the registry cannot be read: No such file"):
        read_registry(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"\xff")
    with pytest.raises(BadInput, match="the registry cannot be read"):
        read_registry(tmp_path / "latin.toml")
