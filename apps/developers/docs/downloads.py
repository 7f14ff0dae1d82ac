"""The SDKs that were built on this machine, to be downloaded."""

import json
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.urls import reverse

from apps.core.errors import NotFoundError

MANIFEST = "manifest.json"
LABELS = {"python": "Python", "typescript": "TypeScript"}
INSTALLERS = {"python": "pip install", "typescript": "npm install"}


@dataclass(frozen=True)
class Download:
    """One built package."""

    name: str
    language: str
    version: str
    sha256: str
    bytes: int

    @property
    def label(self) -> str:
        """Its language, as one writes it."""
        return LABELS[self.language]

    def installed_from(self, site_url: str) -> str:
        """The command that fetches and installs it."""
        return f"{INSTALLERS[self.language]} {site_url}{reverse('docs_sdk_download', args=[self.name])}"


def folder() -> Path:
    """Where `make sdk` leaves what it built."""
    return Path(settings.VAR_DIR) / "sdk"


def downloads() -> list[Download]:
    """What can be downloaded; empty where `make sdk` did not run."""
    try:
        listed = json.loads((folder() / MANIFEST).read_text())
    except (OSError, ValueError):
        return []
    return [
        Download(entry["name"], entry["language"], listed["version"], entry["sha256"], entry["bytes"])
        for entry in listed["files"]
        if (folder() / entry["name"]).is_file()
    ]


def file_of(name: str) -> Path:
    """A listed file. Raises `NotFoundError`."""
    if name not in {found.name for found in downloads()}:
        raise NotFoundError()
    return folder() / name
