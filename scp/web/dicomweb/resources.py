"""The resources of the web services: addresses, and the objects that stand behind them (PS3.18 10.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import HTTPException, Path, Request

from dicom.uids import is_keepable_uid
from scp.web.services import Services
from storage.objects.attributes import Level
from storage.query.retrieval import Retrieval, Selection, StoredObject, find_object

PREFIX: Final = "/dicom-web"
READ: Final = ["GET", "HEAD"]
"""Methods of what is only read."""

Uid = Annotated[str, Path(min_length=1, max_length=64)]


@dataclass(frozen=True, slots=True)
class Resource:
    """A study, a series of it, or an instance of that."""

    study: str
    series: str = ""
    instance: str = ""

    @property
    def level(self) -> Level:
        """The level of the query model."""
        return "IMAGE" if self.instance else "SERIES" if self.series else "STUDY"

    def select(self, services: Services) -> Selection:
        """Select what is shown of it, as C-MOVE does. Raises HTTPException (404), Rejected, Transient."""
        uids: dict[Level, str] = {"STUDY": self.study, "SERIES": self.series, "IMAGE": self.instance}
        if not all(is_keepable_uid(uid) for uid in uids.values() if uid):
            raise NoSuchResource
        keys = {level: (uid,) for level, uid in uids.items() if uid}
        selection = Retrieval(self.level, keys).select(services.database)
        if not len(selection):
            raise NoSuchResource
        return selection

    def read(self, services: Services) -> StoredObject:
        """Return the instance. Raises HTTPException (404) and Transient."""
        found = None
        if all(map(is_keepable_uid, (self.study, self.series, self.instance))):
            found = find_object(services.database, self.study, self.series, self.instance)
        if found is None:
            raise NoSuchResource
        return found


class NoSuchResource(HTTPException):
    """404."""

    def __init__(self) -> None:
        super().__init__(404, "no such study, series or instance here")


def find_base(request: Request) -> str:
    """Return the base URI of the services as the client calls it, without a slash at the end."""
    return f"{request.url.scheme}://{request.url.netloc}{PREFIX}"


def locate(base: str, study: str, series: str = "", instance: str = "") -> str:
    """Return the address of a study, series or instance."""
    names = ("studies", study), ("series", series), ("instances", instance)
    return base + "".join(f"/{name}/{quote(uid, safe='')}" for name, uid in names if uid)
