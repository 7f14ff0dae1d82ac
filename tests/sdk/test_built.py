"""What was built is whole: packages, the repository, and a layer that covers the document."""

import hashlib
import json
import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from levqor import __version__


def _document(built: Path) -> dict[str, dict[str, dict[str, object]]]:
    document: dict[str, dict[str, dict[str, object]]] = json.loads((built / "levqor-sdk" / "openapi.json").read_text())
    return document


def _lists(built: Path) -> set[str]:
    found = set()
    for operations in _document(built)["paths"].values():
        for operation in operations.values():
            if isinstance(operation, dict) and any(one["name"] == "cursor" for one in operation.get("parameters", [])):
                found.add(operation["operationId"])
    return found


def test_the_manifest_names_what_is_there(built: Path) -> None:
    manifest = json.loads((built / "manifest.json.new").read_text())
    assert manifest["version"] == __version__
    assert {file["language"] for file in manifest["files"]} == {"python", "typescript"}
    for file in manifest["files"]:
        content = (built / file["name"]).read_bytes()
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
        assert __version__ in file["name"]
    assert not (built / "manifest.json").exists(), "nothing is offered before it has passed"


def test_every_list_has_its_iterator(built: Path) -> None:
    python = (built / "levqor-sdk/python/src/levqor_sdk/_resources.py").read_text()
    typescript = (built / "levqor-sdk/typescript/src/resources.ts").read_text()
    lists = _lists(built)
    assert len(lists) >= 6
    assert set(re.findall(r"iterated\(\w+\.(\w+)\)", python)) == lists
    snake = {re.sub(r"([A-Z])", lambda found: "_" + found[1].lower(), name) for name in _listed(typescript)}
    assert snake == lists


def _listed(typescript: str) -> list[str]:
    return re.findall(r"this\.(list\w+)\(\{ \.\.\.request, cursor \}\)", typescript)


def test_the_packages_hold_their_types_and_nothing_strange(built: Path) -> None:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as archive:
        wheel = archive.namelist()
    with tarfile.open(next(built.glob("*.tgz"))) as packed:
        tarball = packed.getnames()
    assert "levqor_sdk/py.typed" in wheel
    assert "package/dist/index.d.ts" in tarball
    assert not [name for name in (*wheel, *tarball) if re.search(r"node_modules|\.env|__pycache__|test", name)]


@pytest.mark.parametrize("language", ["python", "typescript"])
def test_the_repository_is_ready(built: Path, language: str) -> None:
    repository = built / "levqor-sdk"
    assert {path.name for path in repository.iterdir()} == {
        ".gitignore",
        "CHANGELOG.md",
        "README.md",
        "examples",
        "openapi.json",
        "python",
        "typescript",
    }
    assert f"## {__version__}" in (repository / "CHANGELOG.md").read_text()
    assert (repository / language / "README.md").is_file()
    assert list((repository / language).rglob("generated"))
    assert not [path for path in repository.rglob("*") if path.name in {"node_modules", "dist", "templates"}]
