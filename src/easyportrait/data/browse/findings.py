"""What `data verify` found, read again from its JSON."""

import json
from pathlib import Path

from ...errors import BadInput
from ..verify import Finding


def read_findings(path: Path) -> list[Finding]:
    """The findings in a file that `data verify --json` wrote.

    Raises:
        BadInput: it cannot be read, or is no such file.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{path} cannot be read: {reason}") from error
    return parsed(text, str(path))


def parsed(text: str, where: str) -> list[Finding]:
    """Raises:
    BadInput: the text is not what `Report.to_json` gives.
    """
    try:
        rows = json.loads(text)["findings"]
        findings = [
            Finding(row["kind"], row["name"], row["split"], row["message"], row["details"])
            for row in rows
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(
            f"{where} does not hold findings as `easyportrait data verify DIR --json FILE` "
            f"writes them: {type(error).__name__} {error}"
        ) from None
    for finding in findings:
        words = (finding.kind, finding.name, finding.split, finding.message)
        if not all(isinstance(w, str) for w in words) or not isinstance(finding.details, dict):
            raise BadInput(f"{where}: the finding {words[0]!r} about {words[1]!r} is of no use")
    return findings
