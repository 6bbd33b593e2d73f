"""The documents as pages whose tables, sections and blocks can be read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Page:
    """A Markdown document or a part of it."""

    text: str
    path: Path

    def section(self, title: str) -> Page:
        """A section from its heading to the next heading of any level."""
        found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", self.text, flags=re.DOTALL | re.MULTILINE)
        assert found, f"no section {title!r}"
        return Page(found[1], self.path)

    def table(self, *heads: str) -> list[list[str]]:
        """Cells of the rows of every table with these first column heads, code marks removed."""
        rows: list[list[str]] = []
        inside = False
        for line in self.text.splitlines():
            cells = [cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|")]
            if not line.startswith("|"):
                inside = False
            elif tuple(cells[: len(heads)]) == heads:
                inside = True
            elif inside and not set(cells[0]) <= {"-", " "}:
                rows.append(cells)
        assert rows, f"no table {heads}"
        return rows

    def blocks(self, language: str) -> list[str]:
        """Fenced blocks of a language, without the indentation of a list item."""
        found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", self.text, flags=re.DOTALL | re.MULTILINE)
        return [re.sub(rf"^{indent}", "", body, flags=re.MULTILINE) for indent, body in found]

    def prose(self) -> str:
        """The text without fenced blocks."""
        return re.sub(r"```.*?```", "", self.text, flags=re.DOTALL)

    def anchors(self) -> set[str]:
        """Anchors of the headings as GitHub makes them."""
        heads = re.findall(r"^#+ (.+)$", self.prose(), re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def page_at(path: Path) -> Page:
    return Page(path.read_text("utf-8"), path)


def pages() -> list[Page]:
    return [page_at(path) for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that takes `page` on every document."""
    if "page" in metafunc.fixturenames:
        found = pages()
        metafunc.parametrize("page", found, ids=[str(page.path.relative_to(ROOT)) for page in found])


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def readme() -> Page:
    return page_at(ROOT / "README.md")


@pytest.fixture(scope="session")
def every_page() -> list[Page]:
    return pages()


@pytest.fixture(scope="session")
def architecture() -> Page:
    return page_at(ROOT / "docs/architecture.md")


@pytest.fixture(scope="session")
def conformance() -> Page:
    return page_at(ROOT / "docs/conformance.md")


@pytest.fixture(scope="session")
def interoperability() -> Page:
    return page_at(ROOT / "docs/interoperability.md")


@pytest.fixture(scope="session")
def scoring_page() -> Page:
    return page_at(ROOT / "docs/scoring.md")


@pytest.fixture(scope="session")
def operating() -> Page:
    return page_at(ROOT / "docs/operating.md")


@pytest.fixture(scope="session")
def configuring() -> Page:
    return page_at(ROOT / "docs/configuring.md")
