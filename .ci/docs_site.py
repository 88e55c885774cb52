"""Check the built documentation: no page, style sheet or script loads anything from outside."""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path

LOADS = {  # attributes that make a browser load something; `href` of a link to follow is none of them
    "script": ("src",),
    "link": ("href",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "object": ("data",),
    "embed": ("src",),
    "use": ("href", "xlink:href"),
    "image": ("href", "xlink:href"),
}
FOLLOWED = {"canonical", "next", "prev", "alternate", "search"}  # relations of a <link> that load nothing
OUTSIDE = re.compile(r"(?:https?:)?//", re.IGNORECASE)
IN_STYLE = re.compile(r"(?:url\(|@import)\s*['\"]?((?:https?:)?//[^'\")\s]+)", re.IGNORECASE)


class Loads(HTMLParser):
    """Collects what a page loads from outside."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.outside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at the attributes of one element."""
        given = dict(attrs)
        if tag == "link" and FOLLOWED & set((given.get("rel") or "").split()):
            return
        for name in LOADS.get(tag, ()):
            places = re.split(r",\s+", given.get(name) or "")
            self.outside += [place for place in places if OUTSIDE.match(place.strip())]
        self.outside += IN_STYLE.findall(given.get("style") or "")


def loaded_from_outside(text: str, suffix: str) -> list[str]:
    """Addresses outside that a file of this kind loads when a page is opened."""
    if suffix == ".html":
        page = Loads()
        page.feed(text)
        return page.outside + IN_STYLE.findall("\n".join(re.findall(r"<style.*?</style>", text, re.DOTALL)))
    return IN_STYLE.findall(text)


def check(site: Path) -> str:
    """A sentence about the site. Raises ValueError naming file and address of what is loaded from outside."""
    pages = 0
    for path in sorted(site.rglob("*")):
        if path.suffix not in (".html", ".css", ".svg"):
            continue
        pages += path.suffix == ".html"
        if found := loaded_from_outside(path.read_text(), path.suffix):
            raise ValueError(f"{path} must load nothing from outside. Got {found[0]}.")
    if not pages:
        raise ValueError(f"{site} must hold a site. Got no page: run `make docs`.")
    return f"{pages} pages in {site}, nothing is loaded from outside"


if __name__ == "__main__":
    print(check(Path(sys.argv[1])))
