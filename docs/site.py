"""What MkDocs does to pages on their way to the site: the README opens it, and links that leave
docs/ become the names of the files, since the site does not hold them."""

import posixpath
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s#]+)(#[^)]*)?\)")
PAGES = {"index.md": "README.md", "changelog.md": "CHANGELOG.md", "security.md": "SECURITY.md"}


def on_files(files: Any, config: Any) -> Any:
    """Pages that lie outside docs/."""
    from mkdocs.structure.files import File

    for page, source in PAGES.items():
        if (ROOT / source).exists():
            files.append(File.generated(config, page, content=brought_in(source)))
    return files


def on_page_markdown(text: str, page: Any, **_: Any) -> str:
    if page.file.src_uri in PAGES:
        return text
    folder = posixpath.dirname(f"docs/{page.file.src_uri}")
    return LINK.sub(lambda found: inside(found, folder), text)


def brought_in(source: str) -> str:
    """A page of the root, its links as seen from docs/."""
    text = (ROOT / source).read_text(encoding="utf-8").replace("](docs/", "](")
    return LINK.sub(lambda found: inside(found, "docs"), text)


def inside(found: re.Match[str], folder: str) -> str:
    """A link, or its words and the file's name where it leads out of docs/."""
    words, target = found[1], found[2]
    if "://" in target:
        return found[0]
    place = posixpath.normpath(posixpath.join(folder, target))
    if place.startswith("docs/"):
        return found[0] if (ROOT / place).is_file() else f"{words} (`{place}`)"
    return f"{words} (`{place}`)"
