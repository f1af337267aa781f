"""Every check of the table, by being in it: it finds its own fault, and nothing else does."""

import re
import shutil
from pathlib import Path

import pytest

from easyportrait.data.checks import CHECKS
from easyportrait.data.verify import verify
from tests.unit.data.planted import FAULTS, Fault, sound

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "verify.md"


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sound(tmp_path_factory.mktemp("sound"))


def test_a_sound_dataset_is_silent(clean: Path) -> None:
    report = verify(clean)
    assert report.findings == () and report.pictures == 6 and report.has_table


def test_every_check_has_a_planted_fault_and_no_fault_is_of_another_kind() -> None:
    assert list(FAULTS) == [check.kind for check in CHECKS]


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        pytest.param(kind, fault, id=f"{kind}-{i}")
        for kind, faults in FAULTS.items()
        for i, fault in enumerate(faults)
    ],
)
def test_a_planted_fault_is_the_one_finding(
    clean: Path, tmp_path: Path, kind: str, fault: Fault
) -> None:
    root = tmp_path / "planted"
    shutil.copytree(clean, root)
    fault(root)
    findings = verify(root).findings
    assert [finding.kind for finding in findings] == [kind], [*map(str, findings)]
    assert verify(root, skip=[kind]).findings == ()


def test_every_check_says_what_it_means_and_how_to_mend_it() -> None:
    for check in CHECKS:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", check.kind)
        assert check.means.endswith(".") and check.mend.endswith(".")


def test_the_how_to_has_each_kind_and_no_other() -> None:
    told = re.findall(r"^\| `([a-z-]+)` \|", PAGE.read_text(), re.MULTILINE)
    assert told == [check.kind for check in CHECKS]
