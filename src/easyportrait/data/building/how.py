"""What may be asked of a build."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import BadInput
from ..duplicates import FURTHEST
from ..layout import LAYOUTS
from ..quality import Limits
from ..split import SHARES, checked
from .pictures import Reading

DUPLICATES = ("drop", "group", "keep")


@dataclass(frozen=True, slots=True, kw_only=True)
class How:
    """What is asked of a build.

    Attributes:
        version: "v1" or "v2", the layout.
        archives: zips as published; False for folders.
        shares: of the pictures, by split; None for those of the published version.
        seed: another one gives other splits.
        keep_split: a dataset or table whose users keep their split. Those of the dataset
            that an earlier build put into the output folder do so in any case.
        resplit: but not then: split anew.
        duplicates: of pictures that look alike, "drop" all but one (one that was there
            before, else the largest, else the sharpest), "group" them into one split
            together with all pictures of their users, or "keep" them as if they were none.
        distance: bits of 64 in which their hashes may differ, 0 to 32.
        limits: what is too small, dark, blurred, or no face.
        reading: how pictures and masks are read.
        partial: build from what can be used; else anything that cannot is an error.
        replace: pictures of the earlier dataset that there are no photographs of any more
            may go; else that is an error.
        dry_run: measure, choose and report only.

    Raises:
        BadInput: there is no such version, share, way with duplicates or distance.
    """

    version: str = "v1"
    archives: bool = True
    shares: Mapping[str, float] | None = None
    seed: int = 0
    keep_split: Path | None = None
    resplit: bool = False
    duplicates: str = "drop"
    distance: int = 4
    limits: Limits = field(default_factory=Limits)
    reading: Reading = field(default_factory=Reading)
    partial: bool = False
    replace: bool = False
    dry_run: bool = False

    def __post_init__(self) -> None:
        if self.version not in LAYOUTS:
            raise BadInput(f"there is no version {self.version!r}; versions: {', '.join(LAYOUTS)}")
        if self.duplicates not in DUPLICATES:
            raise BadInput(f"duplicates are {', '.join(DUPLICATES)}, got {self.duplicates!r}")
        if not 0 <= self.distance <= FURTHEST:
            raise BadInput(f"distance is 0 to {FURTHEST} bits, got {self.distance}")
        checked(self.wanted)

    @property
    def wanted(self) -> Mapping[str, float]:
        """The shares."""
        return SHARES[self.version] if self.shares is None else self.shares
