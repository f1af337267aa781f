from pathlib import Path

import pytest

from easyportrait.data.layout import V1, V2, write_dataset
from easyportrait.data.resplit import resplit
from easyportrait.data.split import SHARES
from easyportrait.errors import BadInput
from tests.unit.data.drawn import drawn_entries
from tests.unit.data.test_split import people

V1_SHARES = SHARES["v1"]


def table(path: Path, rows: list[dict]) -> Path:
    columns = [*rows[0]]
    lines = [",".join(columns), *(",".join(str(row[c]) for c in columns) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_table_gets_its_splits_in_its_own_order(tmp_path: Path) -> None:
    rows = people(40)
    found = resplit(table(tmp_path / "t.csv", rows), V1_SHARES)
    assert [row["name"] for row in found.rows] == [row["name"] for row in rows]
    lines = found.to_csv().splitlines()
    assert lines[0] == "name,user,split" and len(lines) == len(rows) + 1
    of = {row["user"]: row["split"] for row in found.rows}
    assert all(row["split"] == of[row["user"]] for row in found.rows)
    assert set(of.values()) == {"train", "val", "test"}
    assert any(f"{len(rows)} pictures have no hash" in line for line in found.remarks)


def test_what_it_wrote_keeps_the_split_of_who_is_in_it(tmp_path: Path) -> None:
    first = resplit(table(tmp_path / "t.csv", people(40)), V1_SHARES)
    (tmp_path / "split.csv").write_text(first.to_csv())
    more = table(tmp_path / "more.csv", people(40) + people(4, 1, prefix="w"))
    second = resplit(more, V1_SHARES, keep_split=tmp_path / "split.csv")
    before = {row["user"]: row["split"] for row in first.rows}
    after = {row["user"]: row["split"] for row in second.rows}
    assert {user: after[user] for user in before} == before and len(after) == 44
    assert "40 of 44 users had a split and keep it" in second.remarks


def test_near_duplicates_bind_their_users_unless_told_otherwise(tmp_path: Path) -> None:
    rows = [{"name": f"n{i}", "user": f"u{i}", "hash": f"{i:x}" * 16} for i in range(14)]
    rows[7]["hash"] = rows[0]["hash"][:-1] + "1"
    path = table(tmp_path / "t.csv", rows)
    bound = [resplit(path, V1_SHARES, seed=seed).rows for seed in range(8)]
    assert all(found[0]["split"] == found[7]["split"] for found in bound)
    loose = [resplit(path, V1_SHARES, seed=seed, group=False).rows for seed in range(8)]
    assert any(found[0]["split"] != found[7]["split"] for found in loose)
    told = table(
        tmp_path / "split.csv",
        [{"user": "u0", "split": "train"}, {"user": "u7", "split": "test"}],
    )
    found = resplit(path, V1_SHARES, keep_split=told)
    assert any("1 pictures look like one in another split: n0" in line for line in found.remarks)


@pytest.mark.parametrize("layout", [V1, V2], ids=["v1", "v2"])
def test_a_dataset_is_read_where_its_table_says_too_little(tmp_path: Path, layout) -> None:
    entries = drawn_entries(brightness=120.0)
    write_dataset(entries, tmp_path / "set", layout)
    told: list[tuple[int, int]] = []
    found = resplit(tmp_path / "set", V1_SHARES, progress=lambda *n: told.append(n))
    assert sorted(told) == [(i, 6) for i in range(1, 7)]
    assert {row["name"]: row["user"] for row in found.rows} == {
        entry.name: entry.meta["user"] for entry in entries
    }
    assert all(row["hash"] and row["width"] for row in found.rows)
    assert not any("was not balanced" in line for line in found.remarks)


def test_who_nobody_knows_cannot_be_split(tmp_path: Path) -> None:
    write_dataset(drawn_entries(user=None), tmp_path / "set", V1)
    with pytest.raises(BadInput, match="6 pictures have no user"):
        resplit(tmp_path / "set", V1_SHARES)
